/** The sending of a form: it waits for the answer, and knows which field a refusal is about. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface Submission {
  isBusy: boolean;
  /** What went wrong with the last sending, null once it is sent again. */
  error: unknown;
  /** Give it to the form, together with `form`. */
  onSubmit: (event: Event) => void;
  form: { current: HTMLFormElement | null };
}

/** Have `act` done when the form is sent; a refusal brings the person to the field it is about. */
export function useSubmission(act: () => Promise<void>): Submission {
  const isBusy = useSignal(false);
  const error = useSignal<unknown>(null);
  const form = useRef<HTMLFormElement>(null);
  async function send(event: Event) {
    event.preventDefault();
    if (isBusy.value) return;
    isBusy.value = true;
    error.value = null;
    try {
      await act();
    } catch (refusal) {
      error.value = refusal;
    } finally {
      isBusy.value = false;
    }
  }
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [error.value]);
  return { isBusy: isBusy.value, error: error.value, onSubmit: (event) => void send(event), form };
}
