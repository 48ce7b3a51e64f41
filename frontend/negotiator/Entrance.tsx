/** What who is not logged in sees: log in, or create an account. */

import { useSignal } from "@preact/signals";
import { Button } from "../kit/parts/Button.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Field } from "../kit/parts/Field.tsx";
import { Tabs } from "../kit/parts/Tabs.tsx";
import { TopBar } from "../kit/parts/TopBar.tsx";
import { goTo, linkTo, route } from "../kit/route.ts";
import { useSubmission } from "../kit/submission.ts";
import { ENDED, logIn, register } from "./account.ts";
import { toldBeside, toldOfField } from "./faults.ts";
import { words } from "./words.ts";

type Way = "login" | "register";

export function Entrance() {
  const say = words.value;
  const way = useSignal<Way>("login");
  return (
    <div class="page">
      <TopBar name={say.title} home={linkTo()} />
      <main class="scrolling">
        <div class="entrance">
          <h1>{say.title}</h1>
          <p class="soft">{say.promise}</p>
          {route.value[0] === ENDED && <Fault text={say.ended} />}
          <Tabs<Way>
            label={say.account}
            names={[
              { name: "login", title: say.logIn },
              { name: "register", title: say.createAccount },
            ]}
            chosen={way.value}
            onChoose={(name) => (way.value = name)}
          >
            {way.value === "login" ? <LoginForm /> : <RegistrationForm />}
          </Tabs>
        </div>
      </main>
    </div>
  );
}

function LoginForm() {
  const say = words.value;
  const email = useSignal("");
  const password = useSignal("");
  const { isBusy, error, onSubmit, form } = useSubmission(async () => {
    await logIn(email.value, password.value);
    goTo();
  });
  return (
    <form class="form" ref={form} onSubmit={onSubmit} noValidate>
      <Field
        label={say.email}
        type="email"
        autocomplete="username"
        value={email.value}
        error={toldOfField(error, "email")}
        onInput={(event) => (email.value = event.currentTarget.value)}
      />
      <Field
        label={say.password}
        type="password"
        autocomplete="current-password"
        value={password.value}
        error={toldOfField(error, "password")}
        onInput={(event) => (password.value = event.currentTarget.value)}
      />
      <Fault text={toldBeside(error, ["email", "password"])} />
      <Button look="main" type="submit" disabled={isBusy}>
        {say.logIn}
      </Button>
    </form>
  );
}

const FIELDS = [
  { name: "name", type: "text", autocomplete: "given-name" },
  { name: "surname", type: "text", autocomplete: "family-name" },
  { name: "email", type: "email", autocomplete: "email" },
  { name: "telephone", type: "tel", autocomplete: "tel" },
  { name: "password", type: "password", autocomplete: "new-password" },
] as const;

function RegistrationForm() {
  const say = words.value;
  const person = useSignal({ name: "", surname: "", email: "", telephone: "", password: "" });
  const { isBusy, error, onSubmit, form } = useSubmission(async () => {
    await register(person.value);
    goTo("debts");
  });
  return (
    <form class="form" ref={form} onSubmit={onSubmit} noValidate>
      {FIELDS.map(({ name, ...rest }) => (
        <Field
          key={name}
          label={say[name]}
          {...rest}
          maxLength={200}
          value={person.value[name]}
          error={toldOfField(error, name)}
          hint={name === "password" ? say.passwordHint : undefined}
          onInput={(event) => {
            person.value = { ...person.value, [name]: event.currentTarget.value };
          }}
        />
      ))}
      <Fault text={toldBeside(error, FIELDS.map(({ name }) => name))} />
      <Button look="main" type="submit" disabled={isBusy}>
        {say.createAccount}
      </Button>
    </form>
  );
}
