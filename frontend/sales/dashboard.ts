/** The numbers of how sales go. */

import type { Stage, Status } from "./labels.ts";
import { asked } from "./session.ts";

export interface Day {
  day: string;
  contacts: number;
  messages: number;
  won: number;
}

export const MEASURES = ["messages", "contacts", "won"] as const;
export type Measure = (typeof MEASURES)[number];

export interface Dashboard {
  contacts: number;
  by_stage: Record<Stage, number>;
  by_interest: Record<string, number>;
  by_channel: Record<string, number>;
  by_intent: Record<string, number>;
  conversations: Record<Status, number>;
  follow_ups: { open: number; due: number };
  quotes: { count: number; total_cents: Record<string, number> };
  /** Won of won and lost, null while none is decided. */
  conversion_percent: number | null;
  series: Day[];
}

export function getDashboard(days: number, signal: AbortSignal): Promise<Dashboard> {
  return asked((api) => api.json(`dashboard?days=${days}`, { signal }));
}
