/** A message as the operator sees it: with its intent, the calls behind it, and who wrote it. */

import { Markdown } from "../kit/parts/Markdown.tsx";
import { Message as Frame } from "../kit/parts/Messages.tsx";
import { ToolCard } from "../kit/parts/ToolCard.tsx";
import { quotesOf, type Call } from "./answer.ts";
import type { Message } from "./chat.ts";
import { quoteAddress } from "./contacts.ts";
import { labelOf } from "./labels.ts";
import { QuoteCard } from "./QuoteCard.tsx";
import { words } from "./words.ts";
import { moment } from "./written.ts";

export function MessageView({ message }: { message: Message }) {
  const { author, text, intent, model, created_at } = message;
  const calls = message.calls ?? [];
  if (author === "visitor") {
    return (
      <Frame from="person" name={labelOf("author", author)} actions={<Below {...{ intent, created_at }} />}>
        {text}
      </Frame>
    );
  }
  const name = [labelOf("author", author), model].filter(Boolean).join(" · ");
  return (
    <Frame from="model" name={name} actions={<Below created_at={created_at} />}>
      <Calls calls={calls} />
      <Markdown text={text} />
      {quotesOf(calls).map((quote) => (
        <QuoteCard key={quote.quote_id} quote={quote}>
          <a href={quoteAddress(quote.quote_id)} target="_blank" rel="noopener">
            {words.value.openPdf}
          </a>
        </QuoteCard>
      ))}
    </Frame>
  );
}

/** The functions that the agent called, with what it gave and got. */
export function Calls({ calls }: { calls: readonly Call[] }) {
  return (
    <>
      {calls.map((call, index) => (
        <ToolCard
          key={index}
          name={call.name}
          title={labelOf("tool", call.name)}
          input={call.arguments}
          output={call.output}
        />
      ))}
    </>
  );
}

function Below({ intent, created_at }: { intent?: string | null | undefined; created_at: string }) {
  return (
    <>
      {intent && <span class="mark intent">{labelOf("intent", intent)}</span>}
      <time class="soft" dateTime={created_at}>
        {moment(created_at)}
      </time>
    </>
  );
}
