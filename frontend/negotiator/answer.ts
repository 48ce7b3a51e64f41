/** An answer of the assistant as it grows, and its citations as links. Pure. */

import type { ServerEvent } from "../kit/events.ts";
import type { Offer } from "./debts.ts";

export interface Citation {
  /** The marker in the text. */
  text: string;
  file_id: string;
  filename: string | null;
  page: number | null;
}

export interface Call {
  name: string;
  input: string;
  output: string;
}

export interface Answer {
  calls: Call[];
  text: string;
  /** Ids of the offers that it opened. */
  offers: number[];
  citations: Citation[];
  state: "growing" | "finished" | "stopped";
  /** What went wrong, in words. */
  fault: string | null;
}

/** A place that is cited, once, however many statements are from there. */
export interface Source {
  number: number;
  filename: string | null;
  page: number | null;
  href: string;
}

/** What stands in a text for a citation, until it is known what it cites. */
const MARKER = /【\d+:\d+†[^】]*(】|$)|【[\d:]*$/g;

export const EMPTY_ANSWER: Answer = {
  calls: [],
  text: "",
  offers: [],
  citations: [],
  state: "growing",
  fault: null,
};

/** What an event says, by its name. */
interface Said {
  delta: { text: string };
  tool: { name: string; arguments: unknown; output: string };
  offer: Offer;
  citation: Citation;
  done: { debt_id: number | null };
  error: { code: string; message: string };
}

export type AnswerEvent = { [Name in keyof Said]: { event: Name; data: Said[Name] } }[keyof Said];

export function read({ event, data }: ServerEvent): AnswerEvent {
  return { event, data: JSON.parse(data) } as AnswerEvent;
}

/** Return the answer after one more event. */
export function grown(answer: Answer, { event, data }: AnswerEvent): Answer {
  switch (event) {
    case "delta":
      return { ...answer, text: answer.text + data.text };
    case "tool":
      return { ...answer, calls: [...answer.calls, callOf(data)] };
    case "offer":
      return { ...answer, offers: [...answer.offers.filter((id) => id !== data.id), data.id] };
    case "citation":
      return { ...answer, citations: [...answer.citations, data] };
    case "done":
      return { ...answer, state: "finished" };
    case "error":
      return { ...answer, state: "stopped", fault: data.message };
  }
}

function callOf({ name, arguments: input, output }: Said["tool"]): Call {
  return { name, input: typeof input === "string" ? input : JSON.stringify(input), output };
}

/** Return what an answer cites, in the order in which it does; `root` is the address of the page. */
export function sourcesOf(citations: Citation[], root: string): Source[] {
  const sources = new Map<string, Source>();
  for (const { file_id, filename, page } of citations) {
    const href = addressOf(file_id, page, root);
    if (!sources.has(href)) sources.set(href, { number: sources.size + 1, filename, page, href });
  }
  return [...sources.values()];
}

/** Return the text as Markdown, with a numbered link to the place in each marker's stead. */
export function linked({ text, citations }: Pick<Answer, "text" | "citations">, root: string): string {
  const sources = sourcesOf(citations, root);
  let shown = text;
  for (const citation of citations) {
    const href = addressOf(citation.file_id, citation.page, root);
    const { number } = sources.find((source) => source.href === href)!;
    shown = shown.replaceAll(citation.text, () => ` [\\[${number}\\]](${href})`);
  }
  return shown.replaceAll(MARKER, "");
}

/** Return the text as it is read aloud or copied: without what stands in it for citations. */
export function withoutMarkers({ text, citations }: Answer): string {
  const bare = citations.reduce((rest, citation) => rest.replaceAll(citation.text, ""), text);
  return bare.replaceAll(MARKER, "");
}

function addressOf(fileId: string, page: number | null, root: string): string {
  const place = page === null ? "" : `#page=${page}`;
  return new URL(`api/chat/files/${encodeURIComponent(fileId)}${place}`, root).href;
}
