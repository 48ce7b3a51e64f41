/** The bar above a page: its name, its places, language and appearance. */

import type { ComponentChildren } from "preact";
import { Preferences } from "./Preferences.tsx";

export interface Place {
  href: string;
  title: string;
  isHere: boolean;
}

interface Props {
  name: string;
  /** Where the name leads. */
  home: string;
  /** None while there is nowhere to go, as before logging in. */
  places?: readonly Place[];
  /** Stands at the end: a button that logs out, say. */
  children?: ComponentChildren;
}

export function TopBar({ name, home, places = [], children }: Props) {
  return (
    <header class="top">
      <a class="name" href={home} aria-label={name}>
        <img src="./mark.svg" alt="" width="28" height="28" />
        <span>{name}</span>
      </a>
      {places.length > 0 && (
        <nav>
          {places.map(({ href, title, isHere }) => (
            <a key={href} href={href} aria-current={isHere ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
      )}
      <div class="top-end">
        <Preferences />
        {children}
      </div>
    </header>
  );
}
