/**
 * A chat with the agent: what the server has of it, and an answer while it comes. What was said
 * counts once the server tells it, so nothing is shown twice, whichever page it was said on.
 */

import { signal } from "@preact/signals";
import type { ServerEvent } from "../kit/events.ts";
import { perFrame } from "../kit/frames.ts";
import { EMPTY_ANSWER, grown, type Answer, type Call, type Quote } from "./answer.ts";

export interface Message {
  id: number;
  author: "visitor" | "agent" | "operator";
  text: string;
  created_at: string;
  /** Operators alone see what follows, and visitors alone get the quotes ready. */
  intent?: string | null;
  model?: string | null;
  calls?: Call[];
  quotes?: Quote[];
}

/** What was just written, and how far its answer has come. */
export interface Exchange {
  /** Null once it stands among the messages. */
  question: string | null;
  answer: Answer;
}

/** How a chat reaches its server. */
export interface Line {
  /** Return the messages that came after the one of this id. */
  load(after: number): Promise<Message[]>;
  write(text: string): AsyncIterable<ServerEvent>;
  toldOf(error: unknown): string;
}

export class Chat {
  readonly messages = signal<Message[]>([]);
  /** The exchange that the server has not told yet, null while there is none. */
  readonly current = signal<Exchange | null>(null);
  /** How often something was written here. */
  readonly sent = signal(0);
  private generation = 0;

  constructor(private readonly line: Line) {}

  get isAnswering(): boolean {
    const answer = this.current.value?.answer;
    return answer !== undefined && !answer.isFinished && answer.fault === null;
  }

  /** Ask for what came since; while an answer comes it is left to that. */
  async refresh(): Promise<void> {
    if (this.isAnswering) return;
    const { generation } = this;
    const last = this.messages.value.at(-1)?.id ?? 0;
    const news = await this.line.load(last);
    if (generation !== this.generation || this.isAnswering) return;
    const known = new Set(this.messages.value.map(({ id }) => id));
    const unknown = news.filter(({ id }) => !known.has(id));
    if (unknown.length > 0) this.messages.value = [...this.messages.value, ...unknown];
    if (unknown.some(({ author }) => author === "visitor")) this.settle();
  }

  /** The question stands among the messages now; of its answer, what went wrong is still to tell. */
  private settle(): void {
    const fault = this.current.value?.answer.fault ?? null;
    this.current.value = fault === null ? null : { question: null, answer: { ...EMPTY_ANSWER, fault } };
  }

  /** Write something and show the answer as it comes; what fails is told in the answer. */
  async write(question: string): Promise<void> {
    if (this.isAnswering) return;
    const { generation } = this;
    let answer = EMPTY_ANSWER;
    this.current.value = { question, answer };
    this.sent.value++;
    const shown = perFrame<Answer>((next) => {
      if (generation === this.generation) this.current.value = { question, answer: next };
    });
    try {
      for await (const event of this.line.write(question)) {
        shown.put((answer = grown(answer, event)));
      }
      // A connection that breaks does not end the answer: the server goes on, and tells it later.
      shown.put((answer = { ...answer, isFinished: answer.fault === null }));
    } catch (error) {
      shown.put((answer = { ...answer, fault: this.line.toldOf(error) }));
    }
    shown.flush();
    await this.refresh().catch(() => undefined);
  }

  /** Forget everything: the chat is another one now. */
  clear(): void {
    this.generation++;
    this.messages.value = [];
    this.current.value = null;
  }
}
