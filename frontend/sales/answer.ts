/** An answer of the agent as it grows, for the operator's sandbox and the visitor alike. Pure. */

import type { ServerEvent } from "../kit/events.ts";

export interface Call {
  name: string;
  arguments: string;
  output: string;
}

/** A quote that the agent made; amounts come written, with their currency. */
export interface Quote {
  quote_id: number;
  number: string;
  net: string;
  tax: string;
  total: string;
  valid_until: string;
}

export interface Answer {
  text: string;
  calls: Call[];
  quotes: Quote[];
  isFinished: boolean;
  /** What went wrong, in the server's words. */
  fault: string | null;
}

export const EMPTY_ANSWER: Answer = {
  text: "",
  calls: [],
  quotes: [],
  isFinished: false,
  fault: null,
};

/** Return the answer after one more event; events that say nothing of it leave it as it is. */
export function grown(answer: Answer, { event, data }: ServerEvent): Answer {
  const said = JSON.parse(data);
  switch (event) {
    case "delta":
      return { ...answer, text: answer.text + said.text };
    case "restart":
      return { ...answer, text: said.text };
    case "tool":
      return { ...answer, calls: [...answer.calls, said] };
    case "quote":
      return { ...answer, quotes: [...answer.quotes, said] };
    case "done":
      return { ...answer, isFinished: true };
    case "error":
      return { ...answer, fault: said.message };
    default:
      return answer;
  }
}

/** Return the quotes that calls made. */
export function quotesOf(calls: readonly Call[]): Quote[] {
  return calls
    .filter(({ name }) => name === "make_quote")
    .map(({ output }) => outputOf(output))
    .filter((output): output is Quote => output !== null && "quote_id" in output);
}

function outputOf(output: string): object | null {
  try {
    const read: unknown = JSON.parse(output);
    return typeof read === "object" ? read : null;
  } catch {
    return null;
  }
}
