/** The chat: the conversation, and below it where the person writes. */

import { useSignal } from "@preact/signals";
import { languageTag } from "../kit/languages.ts";
import { Button, IconButton } from "../kit/parts/Button.tsx";
import { Composer } from "../kit/parts/Composer.tsx";
import { CopyButton } from "../kit/parts/CopyButton.tsx";
import { Markdown } from "../kit/parts/Markdown.tsx";
import { Message, Messages, Typing } from "../kit/parts/Messages.tsx";
import { ToolCard } from "../kit/parts/ToolCard.tsx";
import { AsCode } from "./AsCode.tsx";
import { clear, isAnswering, options, regenerate, send, stop, turns } from "./conversation.ts";
import { ModelChoice, OptionsDialog } from "./Options.tsx";
import type { Answer, Round } from "./request.ts";
import { words } from "./words.ts";

export function Conversation() {
  const say = words.value;
  const sent = useSignal(0);
  const dialog = useSignal<"options" | "code" | null>(null);
  const close = () => (dialog.value = null);
  function ask(text: string) {
    sent.value++;
    void send(text);
  }
  return (
    <main class="conversation">
      <Messages sent={sent.value} isGrowing={isAnswering.value} announcement={announcement()}>
        {turns.value.length === 0 && <Greeting onAsk={ask} />}
        {turns.value.map(({ question, answer }, index) => (
          <Exchange key={index} {...{ question, answer }} isLast={index === turns.value.length - 1} />
        ))}
      </Messages>
      <div class="writing">
        <Composer placeholder={say.ask} isAnswering={isAnswering.value} onSend={ask} onStop={stop}>
          <ModelChoice />
          <IconButton icon="settings" label={say.options} onClick={() => (dialog.value = "options")} />
          <IconButton icon="code" label={say.asCode} onClick={() => (dialog.value = "code")} />
          <IconButton icon="plus" label={say.newChat} onClick={clear} disabled={!turns.value.length} />
        </Composer>
      </div>
      {dialog.value === "options" && <OptionsDialog onClose={close} />}
      {dialog.value === "code" && <AsCode onClose={close} />}
    </main>
  );
}

/** What a screen reader hears: that there is an answer coming, and then the whole of it. */
function announcement(): string {
  const answer = turns.value.at(-1)?.answer;
  if (!answer) return "";
  if (answer.state === "growing") return words.value.answering;
  return answer.fault ?? textOf(answer);
}

function textOf(answer: Answer): string {
  return answer.rounds.map(({ text }) => text).filter(Boolean).join("\n\n");
}

function Greeting({ onAsk }: { onAsk: (text: string) => void }) {
  const say = words.value;
  function rollDice() {
    options.value = { ...options.value, hasFunctions: true };
    onAsk(say.suggestDice);
  }
  return (
    <div class="greeting">
      <h1>{say.greeting}</h1>
      <p class="soft">{say.greetingHint}</p>
      <div class="suggestions">
        <Button onClick={() => onAsk(say.suggestWho)}>{say.suggestWho}</Button>
        <Button onClick={() => onAsk(say.suggestSum)}>{say.suggestSum}</Button>
        <Button icon="tool" onClick={rollDice}>
          {say.suggestDice}
        </Button>
      </div>
    </div>
  );
}

function Exchange({ question, answer, isLast }: { question: string; answer: Answer; isLast: boolean }) {
  const isGrowing = answer.state === "growing";
  return (
    <>
      <Message from="person">{question}</Message>
      <Message
        from="model"
        name={answer.model ?? words.value.model}
        isGrowing={isGrowing}
        actions={!isGrowing && <AnswerActions {...{ answer, isLast }} />}
      >
        {answer.rounds.map((round, index) => (
          <RoundOfAnswer key={index} {...{ round }} />
        ))}
        {isGrowing && isSilent(answer) && <Typing label={words.value.answering} />}
        {answer.fault && (
          <p class="fault" role="alert">
            {answer.fault}
          </p>
        )}
        {answer.state === "stopped" && !answer.fault && <p class="soft">{words.value.stopped}</p>}
      </Message>
    </>
  );
}

function isSilent(answer: Answer): boolean {
  const last = answer.rounds.at(-1);
  return !last || (!last.text && !last.thinking);
}

/** Keeps what has happened visible while nothing new comes; the model's thinking is folded away. */
function RoundOfAnswer({ round }: { round: Round }) {
  return (
    <>
      {round.thinking && (
        <details class="thinking">
          <summary>{words.value.thinking}</summary>
          <Markdown text={round.thinking} />
        </details>
      )}
      {round.text && <Markdown text={round.text} />}
      {round.calls.map((call) => (
        <ToolCard key={call.id} {...call} />
      ))}
    </>
  );
}

function AnswerActions({ answer, isLast }: { answer: Answer; isLast: boolean }) {
  const say = words.value;
  const isFault = answer.fault !== null;
  const count = tokensOf(answer);
  return (
    <>
      {textOf(answer) && <CopyButton text={textOf(answer)} />}
      {isLast && (
        <IconButton
          icon="refresh"
          label={isFault ? say.askAgain : say.again}
          onClick={() => void regenerate()}
        />
      )}
      {count && <span class="soft">{say.tokens(count)}</span>}
    </>
  );
}

function tokensOf({ tokens }: Answer): string | null {
  return tokens === null ? null : new Intl.NumberFormat(languageTag.value).format(tokens);
}
