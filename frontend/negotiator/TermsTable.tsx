/** What is paid, in figures: the sum, the discount, and every payment of a plan. */

import { difference, euros, percent } from "./money.ts";
import type { Instalments, Terms } from "./debts.ts";
import { words } from "./words.ts";

interface Props {
  terms: Terms;
  /** Every payment is shown at once, as on paper. */
  isUnfolded?: boolean;
}

export function TermsTable({ terms, isUnfolded = false }: Props) {
  const say = words.value;
  const { total, pays, discount_percent: discount, immediate, rest, instalments } = terms;
  const isLess = difference(total, pays) !== "0.00";
  return (
    <>
      <p class="amount">
        <span class="unseen">{say.paid} </span>
        {euros(pays)}
        {isLess && <s>{euros(total)}</s>}
      </p>
      <dl class="facts">
        {immediate && <Fact name={say.payNow} value={euros(immediate)} />}
        {rest && <Fact name={say.rest} value={euros(rest)} />}
        {discount && (
          <Fact name={rest ? say.restDiscount : say.discount} value={percent(discount)} />
        )}
        {isLess && <Fact name={say.saves} value={euros(difference(total, pays))} />}
        {instalments && <Fact name={say.instalments} value={spoken(instalments)} />}
      </dl>
      {instalments && <Plan {...{ instalments, immediate, isUnfolded }} />}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

function spoken({ months, monthly, last }: Instalments): string {
  if (months === 1 || monthly === last) return `${months} × ${euros(last)}`;
  return `${months - 1} × ${euros(monthly)} + ${euros(last)}`;
}

interface PlanProps {
  instalments: Instalments;
  immediate: string | undefined;
  isUnfolded: boolean;
}

function Plan({ instalments: { months, monthly, last }, immediate, isUnfolded }: PlanProps) {
  const say = words.value;
  const amounts = Array.from({ length: months }, (_, index) => (index < months - 1 ? monthly : last));
  return (
    <details class="plan" open={isUnfolded}>
      <summary>{say.showPlan(months + (immediate ? 1 : 0))}</summary>
      <div class="plan-table" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{say.month}</th>
              <th scope="col">{say.amount}</th>
            </tr>
          </thead>
          <tbody>
            {immediate && <Payment when={say.atOnce} amount={immediate} />}
            {amounts.map((amount, index) => (
              <Payment key={index} when={String(index + 1)} amount={amount} />
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Payment({ when, amount }: { when: string; amount: string }) {
  return (
    <tr>
      <th scope="row">{when}</th>
      <td>{euros(amount)}</td>
    </tr>
  );
}
