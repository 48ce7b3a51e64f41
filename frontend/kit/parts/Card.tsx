/** A framed piece of content with a title. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Props {
  title: string;
  /** Stands out as something to decide on. */
  look?: "plain" | "offer";
  children: ComponentChildren;
}

export function Card({ title, look = "plain", children }: Props) {
  const id = useId();
  return (
    <section class={`card ${look}`} aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {children}
    </section>
  );
}
