/** Deletes a debt, once the person has said so twice. */

import { Confirmation } from "../kit/parts/Confirmation.tsx";
import { notify } from "../kit/parts/Toast.tsx";
import { removeDebt, type Debt } from "./debts.ts";
import { toldOf } from "./faults.ts";
import { words } from "./words.ts";

export function DeleteDebt({ debt, onClose }: { debt: Debt; onClose: () => void }) {
  const say = words.value;
  async function remove() {
    await removeDebt(debt.id);
    notify(words.value.debtGone);
  }
  return (
    <Confirmation
      title={say.deleteDebtTitle(debt.id)}
      deed={say.deleteDebt}
      look="danger"
      act={remove}
      toldOf={toldOf}
      onClose={onClose}
    >
      <p>{say.deleteDebtAbout}</p>
    </Confirmation>
  );
}
