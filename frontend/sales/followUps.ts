/** The follow-up tasks. */

import { asked } from "./session.ts";

export interface FollowUp {
  id: number;
  contact_id: number;
  contact_name: string;
  due_on: string;
  task: string;
  created_by: "agent" | "operator";
  created_at: string;
  done_at: string | null;
}

export const SHOWN = ["open", "due", "done", "all"] as const;
export type Shown = (typeof SHOWN)[number];

export interface Task {
  due_on: string;
  task: string;
}

/** List tasks by their day, with `contactId` only those of one contact. */
export function listFollowUps(
  show: Shown,
  contactId: number | null,
  signal: AbortSignal,
): Promise<FollowUp[]> {
  const query = new URLSearchParams({ show });
  if (contactId !== null) query.set("contact_id", String(contactId));
  return asked((api) => api.json(`follow-ups?${query}`, { signal }));
}

export function createFollowUp(contactId: number, task: Task): Promise<FollowUp> {
  return asked((api) => api.json("follow-ups", { body: { ...task, contact_id: contactId } }));
}

export function changeFollowUp(
  id: number,
  changes: Partial<Task & { is_done: boolean }>,
): Promise<FollowUp> {
  return asked((api) => api.json(`follow-ups/${id}`, { method: "PATCH", body: changes }));
}

export function deleteFollowUp(id: number): Promise<void> {
  return asked((api) => api.json(`follow-ups/${id}`, { method: "DELETE" }));
}
