/** What a part of the page asks its server for before it can show anything. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { isAbort } from "./api.ts";

export interface Loaded<T> {
  /** Null until it has come; what came before stays until the next has come. */
  value: T | null;
  /** What went wrong with the last asking. */
  error: unknown;
  /** Ask again; it never fails, `error` tells. */
  reload: () => Promise<void>;
}

/** Have `load` asked at first, and whenever `about` changes; an answer that came too late is left. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, about: string): Loaded<T> {
  const value = useSignal<T | null>(null);
  const error = useSignal<unknown>(null);
  const underWay = useRef(new AbortController());
  async function reload() {
    underWay.current.abort();
    const { signal } = (underWay.current = new AbortController());
    try {
      const found = await load(signal);
      if (signal.aborted) return;
      value.value = found;
      error.value = null;
    } catch (failure) {
      if (!isAbort(failure) && !signal.aborted) error.value = failure;
    }
  }
  useEffect(() => {
    void reload();
    return () => underWay.current.abort();
  }, [about]);
  return { value: value.value, error: error.value, reload };
}
