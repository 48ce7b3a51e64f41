/** The fields of a contact, to fill in or to change. */

import { useSignal } from "@preact/signals";
import { Button } from "../kit/parts/Button.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Field, SelectField, TextField } from "../kit/parts/Field.tsx";
import { useSubmission } from "../kit/submission.ts";
import type { ContactFields } from "./contacts.ts";
import { toldBeside, toldOfField } from "./faults.ts";
import { CHANNELS, INTERESTS, labelOf, STAGES } from "./labels.ts";
import { words } from "./words.ts";

interface Props {
  fields: ContactFields;
  /** What the button says. */
  deed: string;
  act: (fields: ContactFields) => Promise<void>;
}

const TYPED = [
  { name: "name", type: "text", maxLength: 200 },
  { name: "company", type: "text", maxLength: 200 },
  { name: "email", type: "email", maxLength: 200 },
  { name: "phone", type: "tel", maxLength: 30 },
] as const;

const CHOSEN = [
  { name: "stage", from: STAGES },
  { name: "interest", from: INTERESTS },
  { name: "channel", from: CHANNELS },
] as const;

const SHOWN = [...TYPED, ...CHOSEN].map(({ name }) => name as string).concat("notes");

export function ContactForm({ fields, deed, act }: Props) {
  const say = words.value;
  const now = useSignal(fields);
  const { isBusy, error, onSubmit, form } = useSubmission(() => act(now.value));
  function set(change: Partial<ContactFields>) {
    now.value = { ...now.value, ...change };
  }
  return (
    <form class="form two" ref={form} onSubmit={onSubmit} noValidate>
      {TYPED.map(({ name, ...rest }) => (
        <Field
          key={name}
          label={say[name]}
          {...rest}
          autocomplete="off"
          value={now.value[name]}
          error={toldOfField(error, name)}
          onInput={(event) => set({ [name]: event.currentTarget.value })}
        />
      ))}
      {CHOSEN.map(({ name, from }) => (
        <SelectField
          key={name}
          label={say[name]}
          value={now.value[name]}
          error={toldOfField(error, name)}
          onChange={(event) => set({ [name]: event.currentTarget.value })}
        >
          {from.map((each) => (
            <option key={each} value={each}>
              {labelOf(name, each)}
            </option>
          ))}
        </SelectField>
      ))}
      <div class="whole">
        <TextField
          label={say.notes}
          rows={4}
          maxLength={10_000}
          value={now.value.notes}
          error={toldOfField(error, "notes")}
          onInput={(event) => set({ notes: event.currentTarget.value })}
        />
      </div>
      <div class="whole">
        <Fault text={toldBeside(error, SHOWN)} />
      </div>
      <div class="actions whole">
        <Button look="main" type="submit" disabled={isBusy}>
          {deed}
        </Button>
      </div>
    </form>
  );
}
