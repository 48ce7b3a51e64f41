/** A conversation as chat requests say it. Pure. */

import type { Tool } from "./functions.ts";

export interface Call {
  id: string;
  name: string;
  input: string;
  /** Null until the function has run. */
  output: string | null;
  isFailed: boolean;
}

/** One answer of the model; calls of functions make it be asked again. */
export interface Round {
  thinking: string;
  text: string;
  calls: Call[];
}

export interface Answer {
  rounds: Round[];
  model: string | null;
  tokens: number | null;
  state: "growing" | "finished" | "stopped";
  fault: string | null;
}

export interface Turn {
  question: string;
  answer: Answer;
}

export interface Options {
  /** Empty for the server's default. */
  model: string;
  instructions: string;
  /** Empty for the model's own. */
  temperature: string;
  hasFunctions: boolean;
}

export interface ChatMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string | null;
  tool_calls?: { id: string; type: "function"; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
}

export interface ChatRequest {
  model?: string;
  messages: ChatMessage[];
  temperature?: number;
  tools?: Tool[];
}

/** Return the request that continues a conversation; unfinished calls are left out. */
export function requestOf(turns: readonly Turn[], options: Options, tools: Tool[]): ChatRequest {
  const { model, instructions, temperature } = options;
  const messages: ChatMessage[] = turns.flatMap(messagesOf);
  if (instructions.trim()) messages.unshift({ role: "system", content: instructions.trim() });
  return {
    ...(model && { model }),
    messages,
    ...(temperature !== "" && { temperature: Number(temperature) }),
    ...(tools.length && { tools }),
  };
}

function messagesOf({ question, answer }: Turn): ChatMessage[] {
  return [{ role: "user", content: question }, ...answer.rounds.flatMap(messagesOfRound)];
}

function messagesOfRound({ text, calls }: Round): ChatMessage[] {
  const made = calls.filter((call) => call.output !== null);
  if (!text && !made.length) return [];
  const said: ChatMessage = { role: "assistant", content: text || null };
  if (!made.length) return [said];
  said.tool_calls = made.map(({ id, name, input }) => ({
    id,
    type: "function",
    function: { name, arguments: input },
  }));
  return [said, ...made.map(({ id, output }) => toolMessage(id, output ?? ""))];
}

function toolMessage(id: string, content: string): ChatMessage {
  return { role: "tool", tool_call_id: id, content };
}

interface Delta {
  content?: string | null;
  reasoning_content?: string | null;
  tool_calls?: { index: number; id?: string; function?: { name?: string; arguments?: string } }[];
}

export interface Chunk {
  model?: string;
  choices?: { delta?: Delta }[];
  usage?: { total_tokens: number } | null;
  error?: { message: string };
}

/** Return the answer with what a chunk adds to its last round. */
export function grown(answer: Answer, chunk: Chunk): Answer {
  const delta = chunk.choices?.[0]?.delta ?? {};
  const last = answer.rounds.at(-1)!;
  const round: Round = {
    thinking: last.thinking + (delta.reasoning_content ?? ""),
    text: last.text + (delta.content ?? ""),
    calls: delta.tool_calls ? grownCalls(last.calls, delta.tool_calls) : last.calls,
  };
  return {
    ...answer,
    model: chunk.model ?? answer.model,
    tokens: chunk.usage ? (answer.tokens ?? 0) + chunk.usage.total_tokens : answer.tokens,
    rounds: [...answer.rounds.slice(0, -1), round],
  };
}

function grownCalls(calls: Call[], deltas: NonNullable<Delta["tool_calls"]>): Call[] {
  const all = [...calls];
  for (const { index, id, function: part } of deltas) {
    const known = all[index] ?? { id: "", name: "", input: "", output: null, isFailed: false };
    all[index] = {
      ...known,
      id: id ?? known.id,
      name: part?.name ?? known.name,
      input: known.input + (part?.arguments ?? ""),
    };
  }
  return all;
}
