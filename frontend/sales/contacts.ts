/** The contacts, and what the application knows of each. */

import { asked } from "./session.ts";
import type { Channel, Interest, Stage } from "./labels.ts";

export interface ContactFields {
  name: string;
  company: string;
  channel: Channel;
  interest: Interest;
  email: string;
  phone: string;
  notes: string;
  stage: Stage;
}

export interface Contact extends ContactFields {
  id: number;
  language: string;
  created_at: string;
  updated_at: string;
}

export interface ContactDetails extends Contact {
  stages: { stage: Stage; changed_at: string }[];
}

export interface ContactPage {
  contacts: Contact[];
  total: number;
}

export interface MadeQuote {
  id: number;
  currency: string;
  total_cents: number;
  valid_until: string;
  created_at: string;
}

export interface ImportReport {
  imported: number;
  bad_lines: { line: number; reason: string }[];
  ignored_columns: string[];
}

/** What a list is narrowed down to; empty means anything. */
export interface Wanted {
  search: string;
  stage: Stage | "";
}

export const PAGE_SIZE = 50;

export const EMPTY_CONTACT: ContactFields = {
  name: "",
  company: "",
  channel: "phone",
  interest: "unknown",
  email: "",
  phone: "",
  notes: "",
  stage: "new",
};

export function listContacts(
  wanted: Wanted,
  offset: number,
  signal: AbortSignal,
): Promise<ContactPage> {
  const query = queryOf(wanted, { limit: String(PAGE_SIZE), offset: String(offset) });
  return asked((api) => api.json(`contacts?${query}`, { signal }));
}

/** Return the address of the table of these contacts. */
export function exportAddress(wanted: Wanted): string {
  return `api/contacts.csv?${queryOf(wanted)}`;
}

export function importContacts(file: File): Promise<ImportReport> {
  return asked((api) => api.json("contacts.csv", { body: file }));
}

export function createContact(fields: ContactFields): Promise<Contact> {
  return asked((api) => api.json("contacts", { body: fields }));
}

export function getContact(id: string, signal: AbortSignal): Promise<ContactDetails> {
  return asked((api) => api.json(`contacts/${id}`, { signal }));
}

export function changeContact(
  id: number,
  changes: Partial<ContactFields>,
): Promise<ContactDetails> {
  return asked((api) => api.json(`contacts/${id}`, { method: "PATCH", body: changes }));
}

export function deleteContact(id: number): Promise<void> {
  return asked((api) => api.json(`contacts/${id}`, { method: "DELETE" }));
}

export function quotesOfContact(id: string, signal: AbortSignal): Promise<MadeQuote[]> {
  return asked((api) => api.json(`contacts/${id}/quotes`, { signal }));
}

/** Return the address of a quote's PDF. */
export function quoteAddress(id: number): string {
  return `api/quotes/${id}`;
}

function queryOf(wanted: Wanted, more: Record<string, string> = {}): URLSearchParams {
  const query = new URLSearchParams(more);
  if (wanted.search.trim()) query.set("search", wanted.search.trim());
  if (wanted.stage) query.set("stage", wanted.stage);
  return query;
}
