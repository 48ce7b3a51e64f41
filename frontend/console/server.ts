/** The server behind this page, through its public API alone, and the key that it may ask for. */

import { effect, signal } from "@preact/signals";
import { Api, ApiError } from "../kit/api.ts";
import { keep, kept } from "../kit/kept.ts";

const NAME = "key";

/** The person's key, kept until the browser's window closes; null where none was asked for. */
export const key = signal(kept(NAME, () => sessionStorage));
effect(() => keep(NAME, key.value, () => sessionStorage));

/** Set while the server waits for a key, and to its own words about the one it was given. */
export const keyWanted = signal<string | null>(null);

export const baseUrl = `${location.origin}/v1`;

export const server = new Api("/v1", () =>
  key.value ? { authorization: `Bearer ${key.value}` } : ({} as Record<string, string>),
);

export interface Choices {
  models: string[];
  instances: string[];
}

export const choices = signal<Choices | null>(null);

interface Listed<T> {
  data: T[];
}

/** Ask which models and instances there are; what others cannot answer in words is left out. */
export async function loadChoices(): Promise<void> {
  const [models, instances] = await Promise.all([
    server.json<Listed<{ id: string }>>("/models"),
    server.json<Listed<{ name: string }>>("/instances?limit=100&order=asc"),
  ]);
  choices.value = {
    models: models.data.map(({ id }) => id).filter(canChat),
    instances: instances.data.map(({ name }) => name),
  };
}

const OTHER_WORK = /embed|lexical|\btts\b|whisper|transcribe|espeak|kokoro|sphinx|moderation|rerank/i;

function canChat(id: string): boolean {
  return !OTHER_WORK.test(id);
}

/** Return what to say of a failure; one about the key asks for a key as well. */
export function toldOf(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) keyWanted.value = error.message;
  return error instanceof Error ? error.message : String(error);
}
