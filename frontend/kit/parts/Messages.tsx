/**
 * A conversation: messages one below the other, in a list that follows a growing answer only while
 * the person is near its end.
 */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { IconButton } from "./Button.tsx";
import { words } from "./words.ts";

const NEAR_PX = 80;

interface MessagesProps {
  /** Changes when the person sends: then the list goes to its end from wherever it is. */
  sent: number;
  /** An answer is being written. */
  isGrowing: boolean;
  /** How many messages there are, where others than the person's come by themselves. */
  count?: number;
  /** What a screen reader says: a whole answer when it is finished, never its pieces. */
  announcement: string;
  children: ComponentChildren;
}

export function Messages({ sent, isGrowing, count = 0, announcement, children }: MessagesProps) {
  const frame = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isNear = useRef(true);
  const isAway = useSignal(false);
  const top = useRef(0);
  const follows = useRef(isGrowing);
  follows.current = isGrowing;

  function toEnd() {
    frame.current?.scrollTo({ top: frame.current.scrollHeight });
  }
  function look() {
    if (!frame.current) return;
    const { scrollHeight, scrollTop, clientHeight } = frame.current;
    isNear.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    isAway.value = !isNear.current;
  }
  function onScroll() {
    const isUpward = frame.current!.scrollTop < top.current;
    top.current = frame.current!.scrollTop;
    // The list's own way to its end is told later, when more may stand below it already.
    if (isUpward || !isNear.current) look();
  }
  useLayoutEffect(() => {
    // What grows because the person unfolds it stays where it is.
    const watch = new ResizeObserver((changes) => {
      const isFolding = !follows.current && changes.every(({ target }) => target === content.current);
      if (isNear.current && !isFolding) toEnd();
      else look();
    });
    watch.observe(content.current!);
    watch.observe(frame.current!);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    isNear.current = true;
    toEnd();
  }, [sent]);
  useLayoutEffect(() => {
    if (isNear.current) toEnd();
  }, [isGrowing, count]);

  return (
    <div class="messages-frame">
      <div class="messages" ref={frame} onScroll={onScroll} tabIndex={0}>
        <div class="messages-inside" ref={content}>
          {children}
        </div>
      </div>
      {isAway.value && (
        <div class="to-newest">
          <IconButton icon="arrowDown" look="plain" label={words.value.newest} onClick={toEnd} />
        </div>
      )}
      <p class="unseen" role="status">
        {announcement}
      </p>
    </div>
  );
}

interface MessageProps {
  from: "person" | "model";
  /** Who speaks, above the message; a person's own messages need no name. */
  name?: string;
  /** It is still being written. */
  isGrowing?: boolean;
  /** Buttons below the message. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

export function Message({ from, name, isGrowing = false, actions, children }: MessageProps) {
  return (
    <article class={`message ${from}`} aria-label={name ?? words.value.you} aria-busy={isGrowing}>
      {name && <header>{name}</header>}
      <div class="said">{children}</div>
      {actions && <footer>{actions}</footer>}
    </article>
  );
}

/** Three dots: somebody is writing, and nothing of it is here yet. */
export function Typing({ label }: { label: string }) {
  return (
    <p class="typing" role="img" aria-label={label}>
      <i />
      <i />
      <i />
    </p>
  );
}
