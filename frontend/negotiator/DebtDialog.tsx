/** Adds a debt, or edits one. */

import { useSignal } from "@preact/signals";
import { Button } from "../kit/parts/Button.tsx";
import { Dialog } from "../kit/parts/Dialog.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Field } from "../kit/parts/Field.tsx";
import { notify } from "../kit/parts/Toast.tsx";
import { useSubmission } from "../kit/submission.ts";
import { createDebt, editDebt, type Debt } from "./debts.ts";
import { toldBeside, toldOfField } from "./faults.ts";
import { euros, typedAmount, writtenAmount } from "./money.ts";
import { words } from "./words.ts";

interface Props {
  /** The debt to edit; without it a new one is added. */
  debt?: Debt;
  onClose: () => void;
}

export function DebtDialog({ debt, onClose }: Props) {
  const say = words.value;
  const total = useSignal(debt ? writtenAmount(debt.total) : "");
  const months = useSignal(debt ? String(debt.maximum_months) : "");
  const { isBusy, error, onSubmit, form } = useSubmission(async () => {
    const amount = typedAmount(total.value) ?? total.value;
    // What is no number goes as it was typed: the server says what is wrong with it.
    const wanted = /^\d{1,9}$/.test(months.value.trim()) ? Number(months.value) : months.value;
    await (debt ? editDebt(debt.id, amount, wanted) : createDebt(amount, wanted));
    notify(words.value.debtKept);
    onClose();
  });
  const read = typedAmount(total.value);
  return (
    <Dialog title={debt ? say.editTitle(debt.id) : say.addDebt} onClose={onClose}>
      <form class="form" ref={form} onSubmit={onSubmit} noValidate>
        {debt && <p class="soft">{say.editAbout}</p>}
        <Field
          label={say.total}
          inputMode="decimal"
          autocomplete="off"
          value={total.value}
          hint={read === null ? undefined : euros(read)}
          error={toldOfField(error, "total")}
          onInput={(event) => (total.value = event.currentTarget.value)}
        />
        <Field
          label={say.months}
          inputMode="numeric"
          autocomplete="off"
          value={months.value}
          hint={say.monthsHint}
          error={toldOfField(error, "maximum_months")}
          onInput={(event) => (months.value = event.currentTarget.value)}
        />
        <Fault text={toldBeside(error, ["total", "maximum_months"])} />
        <div class="actions">
          <Button onClick={onClose}>{say.cancel}</Button>
          <Button look="main" type="submit" disabled={isBusy}>
            {say.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
