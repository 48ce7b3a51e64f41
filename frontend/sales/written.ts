/** Numbers, days and moments, written as the language of the page does. */

import { languageTag } from "../kit/languages.ts";

export function count(value: number): string {
  return new Intl.NumberFormat(languageTag.value).format(value);
}

export function percent(value: number): string {
  const style = { style: "percent", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(languageTag.value, style).format(value / 100);
}

export function money(cents: number, currency: string): string {
  return new Intl.NumberFormat(languageTag.value, { style: "currency", currency }).format(cents / 100);
}

/** Write an amount that the server wrote with its currency: `59.29 EUR`. */
export function amount(text: string): string {
  const [, value, currency] = /^(-?\d+(?:\.\d+)?) ([A-Z]{3})$/.exec(text) ?? [];
  if (value === undefined || currency === undefined) return text;
  return money(Math.round(Number(value) * 100), currency);
}

/** Write a day without a time: `2026-11-21`. */
export function day(iso: string): string {
  return dayParts(iso, { dateStyle: "medium" });
}

/** Write a day in as little room as there is below a chart. */
export function shortDay(iso: string): string {
  return dayParts(iso, { day: "numeric", month: "short" });
}

export function moment(iso: string): string {
  const style = { dateStyle: "medium", timeStyle: "short" } as const;
  return new Intl.DateTimeFormat(languageTag.value, style).format(new Date(iso));
}

function dayParts(iso: string, style: Intl.DateTimeFormatOptions): string {
  // A day has no zone: read and written in the same one, it stays itself.
  const utc = { ...style, timeZone: "UTC" };
  return new Intl.DateTimeFormat(languageTag.value, utc).format(new Date(`${iso}T00:00:00Z`));
}
