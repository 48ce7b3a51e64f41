/**
 * The language of the page, and tables of texts in which a missing key is a type error.
 * It follows the browser until the person chooses one; where the browser asks for none of ours, it
 * is the one that `index.html` is written in.
 */

import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { keep, kept } from "./kept.ts";

export const LANGUAGES = { es: "Español", en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

const NAME = "language";

/** What `<html lang>` says: which script of Chinese it is matters for fonts and voices. */
const TAGS: Record<Language, string> = { es: "es", en: "en", zh: "zh-Hans" };

const chosen = signal<Language>(known(kept(NAME)) ?? ofBrowser());

export const language: ReadonlySignal<Language> = computed(() => chosen.value);

/** Change the language of the page and keep the choice. */
export function chooseLanguage(wanted: Language): void {
  chosen.value = wanted;
  keep(NAME, wanted);
}

/** Show the page in the language of a tag (`es-MX`), if it is one of ours; the choice is not kept. */
export function showIn(tag: string): void {
  chosen.value = known(tag.slice(0, 2).toLowerCase()) ?? chosen.value;
}

/** The language as a BCP 47 tag, for `lang` attributes and `Intl`. */
export const languageTag: ReadonlySignal<string> = computed(() => TAGS[chosen.value]);

type Texts = Record<string, string | ((...values: never[]) => string)>;
type Translated<T extends Texts> = { [K in keyof T]: T[K] extends string ? string : T[K] };

/** Return a signal of the texts in the current language. English decides which keys there are. */
export function texts<T extends Texts>(tables: {
  en: T;
  es: Translated<NoInfer<T>>;
  zh: Translated<NoInfer<T>>;
}): ReadonlySignal<Translated<T>> {
  return computed(() => tables[chosen.value] as Translated<T>);
}

function known(name: string | null): Language | null {
  return name !== null && Object.hasOwn(LANGUAGES, name) ? (name as Language) : null;
}

function ofBrowser(): Language {
  for (const tag of navigator.languages) {
    const found = known(tag.slice(0, 2).toLowerCase());
    if (found) return found;
  }
  return known(document.documentElement.lang) ?? "en";
}
