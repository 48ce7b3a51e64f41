/** The conversations of visitors, and the operator's part in them. */

import type { Message } from "./chat.ts";
import type { Channel, Status } from "./labels.ts";
import { asked } from "./session.ts";

export interface Conversation {
  id: number;
  contact_id: number | null;
  channel: Channel;
  visitor_name: string;
  language: string;
  status: Status;
  created_at: string;
  updated_at: string;
}

export interface ListedConversation extends Conversation {
  contact_name: string | null;
  last_message: string | null;
}

export interface ConversationPage {
  conversations: ListedConversation[];
  total: number;
}

export interface ConversationDetails extends Conversation {
  messages: Message[];
}

/** What a list is narrowed down to; empty and null mean any. */
export interface Wanted {
  status: Status | "";
  contactId: number | null;
}

export const PAGE_SIZE = 50;

export function listConversations(
  { status, contactId }: Wanted,
  offset: number,
  signal: AbortSignal,
): Promise<ConversationPage> {
  const query = new URLSearchParams({ limit: String(PAGE_SIZE), offset: String(offset) });
  if (status) query.set("status", status);
  if (contactId !== null) query.set("contact_id", String(contactId));
  return asked((api) => api.json(`conversations?${query}`, { signal }));
}

/** Return a conversation with the messages that came after the one of this id. */
export function getConversation(
  id: string,
  after: number,
  signal: AbortSignal,
): Promise<ConversationDetails> {
  return asked((api) => api.json(`conversations/${id}?after=${after}`, { signal }));
}

export function setStatus(id: string, status: Status): Promise<Conversation> {
  return asked((api) => api.json(`conversations/${id}`, { method: "PATCH", body: { status } }));
}

/** Answer in person; the agent is silent from then on. */
export function reply(id: string, text: string): Promise<Message> {
  return asked((api) => api.json(`conversations/${id}/messages`, { body: { text } }));
}

export function deleteConversation(id: string): Promise<void> {
  return asked((api) => api.json(`conversations/${id}`, { method: "DELETE" }));
}
