/**
 * Where the person is, in the address after `#`: it works under any prefix, with files alone, and
 * with the browser's back button.
 */

import { computed, signal, type ReadonlySignal } from "@preact/signals";

const hash = signal(location.hash);

addEventListener("hashchange", () => {
  hash.value = location.hash;
});

/** The parts of the route: `#/debts/7` is `["debts", "7"]`, the start `[]`. */
export const route: ReadonlySignal<string[]> = computed(() =>
  hash.value.replace(/^#\/?/, "").split("/").filter(Boolean).map(decoded),
);

/** Return the address of a route, for `href`. */
export function linkTo(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Go to a route, as a click on a link would. */
export function goTo(...parts: string[]): void {
  location.hash = linkTo(...parts);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
