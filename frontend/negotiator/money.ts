/** Amounts, months and dates as people of a language write and read them. Amounts are never numbers. */

import { languageTag } from "../kit/languages.ts";

/** Return an amount of the server, such as "950.00", as money. */
export function euros(amount: string): string {
  const options = { style: "currency", currency: "EUR", useGrouping: "always" } as const;
  return new Intl.NumberFormat(languageTag.value, options).format(amount as Intl.StringNumericLiteral);
}

export function percent(value: string): string {
  const options = { style: "unit", unit: "percent", maximumFractionDigits: 2 } as const;
  return new Intl.NumberFormat(languageTag.value, options).format(value as Intl.StringNumericLiteral);
}

export function months(count: number): string {
  const options = { style: "unit", unit: "month", unitDisplay: "long" } as const;
  return new Intl.NumberFormat(languageTag.value, options).format(count);
}

export function day(date: string): string {
  const format = new Intl.DateTimeFormat(languageTag.value, { dateStyle: "long", timeZone: "UTC" });
  return format.format(new Date(date));
}

/** Return an amount of the server as a person would type it. */
export function writtenAmount(amount: string): string {
  return languageTag.value === "es" ? amount.replace(".", ",") : amount;
}

/**
 * Return what a person typed as the server takes it, "1234.56"; null where it is no amount.
 * A sign between groups of three digits divides thousands as the language has it; any other one
 * stands before the cents.
 */
export function typedAmount(text: string): string | null {
  const plain = text.replaceAll(/[\s€]/g, "");
  const group = languageTag.value === "es" ? "." : ",";
  const point = languageTag.value === "es" ? "," : ".";
  const grouped = new RegExp(`^\\d{1,3}(\\${group}\\d{3})+(\\${point}\\d{1,2})?$`);
  if (grouped.test(plain)) return plain.replaceAll(group, "").replace(point, ".");
  return /^\d{1,15}([.,]\d{1,2})?$/.test(plain) ? plain.replace(",", ".") : null;
}

/** Return the difference of two amounts of the server, in exact cents. */
export function difference(larger: string, smaller: string): string {
  const cents = centsOf(larger) - centsOf(smaller);
  return `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
}

function centsOf(amount: string): bigint {
  return BigInt(amount.replace(".", ""));
}
