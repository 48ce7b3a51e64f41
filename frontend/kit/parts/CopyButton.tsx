/** Copies a text and says so. */

import { useSignal } from "@preact/signals";
import { IconButton } from "./Button.tsx";
import { notify, notifyFault } from "./Toast.tsx";
import { words } from "./words.ts";

const SHOWN_MS = 2000;

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const isDone = useSignal(false);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      notifyFault(words.value.notCopied);
      return;
    }
    notify(words.value.copied);
    isDone.value = true;
    setTimeout(() => (isDone.value = false), SHOWN_MS);
  }
  return (
    <IconButton icon={isDone.value ? "check" : "copy"} label={label ?? words.value.copy} onClick={copy} />
  );
}
