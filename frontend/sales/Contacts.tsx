/** The list of contacts: search, narrow down, add, import and export. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../kit/parts/Button.tsx";
import { Dialog } from "../kit/parts/Dialog.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Field, SelectField } from "../kit/parts/Field.tsx";
import { useLoaded } from "../kit/loaded.ts";
import { goTo, linkTo } from "../kit/route.ts";
import { ContactForm } from "./ContactForm.tsx";
import {
  createContact,
  EMPTY_CONTACT,
  exportAddress,
  listContacts,
  PAGE_SIZE,
  type Contact,
  type Wanted,
} from "./contacts.ts";
import { toldBeside } from "./faults.ts";
import { ImportButton } from "./ImportButton.tsx";
import { labelOf, STAGES, type Stage } from "./labels.ts";
import { words } from "./words.ts";
import { count, moment } from "./written.ts";

/** How long the typing must rest before it is searched for. */
const RESTING_MS = 250;

export function Contacts() {
  const say = words.value;
  const wanted = useSignal<Wanted>({ search: "", stage: "" });
  const offset = useSignal(0);
  const isAdding = useSignal(false);
  const about = JSON.stringify([wanted.value, offset.value]);
  const { value, error, reload } = useLoaded(
    (signal) => listContacts(wanted.value, offset.value, signal),
    about,
  );
  function narrow(change: Partial<Wanted>) {
    wanted.value = { ...wanted.value, ...change };
    offset.value = 0;
  }
  return (
    <main class="scrolling">
      <div class="scrolling-inside wide">
        <header class="titled">
          <h1>{say.contacts}</h1>
          <div class="actions">
            <ImportButton onDone={() => void reload()} />
            <a class="button plain" href={exportAddress(wanted.value)} download="contacts.csv">
              {say.exportCsv}
            </a>
            <Button look="main" icon="plus" onClick={() => (isAdding.value = true)}>
              {say.addContact}
            </Button>
          </div>
        </header>
        <Narrowing wanted={wanted.value} onChange={narrow} />
        <Fault text={toldBeside(error)} />
        {value && <ContactList contacts={value.contacts} />}
        {value && <Paging total={value.total} offset={offset.value} onGo={(to) => (offset.value = to)} />}
      </div>
      {isAdding.value && (
        <Dialog title={say.addContact} onClose={() => (isAdding.value = false)}>
          <ContactForm
            fields={EMPTY_CONTACT}
            deed={say.save}
            act={async (fields) => {
              const { id } = await createContact(fields);
              goTo("contacts", String(id));
            }}
          />
        </Dialog>
      )}
    </main>
  );
}

function Narrowing({ wanted, onChange }: { wanted: Wanted; onChange: (change: Partial<Wanted>) => void }) {
  const say = words.value;
  const typed = useSignal(wanted.search);
  useEffect(() => {
    if (typed.value === wanted.search) return undefined;
    const waiting = setTimeout(() => onChange({ search: typed.value }), RESTING_MS);
    return () => clearTimeout(waiting);
  }, [typed.value]);
  return (
    <search class="narrowing">
      <Field
        label={say.search}
        type="search"
        placeholder={say.searchHint}
        value={typed.value}
        onInput={(event) => (typed.value = event.currentTarget.value)}
      />
      <SelectField
        label={say.stage}
        value={wanted.stage}
        onChange={(event) => onChange({ stage: event.currentTarget.value as Stage | "" })}
      >
        <option value="">{say.anyStage}</option>
        {STAGES.map((stage) => (
          <option key={stage} value={stage}>
            {labelOf("stage", stage)}
          </option>
        ))}
      </SelectField>
    </search>
  );
}

function ContactList({ contacts }: { contacts: Contact[] }) {
  if (contacts.length === 0) return <p class="soft">{words.value.noContacts}</p>;
  return (
    <ul class="rows">
      {contacts.map((contact) => (
        <li key={contact.id}>
          <a href={linkTo("contacts", String(contact.id))}>
            <span class="row-name">
              {contact.name}
              {contact.company && <span class="soft"> · {contact.company}</span>}
            </span>
            <span class="row-marks">
              <span class={`mark ${contact.stage}`}>{labelOf("stage", contact.stage)}</span>
              {contact.interest !== "unknown" && (
                <span class="mark">{words.value.interestOf(labelOf("interest", contact.interest))}</span>
              )}
              <span class="soft">{labelOf("channel", contact.channel)}</span>
            </span>
            <time class="soft" dateTime={contact.updated_at}>
              {moment(contact.updated_at)}
            </time>
          </a>
        </li>
      ))}
    </ul>
  );
}

function Paging({ total, offset, onGo }: { total: number; offset: number; onGo: (to: number) => void }) {
  const say = words.value;
  const last = Math.min(offset + PAGE_SIZE, total);
  if (total <= PAGE_SIZE) return <p class="soft">{say.contactsInAll(count(total))}</p>;
  return (
    <nav class="paging" aria-label={say.pages}>
      <Button disabled={offset === 0} onClick={() => onGo(Math.max(0, offset - PAGE_SIZE))}>
        {say.before}
      </Button>
      <span class="soft">{say.fromTo(count(offset + 1), count(last), count(total))}</span>
      <Button disabled={last >= total} onClick={() => onGo(offset + PAGE_SIZE)}>
        {say.after}
      </Button>
    </nav>
  );
}
