/** A quote that the agent made: what it comes to, and how long it holds. */

import type { ComponentChildren } from "preact";
import { Card } from "../kit/parts/Card.tsx";
import { texts } from "../kit/languages.ts";
import type { Quote } from "./answer.ts";
import { amount, day } from "./written.ts";

const words = texts({
  en: {
    net: "Net",
    quote: (number: string) => `Quote ${number}`,
    tax: "Tax",
    total: "Total",
    validUntil: "Valid until",
  },
  es: {
    net: "Base",
    quote: (number) => `Presupuesto ${number}`,
    tax: "Impuestos",
    total: "Total",
    validUntil: "Válido hasta",
  },
  zh: {
    net: "未税金额",
    quote: (number) => `报价 ${number}`,
    tax: "税额",
    total: "总计",
    validUntil: "有效期至",
  },
});

/** Show a quote; `children` is the link to its PDF. */
export function QuoteCard({ quote, children }: { quote: Quote; children: ComponentChildren }) {
  const say = words.value;
  return (
    <Card title={say.quote(quote.number)} look="offer">
      <dl class="facts">
        <dt>{say.net}</dt>
        <dd>{amount(quote.net)}</dd>
        <dt>{say.tax}</dt>
        <dd>{amount(quote.tax)}</dd>
        <dt>{say.total}</dt>
        <dd>
          <strong>{amount(quote.total)}</strong>
        </dd>
        <dt>{say.validUntil}</dt>
        <dd>{day(quote.valid_until)}</dd>
      </dl>
      <p>{children}</p>
    </Card>
  );
}
