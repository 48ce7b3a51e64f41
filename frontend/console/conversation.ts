/** The conversation of this page: asks the server, runs the functions that the model calls. */

import { computed, signal } from "@preact/signals";
import { isAbort } from "../kit/api.ts";
import { perFrame } from "../kit/frames.ts";
import { offeredTools, runFunction, type Tool } from "./functions.ts";
import {
  grown,
  requestOf,
  type Answer,
  type Call,
  type ChatRequest,
  type Chunk,
  type Options,
  type Turn,
} from "./request.ts";
import { server, toldOf } from "./server.ts";

const MOST_ROUNDS = 8;
const EMPTY_ROUND = { thinking: "", text: "", calls: [] };

export const turns = signal<Turn[]>([]);
export const options = signal<Options>({
  model: "",
  instructions: "",
  temperature: "",
  hasFunctions: false,
});
export const isAnswering = computed(() => turns.value.at(-1)?.answer.state === "growing");

let underWay = new AbortController();

/** Send what the person wrote and have it answered. */
export async function send(question: string): Promise<void> {
  turns.value = [...turns.value, { question, answer: newAnswer() }];
  await answerLast();
}

/** Have the last question answered once more, in place of the answer it got. */
export async function regenerate(): Promise<void> {
  const last = turns.value.at(-1);
  if (!last) return;
  stop();
  turns.value = [...turns.value.slice(0, -1), { ...last, answer: newAnswer() }];
  await answerLast();
}

/** Stop the answer that is being written; what is there of it stays. */
export function stop(): void {
  underWay.abort();
}

/** Begin a new conversation. */
export function clear(): void {
  stop();
  turns.value = [];
}

/** Return the request that brought the last answer, or a first one where nothing was asked yet. */
export function lastRequest(firstQuestion: string): ChatRequest {
  const last = turns.value.at(-1) ?? { question: firstQuestion, answer: newAnswer() };
  const asked = { ...last, answer: newAnswer() };
  return requestOf([...turns.value.slice(0, -1), asked], options.value, tools());
}

function tools(): Tool[] {
  return options.value.hasFunctions ? offeredTools() : [];
}

function newAnswer(): Answer {
  return { rounds: [EMPTY_ROUND], model: null, tokens: null, state: "growing", fault: null };
}

async function answerLast(): Promise<void> {
  const { signal: stopped } = (underWay = new AbortController());
  const shown = perFrame<Answer>((answer) => {
    if (!isGone(stopped)) setLast(answer);
  });
  let answer = newAnswer();
  const show = (next: Answer) => shown.put((answer = next));
  try {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (round) show({ ...answer, rounds: [...answer.rounds, EMPTY_ROUND] });
      for await (const chunk of asked(stopped)) show(grown(answer, chunk));
      shown.flush();
      if (!answer.rounds.at(-1)!.calls.length) break;
      show(withOutputs(answer));
      shown.flush();
    }
    show({ ...answer, state: "finished" });
  } catch (error) {
    show({ ...answer, state: "stopped", fault: isAbort(error) ? null : toldOf(error) });
  }
  shown.flush();
}

/** The answer that `stopped` belongs to is shown no more: another took its place. */
function isGone(stopped: AbortSignal): boolean {
  return underWay.signal !== stopped || turns.value.length === 0;
}

function setLast(answer: Answer): void {
  const last = turns.value.at(-1)!;
  turns.value = [...turns.value.slice(0, -1), { ...last, answer }];
}

async function* asked(stopped: AbortSignal): AsyncGenerator<Chunk> {
  const request = requestOf(turns.value, options.value, tools());
  const body = { ...request, stream: true, stream_options: { include_usage: true } };
  for await (const { data } of server.events("/chat/completions", { body, signal: stopped })) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error) throw new Error(chunk.error.message);
    yield chunk;
  }
}

function withOutputs(answer: Answer): Answer {
  const last = answer.rounds.at(-1)!;
  const calls = last.calls.map((call): Call => ({ ...call, ...runFunction(call.name, call.input) }));
  return { ...answer, rounds: [...answer.rounds.slice(0, -1), { ...last, calls }] };
}
