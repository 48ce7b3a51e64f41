/** The person's chat with the assistant: what was said, and an answer while it comes. */

import { computed, signal } from "@preact/signals";
import { isAbort } from "../kit/api.ts";
import { perFrame } from "../kit/frames.ts";
import { asked } from "./account.ts";
import { EMPTY_ANSWER, grown, read, type Answer, type Citation } from "./answer.ts";
import { loadDebts, showOffer, showStanding, type Offer } from "./debts.ts";
import { toldOf } from "./faults.ts";

export interface Exchange {
  /** Null where the assistant speaks first. */
  question: string | null;
  answer: Answer;
}

interface Message {
  role: "user" | "assistant";
  text: string;
  citations: Citation[];
}

interface Opening {
  greeting: string;
  suggestions: string[];
  messages: Message[];
  debt_id: number | null;
  open_offers: Offer[];
  problem: string | null;
}

/** How the assistant begins, and what one could ask; null until it is known. */
export const opening = signal<Pick<Opening, "greeting" | "suggestions" | "problem"> | null>(null);
export const exchanges = signal<Exchange[]>([]);
/** How many of the exchanges are from before this page was opened. */
export const remembered = signal(0);
/** The debt that is talked about, null until one is chosen. */
export const debtId = signal<number | null>(null);
export const isAnswering = computed(() => exchanges.value.at(-1)?.answer.state === "growing");

let underWay = new AbortController();

/** Ask what was said before; what this page has seen itself stays as it is. */
export async function loadChat(): Promise<void> {
  const { messages, debt_id, open_offers, ...rest } = await asked((api) =>
    api.json<Opening>("chat"),
  );
  opening.value = rest;
  if (isAnswering.value) return;
  debtId.value = debt_id;
  showStanding(open_offers);
  if (exchanges.value.length > 0) return;
  exchanges.value = exchangesOf(messages);
  remembered.value = exchanges.value.length;
}

/** Say something and show the answer as it comes. */
export async function say(question: string): Promise<void> {
  if (isAnswering.value) return;
  exchanges.value = [...exchanges.value, { question, answer: EMPTY_ANSWER }];
  await answerLast(question);
  // What the answer changed is shown; the answer itself says what went wrong.
  await loadDebts().catch(() => undefined);
}

/** Say the last thing once more, in place of the answer that failed. */
export async function sayAgain(): Promise<void> {
  const question = exchanges.value.at(-1)?.question;
  if (!question) return;
  exchanges.value = exchanges.value.slice(0, -1);
  await say(question);
}

/** Stop the answer that is being written; what is there of it stays. */
export function stop(): void {
  underWay.abort();
}

/** Begin a new chat; debts and offers stay as they are. */
export async function beginNew(): Promise<void> {
  stop();
  await asked((api) => api.json("chat/new", { method: "POST" }));
  exchanges.value = [];
  remembered.value = 0;
  debtId.value = null;
  await loadChat();
}

async function answerLast(text: string): Promise<void> {
  const { signal: stopped } = (underWay = new AbortController());
  const shown = perFrame<Answer>(setLast);
  let answer = EMPTY_ANSWER;
  const show = (next: Answer) => shown.put((answer = next));
  try {
    await asked(async (api) => {
      const wanted = { body: { text }, signal: stopped };
      for await (const sent of api.events("chat/messages", wanted)) {
        const event = read(sent);
        if (event.event === "offer") showOffer(event.data);
        if (event.event === "done") debtId.value = event.data.debt_id;
        show(grown(answer, event));
      }
    });
    if (answer.state === "growing") show({ ...answer, state: "stopped" });
  } catch (error) {
    show({ ...answer, state: "stopped", fault: isAbort(error) ? null : toldOf(error) });
  }
  shown.flush();
}

function setLast(answer: Answer): void {
  const last = exchanges.value.at(-1);
  if (last) exchanges.value = [...exchanges.value.slice(0, -1), { ...last, answer }];
}

/** Return messages as questions with their answers; more answers than one become exchanges. */
function exchangesOf(messages: Message[]): Exchange[] {
  const found: Exchange[] = [];
  for (const { role, text, citations } of messages) {
    const last = found.at(-1);
    const answer: Answer = { ...EMPTY_ANSWER, text, citations, state: "finished" };
    if (role === "user") {
      found.push({ question: text, answer: { ...EMPTY_ANSWER, state: "stopped" } });
    } else if (last?.answer.text === "") last.answer = answer;
    else found.push({ question: null, answer });
  }
  return found;
}
