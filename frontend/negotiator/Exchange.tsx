/** What the person said and what the assistant answered: functions, text, sources and offers. */

import { Button } from "../kit/parts/Button.tsx";
import { CopyButton } from "../kit/parts/CopyButton.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Markdown } from "../kit/parts/Markdown.tsx";
import { Message, Typing } from "../kit/parts/Messages.tsx";
import { ToolCard } from "../kit/parts/ToolCard.tsx";
import { linked, sourcesOf, withoutMarkers, type Answer, type Call } from "./answer.ts";
import { sayAgain, type Exchange } from "./chat.ts";
import { offers } from "./debts.ts";
import { OfferCard } from "./OfferCard.tsx";
import { words } from "./words.ts";

interface Props {
  exchange: Exchange;
  isLast: boolean;
  /** Ids of the offers to show here; an offer that came again stands in its last place alone. */
  offerIds: number[];
}

export function ExchangeView({ exchange: { question, answer }, isLast, offerIds }: Props) {
  const isGrowing = answer.state === "growing";
  const shown = offerIds.flatMap((id) => offers.value.get(id) ?? []);
  return (
    <>
      {question !== null && <Message from="person">{question}</Message>}
      <Message
        from="model"
        name={words.value.assistant}
        isGrowing={isGrowing}
        actions={answer.text && !isGrowing && <CopyButton text={withoutMarkers(answer)} />}
      >
        {answer.calls.map((call, index) => (
          <ToolCard key={index} {...call} title={titleOf(call)} />
        ))}
        {answer.text && <Markdown text={linked(answer, document.baseURI)} />}
        {isGrowing && !answer.text && <Typing label={words.value.answering} />}
        <Sources answer={answer} />
        {shown.map((offer) => (
          <OfferCard key={offer.id} offer={offer} />
        ))}
        <Ending answer={answer} isLast={isLast} />
      </Message>
    </>
  );
}

/** The functions that find a document are one and the same thing to the person. */
function titleOf({ name }: Call): string | undefined {
  const known: Record<string, unknown> = words.value;
  const title = known[`tool_${name.replace(/^identify_.*/, "identify")}`];
  return typeof title === "string" ? title : undefined;
}

function Sources({ answer }: { answer: Answer }) {
  const say = words.value;
  const sources = sourcesOf(answer.citations, document.baseURI);
  if (sources.length === 0) return null;
  return (
    <nav class="sources" aria-label={say.sources}>
      {sources.map(({ number, filename, page, href }) => (
        <a key={href} href={href} target="_blank" rel="noopener">
          [{number}] {filename ?? say.document}
          {page !== null && `, ${say.page(page)}`}
        </a>
      ))}
    </nav>
  );
}

function Ending({ answer, isLast }: { answer: Answer; isLast: boolean }) {
  const say = words.value;
  if (answer.state !== "stopped") return null;
  return (
    <>
      {answer.fault === null && <p class="soft">{say.stopped}</p>}
      <Fault text={answer.fault} />
      {isLast && (
        <div class="actions">
          <Button icon="refresh" onClick={() => void sayAgain()}>
            {say.askAgain}
          </Button>
        </div>
      )}
    </>
  );
}
