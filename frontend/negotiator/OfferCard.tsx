/** An offer: what is paid and when; the person alone accepts it, and is asked once more before. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "../kit/parts/Button.tsx";
import { Card } from "../kit/parts/Card.tsx";
import { Confirmation } from "../kit/parts/Confirmation.tsx";
import { Icon } from "../kit/parts/Icon.tsx";
import { notify } from "../kit/parts/Toast.tsx";
import { linkTo } from "../kit/route.ts";
import { accept, agreementOf, type Offer } from "./debts.ts";
import { toldOf } from "./faults.ts";
import { euros } from "./money.ts";
import { TermsTable } from "./TermsTable.tsx";
import { words } from "./words.ts";

export function OfferCard({ offer }: { offer: Offer }) {
  const say = words.value;
  const title = `${say[`offer_${offer.kind}`]} · ${say.debt(offer.debt_id)}`;
  if (offer.status === "withdrawn") return <Replaced title={title} />;
  return (
    <Card title={title} look="offer">
      <TermsTable terms={offer.terms} />
      {offer.status === "open" ? <Decision offer={offer} /> : <Accepted offerId={offer.id} />}
    </Card>
  );
}

function Replaced({ title }: { title: string }) {
  return (
    <p class="replaced">
      <s>{title}</s> {words.value.replaced}
    </p>
  );
}

function Decision({ offer }: { offer: Offer }) {
  const say = words.value;
  const isAsking = useSignal(false);
  const close = () => (isAsking.value = false);
  async function acceptIt() {
    const { number } = await accept(offer);
    notify(words.value.agreed(number));
    close();
  }
  return (
    <div class="actions">
      <Button look="main" icon="check" onClick={() => (isAsking.value = true)}>
        {say.accept}
      </Button>
      {isAsking.value && (
        <Confirmation
          title={say.acceptTitle}
          deed={say.acceptNow}
          look="main"
          act={acceptIt}
          toldOf={toldOf}
          onClose={close}
        >
          <p>{say.acceptFor(euros(offer.terms.pays))}</p>
        </Confirmation>
      )}
    </div>
  );
}

function Accepted({ offerId }: { offerId: number }) {
  const say = words.value;
  const agreementId = agreementOf.value.get(offerId);
  const receipt = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    // The button that had the focus went away with the offer.
    if (document.activeElement === document.body) receipt.current?.focus();
  }, []);
  return (
    <p class="accepted">
      <Icon name="check" />
      {say.accepted}
      {agreementId !== undefined && (
        <a ref={receipt} href={linkTo("agreements", String(agreementId))}>
          {say.receipt}
        </a>
      )}
    </p>
  );
}
