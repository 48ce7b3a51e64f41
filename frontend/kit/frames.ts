/** Spares the page work while tokens come faster than it is drawn. */

export interface PerFrame<T> {
  /** Have `value` written with the next frame, in place of one that still waits. */
  put(value: T): void;
  /** Write what waits now: no frame comes while the page is hidden. */
  flush(): void;
}

/** Return a writer that calls `write` at most once a frame, with the newest value. */
export function perFrame<T>(write: (value: T) => void): PerFrame<T> {
  let waiting: { value: T } | null = null;
  let frame = 0;
  function flush() {
    cancelAnimationFrame(frame);
    if (waiting) write(waiting.value);
    waiting = null;
  }
  return {
    put(value) {
      if (!waiting) frame = requestAnimationFrame(flush);
      waiting = { value };
    },
    flush,
  };
}
