/** An answer of the agent while it comes. */

import type { ComponentChildren } from "preact";
import { Fault } from "../kit/parts/Fault.tsx";
import { Markdown } from "../kit/parts/Markdown.tsx";
import { Message, Typing } from "../kit/parts/Messages.tsx";
import type { Answer } from "./answer.ts";

interface Props {
  answer: Answer;
  /** Who answers. */
  name: string;
  /** Says that an answer is coming, for a screen reader. */
  typing: string;
  /** What stands above the text. */
  before?: ComponentChildren;
  /** What stands below the text. */
  children?: ComponentChildren;
}

export function AnswerView({ answer, name, typing, before, children }: Props) {
  const isGrowing = !answer.isFinished && answer.fault === null;
  // A person will answer, or what was answered stands among the messages soon.
  if (answer.isFinished && !answer.text) return null;
  return (
    <Message from="model" name={name} isGrowing={isGrowing}>
      {before}
      {answer.text && <Markdown text={answer.text} />}
      {isGrowing && !answer.text && <Typing label={typing} />}
      {children}
      <Fault text={answer.fault} />
    </Message>
  );
}
