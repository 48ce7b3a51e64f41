/**
 * The visitor's chat. Who they are is a token that this tab alone keeps, for as long as it is open.
 * A frame on another site has no cookies and perhaps no storage, so the page around it keeps the
 * token too, and gives it back in the address, after `#`.
 */

import { signal } from "@preact/signals";
import { Api, ApiError } from "../kit/api.ts";
import type { ServerEvent } from "../kit/events.ts";
import { keep, kept } from "../kit/kept.ts";
import { language } from "../kit/languages.ts";
import { Chat, type Message } from "../sales/chat.ts";
import { toldOf } from "./faults.ts";

interface Opening {
  company: string;
  greeting: string;
}

interface VisitorChat extends Opening {
  status: "agent" | "person" | "closed";
  messages: Message[];
}

const NAME = "visitor-token";
const inTab = () => sessionStorage;

let token = location.hash.slice(1) || kept(NAME, inTab);

const server = new Api("../api/visitor/", () =>
  token ? { "X-Visitor-Token": token } : ({} as Record<string, string>),
);

export const company = signal("");
/** How the agent begins; empty until it is known. */
export const greeting = signal("");
/** A person answers, so answers take as long as people do. */
export const isPersonAnswering = signal(false);

export const chat = new Chat({ load, write, toldOf });

/** Go on with the chat of this tab, or begin one. */
export async function open(): Promise<void> {
  if (token === null) await begin();
  await chat.refresh();
}

/** Save a quote of this chat as a file. */
export async function saveQuote(id: number, filename: string): Promise<void> {
  const response = await server.response(`quotes/${id}`);
  const address = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement("a"), { href: address, download: filename });
  link.click();
  URL.revokeObjectURL(address);
}

async function begin(): Promise<void> {
  const body = { language: language.value };
  const opened = await server.json<Opening & { token: string }>("session", { body });
  token = opened.token;
  keep(NAME, token, inTab);
  // Only sites that the policy of frames names can be the parent.
  if (parent !== window) parent.postMessage({ visitor: token }, "*");
  show(opened);
}

/** A chat that an operator erased begins anew. */
async function load(after: number): Promise<Message[]> {
  try {
    return await messagesAfter(after);
  } catch (error) {
    if (!isUnknown(error)) throw error;
    chat.clear();
    await begin();
    return messagesAfter(0);
  }
}

async function messagesAfter(after: number): Promise<Message[]> {
  const { messages, status, ...opening } = await server.json<VisitorChat>(`messages?after=${after}`);
  isPersonAnswering.value = status === "person";
  show(opening);
  return messages;
}

async function* write(text: string): AsyncGenerator<ServerEvent> {
  if (token === null) await begin();
  yield* server.events("messages", { body: { text } });
}

function show(opening: Opening): void {
  company.value = opening.company;
  greeting.value = opening.greeting;
}

function isUnknown(error: unknown): boolean {
  return error instanceof ApiError && error.code === "unknown_visitor";
}
