/** What the visitor sees: the chat, and where they write. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../kit/parts/Button.tsx";
import { Composer } from "../kit/parts/Composer.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Markdown } from "../kit/parts/Markdown.tsx";
import { Message, Messages } from "../kit/parts/Messages.tsx";
import { notifyFault } from "../kit/parts/Toast.tsx";
import { useRepeated } from "../kit/repeated.ts";
import { AnswerView } from "../sales/AnswerView.tsx";
import type { Quote } from "../sales/answer.ts";
import type { Message as Written } from "../sales/chat.ts";
import { QuoteCard } from "../sales/QuoteCard.tsx";
import { toldOf } from "./faults.ts";
import { chat, company, greeting, isPersonAnswering, open, saveQuote } from "./visitor.ts";
import { words } from "./words.ts";

/** How often to ask for what a person writes, who may do so at any time. */
const ASK_AGAIN_MS = 4000;

export function Visit() {
  const say = words.value;
  const fault = useSignal<string | null>(null);
  const messages = chat.messages.value;
  const current = chat.current.value;
  async function begin() {
    fault.value = null;
    try {
      await open();
    } catch (error) {
      fault.value = toldOf(error);
    }
  }
  useEffect(() => void begin(), []);
  useRepeated(async () => {
    if (greeting.value) await chat.refresh();
  }, ASK_AGAIN_MS);
  return (
    <main class="page conversation">
      <h1 class="unseen">{company.value || say.title}</h1>
      <Messages
        sent={chat.sent.value}
        isGrowing={chat.isAnswering}
        count={messages.length}
        announcement={announcement()}
      >
        {greeting.value && (
          <Message from="model" name={company.value}>
            <Markdown text={greeting.value} />
          </Message>
        )}
        {messages.map((message) => (
          <Said key={message.id} message={message} />
        ))}
        {current?.question && <Message from="person">{current.question}</Message>}
        {current && (
          <AnswerView answer={current.answer} name={company.value} typing={say.answering}>
            <Quotes quotes={current.answer.quotes} />
          </AnswerView>
        )}
        <Fault text={fault.value} />
        {fault.value && (
          <div>
            <Button icon="refresh" onClick={() => void begin()}>
              {say.tryAgain}
            </Button>
          </div>
        )}
      </Messages>
      <div class="writing">
        <Composer
          placeholder={say.ask}
          isAnswering={chat.isAnswering}
          onSend={(text) => void chat.write(text)}
        >
          {isPersonAnswering.value && <span class="soft">{say.personAnswers}</span>}
        </Composer>
      </div>
    </main>
  );
}

/** What a screen reader hears: that an answer is coming, and then the whole of it. */
function announcement(): string {
  if (chat.isAnswering) return words.value.answering;
  const last = chat.messages.value.at(-1);
  return last && last.author !== "visitor" ? last.text : "";
}

function Said({ message }: { message: Written }) {
  const { author, text, quotes = [] } = message;
  if (author === "visitor") return <Message from="person">{text}</Message>;
  return (
    <Message from="model" name={author === "operator" ? words.value.person : company.value}>
      <Markdown text={text} />
      <Quotes quotes={quotes} />
    </Message>
  );
}

function Quotes({ quotes }: { quotes: Quote[] }) {
  async function save({ quote_id, number }: Quote) {
    try {
      await saveQuote(quote_id, `${number}.pdf`);
    } catch (error) {
      notifyFault(toldOf(error));
    }
  }
  return (
    <>
      {quotes.map((quote) => (
        <QuoteCard key={quote.quote_id} quote={quote}>
          <Button icon="document" onClick={() => void save(quote)}>
            {words.value.saveQuote}
          </Button>
        </QuoteCard>
      ))}
    </>
  );
}
