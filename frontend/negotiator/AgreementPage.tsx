/** An agreement with its receipt, to read and to print. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../kit/parts/Button.tsx";
import { Card } from "../kit/parts/Card.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { linkTo } from "../kit/route.ts";
import { findAgreement, type Agreement } from "./debts.ts";
import { toldBeside } from "./faults.ts";
import { day } from "./money.ts";
import { TermsTable } from "./TermsTable.tsx";
import { words } from "./words.ts";

export function AgreementPage({ id }: { id: string }) {
  const agreement = useSignal<Agreement | null>(null);
  const error = useSignal<unknown>(null);
  useEffect(() => {
    findAgreement(id).then(
      (found) => (agreement.value = found),
      (refusal: unknown) => (error.value = refusal),
    );
  }, [id]);
  return (
    <main class="scrolling">
      <div class="scrolling-inside">
        <Fault text={toldBeside(error.value)} />
        {agreement.value && <Receipt agreement={agreement.value} />}
        <p class="not-printed">
          <a href={linkTo()}>{words.value.back}</a>
        </p>
      </div>
    </main>
  );
}

function Receipt({ agreement }: { agreement: Agreement }) {
  const say = words.value;
  return (
    <Card title={`${say.agreement} ${agreement.number}`}>
      <p class="soft">{say.receiptAbout}</p>
      <dl class="facts">
        <dt>{say.date}</dt>
        <dd>{day(agreement.date)}</dd>
        <dt>{say.debtAgreed}</dt>
        <dd>{agreement.debt_id}</dd>
        <dt>{say.offer}</dt>
        <dd>{say[`offer_${agreement.kind}`]}</dd>
      </dl>
      <TermsTable terms={agreement.terms} isUnfolded />
      <div class="actions not-printed">
        <Button icon="document" onClick={() => print()}>
          {say.print}
        </Button>
      </div>
    </Card>
  );
}
