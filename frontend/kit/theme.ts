/** Light or dark: as the system says, until the person chooses. */

import { signal } from "@preact/signals";
import { keep, kept } from "./kept.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const NAME = "theme";

export const theme = signal<Theme>(THEMES.find((each) => each === kept(NAME)) ?? "system");

/** Change the theme and keep the choice. */
export function chooseTheme(wanted: Theme): void {
  theme.value = wanted;
  keep(NAME, wanted === "system" ? null : wanted);
}
