/** Who the person is here, an API key of their own, and the ways out. */

import { useSignal } from "@preact/signals";
import { Button } from "../kit/parts/Button.tsx";
import { Card } from "../kit/parts/Card.tsx";
import { Confirmation } from "../kit/parts/Confirmation.tsx";
import { Dialog } from "../kit/parts/Dialog.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Field } from "../kit/parts/Field.tsx";
import { notify, notifyFault } from "../kit/parts/Toast.tsx";
import { useSubmission } from "../kit/submission.ts";
import { beginAnew, leave, removeKey, storeKey, type Farewell, type User } from "./account.ts";
import { toldBeside, toldOf, toldOfField } from "./faults.ts";
import { words } from "./words.ts";

export function Account({ user }: { user: User }) {
  const say = words.value;
  return (
    <main class="scrolling">
      <div class="scrolling-inside">
        <Card title={`${user.name} ${user.surname}`}>
          <dl class="facts">
            <dt>{say.email}</dt>
            <dd>{user.email}</dd>
            <dt>{say.telephone}</dt>
            <dd>{user.telephone}</dd>
          </dl>
        </Card>
        <OwnKey shown={user.api_key} />
        <DeleteAccount />
      </div>
    </main>
  );
}

function OwnKey({ shown }: { shown: string | null }) {
  const say = words.value;
  const key = useSignal("");
  const { isBusy, error, onSubmit, form } = useSubmission(async () => {
    await storeKey(key.value);
    key.value = "";
    notify(words.value.apiKeyKept);
  });
  function remove() {
    removeKey().then(
      () => notify(words.value.apiKeyGone),
      (refusal: unknown) => notifyFault(toldOf(refusal)),
    );
  }
  return (
    <Card title={say.apiKey}>
      <p class="soft">{say.apiKeyAbout}</p>
      <form class="form" ref={form} onSubmit={onSubmit} noValidate>
        <Field
          label={say.key}
          type="password"
          autocomplete="off"
          value={key.value}
          hint={shown === null ? undefined : say.apiKeyNow(shown)}
          error={toldOfField(error, "api_key")}
          onInput={(event) => (key.value = event.currentTarget.value)}
        />
        <Fault text={toldBeside(error, ["api_key"])} />
        <div class="actions">
          {shown !== null && <Button onClick={remove}>{say.deleteKey}</Button>}
          <Button look="main" type="submit" disabled={isBusy}>
            {say.save}
          </Button>
        </div>
      </form>
    </Card>
  );
}

function DeleteAccount() {
  const say = words.value;
  const isAsking = useSignal(false);
  const farewell = useSignal<Farewell | null>(null);
  async function go() {
    farewell.value = await leave();
    isAsking.value = false;
  }
  return (
    <Card title={say.deleteAccount}>
      <p class="soft">{say.deleteAccountAbout}</p>
      <div class="actions">
        <Button look="danger" icon="trash" onClick={() => (isAsking.value = true)}>
          {say.deleteAccount}
        </Button>
      </div>
      {isAsking.value && (
        <Confirmation
          title={say.leaveTitle}
          deed={say.deleteAccount}
          look="danger"
          act={go}
          toldOf={toldOf}
          onClose={() => (isAsking.value = false)}
        >
          <p>{say.deleteAccountAbout}</p>
        </Confirmation>
      )}
      {farewell.value && <GoodBye farewell={farewell.value} />}
    </Card>
  );
}

function GoodBye({ farewell }: { farewell: Farewell }) {
  const say = words.value;
  return (
    <Dialog title={say.farewellTitle} onClose={() => beginAnew()}>
      <p>{say.farewell(farewell.debts_erased, farewell.receipts_kept.length)}</p>
      <div class="actions">
        <Button look="main" onClick={() => beginAnew()}>
          {say.end}
        </Button>
      </div>
    </Dialog>
  );
}
