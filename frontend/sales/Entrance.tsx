/** What who is not logged in sees: log in, or at the first start make the first operator. */

import { useSignal } from "@preact/signals";
import { Button } from "../kit/parts/Button.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Field } from "../kit/parts/Field.tsx";
import { TopBar } from "../kit/parts/TopBar.tsx";
import { goTo, linkTo, route } from "../kit/route.ts";
import { useSubmission } from "../kit/submission.ts";
import { toldBeside, toldOfField } from "./faults.ts";
import { ENDED, isSetupNeeded, logIn, setUp } from "./session.ts";
import { words } from "./words.ts";

export function Entrance() {
  const say = words.value;
  return (
    <div class="page">
      <TopBar name={say.title} home={linkTo()} />
      <main class="scrolling">
        <div class="entrance">
          <h1>{isSetupNeeded.value ? say.setUpTitle : say.logInTitle}</h1>
          <p class="soft">{isSetupNeeded.value ? say.setUpAbout : say.promise}</p>
          {route.value[0] === ENDED && <Fault text={say.ended} />}
          <EntranceForm />
        </div>
      </main>
    </div>
  );
}

function EntranceForm() {
  const say = words.value;
  const isFirst = isSetupNeeded.value;
  const token = useSignal("");
  const name = useSignal("");
  const password = useSignal("");
  const { isBusy, error, onSubmit, form } = useSubmission(async () => {
    if (isFirst) await setUp(token.value, name.value, password.value);
    else await logIn(name.value, password.value);
    if (route.value[0] === ENDED) goTo();
  });
  return (
    <form class="form" ref={form} onSubmit={onSubmit} noValidate>
      {isFirst && (
        <Field
          label={say.setupToken}
          hint={say.setupTokenHint}
          autocomplete="off"
          value={token.value}
          error={toldOfField(error, "token")}
          onInput={(event) => (token.value = event.currentTarget.value)}
        />
      )}
      <Field
        label={say.name}
        autocomplete="username"
        maxLength={100}
        value={name.value}
        error={toldOfField(error, "name")}
        onInput={(event) => (name.value = event.currentTarget.value)}
      />
      <Field
        label={say.password}
        type="password"
        autocomplete={isFirst ? "new-password" : "current-password"}
        maxLength={200}
        hint={isFirst ? say.passwordHint : undefined}
        value={password.value}
        error={toldOfField(error, "password")}
        onInput={(event) => (password.value = event.currentTarget.value)}
      />
      <Fault text={toldBeside(error, ["token", "name", "password"])} />
      <Button look="main" type="submit" disabled={isBusy}>
        {isFirst ? say.setUp : say.logIn}
      </Button>
    </form>
  );
}
