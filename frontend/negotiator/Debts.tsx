/** The person's debts: each with what can be done about it. */

import { useSignal } from "@preact/signals";
import { Button, IconButton } from "../kit/parts/Button.tsx";
import { Card } from "../kit/parts/Card.tsx";
import { goTo, linkTo } from "../kit/route.ts";
import { say as tell } from "./chat.ts";
import { debts, type Debt } from "./debts.ts";
import { DebtDialog } from "./DebtDialog.tsx";
import { DeleteDebt } from "./DeleteDebt.tsx";
import { euros, months } from "./money.ts";
import { words } from "./words.ts";

export function Debts() {
  const say = words.value;
  const isAdding = useSignal(false);
  const found = debts.value;
  return (
    <section class="debts" aria-labelledby="debts-title">
      <header class="titled">
        <h2 id="debts-title">{say.debtsTitle}</h2>
        <Button icon="plus" onClick={() => (isAdding.value = true)}>
          {say.addDebt}
        </Button>
      </header>
      {found?.length === 0 && <p class="soft">{say.debtsEmpty}</p>}
      {found?.map((debt) => <DebtCard key={debt.id} debt={debt} />)}
      {isAdding.value && <DebtDialog onClose={() => (isAdding.value = false)} />}
    </section>
  );
}

function DebtCard({ debt }: { debt: Debt }) {
  const say = words.value;
  return (
    <Card title={say.debt(debt.id)}>
      <p class="amount">{euros(debt.total)}</p>
      <dl class="facts">
        <dt>{say.longestTerm}</dt>
        <dd>{months(debt.maximum_months)}</dd>
        <dt>{say.perMonth}</dt>
        <dd>{euros(debt.minimum_monthly_payment)}</dd>
        <dt>{say.status}</dt>
        <dd class={`status ${debt.status}`}>{say[`status_${debt.status}`]}</dd>
      </dl>
      {debt.agreement_id === null ? (
        <WhatToDo debt={debt} />
      ) : (
        <a href={linkTo("agreements", String(debt.agreement_id))}>{say.receipt}</a>
      )}
    </Card>
  );
}

function WhatToDo({ debt }: { debt: Debt }) {
  const say = words.value;
  const dialog = useSignal<"edit" | "delete" | null>(null);
  const close = () => (dialog.value = null);
  function negotiate() {
    goTo();
    void tell(say.about(debt.id));
  }
  return (
    <div class="what-to-do">
      <Button look="main" icon="chat" onClick={negotiate}>
        {say.negotiate}
      </Button>
      <Button look="quiet" onClick={() => (dialog.value = "edit")}>
        {say.edit}
      </Button>
      <IconButton icon="trash" label={say.deleteDebt} onClick={() => (dialog.value = "delete")} />
      {dialog.value === "edit" && <DebtDialog debt={debt} onClose={close} />}
      {dialog.value === "delete" && <DeleteDebt debt={debt} onClose={close} />}
    </div>
  );
}
