/** The person's debts, what is offered for them, and what was agreed. */

import { computed, signal } from "@preact/signals";
import { asked } from "./account.ts";

export interface Debt {
  id: number;
  total: string;
  maximum_months: number;
  minimum_monthly_payment: string;
  status: "open" | "negotiating" | "agreed";
  agreement_id: number | null;
}

export interface Instalments {
  months: number;
  monthly: string;
  last: string;
  total: string;
}

/** What is paid; all amounts in euros. Which fields there are follows from the kind. */
export interface Terms {
  total: string;
  pays: string;
  discount_percent?: string;
  immediate?: string;
  rest?: string;
  instalments?: Instalments;
}

export type Kind = "discount" | "plan" | "partial";

export interface Offer {
  id: number;
  debt_id: number;
  kind: Kind;
  status: "open" | "accepted" | "withdrawn";
  terms: Terms;
}

export interface Agreement {
  id: number;
  number: string;
  date: string;
  debt_id: number;
  offer_id: number | null;
  kind: Kind;
  terms: Terms;
}

/** Null until they are known. */
export const debts = signal<Debt[] | null>(null);

/** Every offer that this page has seen, by its id. */
export const offers = signal<ReadonlyMap<number, Offer>>(new Map());

export const openOffers = computed(() =>
  [...offers.value.values()].filter(({ status }) => status === "open"),
);

/** The ids of agreements by the offers that they were made of. */
export const agreementOf = signal<ReadonlyMap<number, number>>(new Map());

/** Ask for the debts and for what is still offered. */
export async function loadDebts(): Promise<void> {
  const [listed, standing] = await Promise.all([
    asked((api) => api.json<{ debts: Debt[] }>("debts")),
    asked((api) => api.json<{ offers: Offer[] }>("offers")),
  ]);
  debts.value = listed.debts;
  showStanding(standing.offers);
}

/** Show that exactly these offers are open: another took the place of the rest. */
export function showStanding(standing: Offer[]): void {
  const known = [...offers.value.values()].map(
    (offer): Offer => (offer.status === "open" ? { ...offer, status: "withdrawn" } : offer),
  );
  offers.value = new Map([...known, ...standing].map((offer) => [offer.id, offer]));
}

/** Show an offer; the one of its kind that was open before does not stand any more. */
export function showOffer(offer: Offer): void {
  const known = [...offers.value.values()].map((other): Offer => {
    const isReplaced =
      other.status === "open" && other.debt_id === offer.debt_id && other.kind === offer.kind;
    return isReplaced ? { ...other, status: "withdrawn" } : other;
  });
  offers.value = new Map([...known, offer].map((each) => [each.id, each]));
}

export async function createDebt(total: string, months: number | string): Promise<void> {
  const body = { total, maximum_months: months };
  await asked((api) => api.json("debts", { body }));
  await loadDebts();
}

export async function editDebt(id: number, total: string, months: number | string): Promise<void> {
  const body = { total, maximum_months: months };
  await asked((api) => api.json(`debts/${id}`, { method: "PATCH", body }));
  await loadDebts();
}

export async function removeDebt(id: number): Promise<void> {
  await asked((api) => api.json(`debts/${id}`, { method: "DELETE" }));
  await loadDebts();
}

/** Accept an offer for the person, who has confirmed it. */
export async function accept(offer: Offer): Promise<Agreement> {
  const agreement = await asked((api) =>
    api.json<Agreement>(`offers/${offer.id}/accept`, { method: "POST" }),
  );
  showOffer({ ...offer, status: "accepted" });
  agreementOf.value = new Map([...agreementOf.value, [offer.id, agreement.id]]);
  await loadDebts();
  return agreement;
}

export async function findAgreement(id: string): Promise<Agreement> {
  return asked((api) => api.json(`agreements/${encodeURIComponent(id)}`));
}
