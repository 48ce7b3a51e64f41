/** The chat with the assistant, what is on offer, and below it where the person writes. */

import { Fragment } from "preact";
import { useEffect } from "preact/hooks";
import { Button, IconButton } from "../kit/parts/Button.tsx";
import { Composer } from "../kit/parts/Composer.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Markdown } from "../kit/parts/Markdown.tsx";
import { Message, Messages } from "../kit/parts/Messages.tsx";
import { notifyFault } from "../kit/parts/Toast.tsx";
import { currentUser } from "./account.ts";
import { withoutMarkers } from "./answer.ts";
import {
  beginNew,
  debtId,
  exchanges,
  isAnswering,
  loadChat,
  opening,
  remembered,
  say as tell,
  stop,
} from "./chat.ts";
import { debts, openOffers } from "./debts.ts";
import { ExchangeView } from "./Exchange.tsx";
import { toldOf } from "./faults.ts";
import { euros } from "./money.ts";
import { OfferCard } from "./OfferCard.tsx";
import { words } from "./words.ts";

export function Chat() {
  const say = words.value;
  const asked = exchanges.value.length;
  function load() {
    loadChat().catch((error: unknown) => notifyFault(toldOf(error)));
  }
  useEffect(load, [currentUser()?.language]);
  useEffect(() => {
    // The greeting lists the debts.
    if (opening.value && exchanges.value.length === 0) load();
  }, [debts.value]);
  function clear() {
    beginNew().catch((error: unknown) => notifyFault(toldOf(error)));
  }
  return (
    <main class="conversation">
      <Messages sent={asked} isGrowing={isAnswering.value} announcement={announcement()}>
        <Greeting />
        {remembered.value === 0 && <StandingOffers />}
        {exchanges.value.map((exchange, index) => (
          <Fragment key={index}>
            <ExchangeView
              exchange={exchange}
              isLast={index === asked - 1}
              offerIds={exchange.answer.offers.filter((id) => !isOfferedAfter(id, index))}
            />
            {index === remembered.value - 1 && <StandingOffers />}
          </Fragment>
        ))}
      </Messages>
      <div class="writing">
        <Composer
          placeholder={say.ask}
          isAnswering={isAnswering.value}
          onSend={(text) => void tell(text)}
          onStop={stop}
        >
          <IconButton icon="plus" label={say.newChat} onClick={clear} disabled={asked === 0} />
          <ChosenDebt />
        </Composer>
      </div>
    </main>
  );
}

/** What a screen reader hears: that an answer is coming, and then the whole of it. */
function announcement(): string {
  const answer = exchanges.value.at(-1)?.answer;
  if (!answer) return "";
  if (answer.state === "growing") return words.value.answering;
  return answer.fault ?? withoutMarkers(answer);
}

function isOfferedAfter(id: number, index: number): boolean {
  return exchanges.value.slice(index + 1).some(({ answer }) => answer.offers.includes(id));
}

function Greeting() {
  if (opening.value === null) return null;
  const { greeting, suggestions, problem } = opening.value;
  return (
    <>
      <Message from="model" name={words.value.assistant}>
        <Markdown text={greeting} />
        <Fault text={problem} />
      </Message>
      {exchanges.value.length === 0 && (
        <div class="suggestions">
          {suggestions.map((text) => (
            <Button key={text} onClick={() => void tell(text)}>
              {text}
            </Button>
          ))}
        </div>
      )}
    </>
  );
}

/** Offers from before this page was opened: which answer they came with is not known any more. */
function StandingOffers() {
  const standing = openOffers.value.filter(({ id }) => !isOfferedAfter(id, -1));
  if (standing.length === 0) return null;
  return (
    <section class="standing" aria-labelledby="standing-title">
      <h2 id="standing-title">{words.value.openOffers}</h2>
      {standing.map((offer) => (
        <OfferCard key={offer.id} offer={offer} />
      ))}
    </section>
  );
}

function ChosenDebt() {
  const debt = debts.value?.find(({ id }) => id === debtId.value);
  if (!debt) return null;
  return (
    <span class="chosen-debt soft">
      {words.value.debt(debt.id)} · {euros(debt.total)}
    </span>
  );
}
