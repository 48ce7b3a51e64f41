/** Where the person writes. Enter sends, Shift+Enter begins a line. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren, TargetedKeyboardEvent } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { IconButton } from "./Button.tsx";
import { words } from "./words.ts";

/** What browsers give as key code while an input method composes; Safari says so in no other way. */
const COMPOSING = 229;

interface Props {
  placeholder: string;
  /** An answer is being written: sending waits, and there is a button that stops it. */
  isAnswering: boolean;
  onSend: (text: string) => void;
  /** Without it an answer cannot be stopped. */
  onStop?: () => void;
  /** What stands below the text, beside the button. */
  children?: ComponentChildren;
}

export function Composer({ placeholder, isAnswering, onSend, onStop, children }: Props) {
  const text = useSignal("");
  const area = useRef<HTMLTextAreaElement>(null);

  function send() {
    const wanted = text.value.trim();
    if (!wanted || isAnswering) return;
    text.value = "";
    onSend(wanted);
    area.current?.focus();
  }
  function onKeyDown(event: TargetedKeyboardEvent<HTMLTextAreaElement>) {
    if (event.key !== "Enter" || event.shiftKey) return;
    if (event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    send();
  }
  useLayoutEffect(() => {
    const { style } = area.current!;
    style.height = "auto";
    style.height = `${area.current!.scrollHeight}px`;
  }, [text.value]);

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={area}
        rows={1}
        value={text.value}
        aria-label={words.value.message}
        placeholder={placeholder}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div class="composer-below">
        <div class="composer-options">{children}</div>
        {/* Two keys: as one element, the click that stops would become one that sends. */}
        {isAnswering && onStop ? (
          <IconButton key="stop" icon="stop" look="main" label={words.value.stop} onClick={onStop} />
        ) : (
          <IconButton
            key="send"
            icon="send"
            look="main"
            type="submit"
            label={words.value.send}
            disabled={isAnswering || !text.value.trim()}
          />
        )}
      </div>
    </form>
  );
}
