/** Which model answers, and what is wrong with the configured one. */

import { signal } from "@preact/signals";
import { asked } from "./session.ts";

export type TroubleKind =
  | "missing_key"
  | "rejected_key"
  | "quota"
  | "network"
  | "unknown_model"
  | "substituted"
  | "overload"
  | "refused"
  | "failure";

export interface Trouble {
  kind: TroubleKind;
  detail: string;
  variable: string | null;
}

export interface Health {
  status: "ok" | "degraded" | "down";
  since: string | null;
  base_url: string;
  model: string;
  fallback_model: string;
  answered_by: string | null;
  trouble: Trouble | null;
  fallback_trouble: Trouble | null;
  telegram: string;
}

/** Null until it is known. */
export const health = signal<Health | null>(null);

export async function loadHealth(): Promise<void> {
  health.value = await asked((api) => api.json<Health>("health"));
}

/** Have the configured model asked for a word now. */
export async function checkHealth(): Promise<void> {
  health.value = await asked((api) => api.json<Health>("health/check", { method: "POST" }));
}
