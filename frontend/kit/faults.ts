/** Says what a server refused: in the page's words where there are some, else in the server's own. */

import type { ReadonlySignal } from "@preact/signals";
import { ApiError } from "./api.ts";

export interface Telling {
  /** Return what to say of a failure. */
  toldOf(error: unknown): string;
  /** Return what is wrong with a field, null if the refusal is not about it. */
  toldOfField(error: unknown, field: string): string | null;
  /** Return what went wrong apart from the fields that are shown, null if nothing did. */
  toldBeside(error: unknown, fields?: readonly string[]): string | null;
}

/** Return functions that tell failures by `words`, whose names are `code` or `code:field`. */
export function tellingIn(words: ReadonlySignal<Record<string, string>>): Telling {
  function toldOf(error: unknown): string {
    if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
    const known = words.value;
    return known[`${error.code}:${error.field}`] ?? known[error.code ?? ""] ?? error.message;
  }
  return {
    toldOf,
    toldOfField: (error, field) =>
      error instanceof ApiError && error.field === field ? toldOf(error) : null,
    toldBeside(error, fields = []) {
      if (error === null || error === undefined) return null;
      const isShown = error instanceof ApiError && error.field && fields.includes(error.field);
      return isShown ? null : toldOf(error);
    },
  };
}
