/** One contact: its fields, its way through the stages, quotes, follow-ups and conversations. */

import { useSignal } from "@preact/signals";
import { useLoaded } from "../kit/loaded.ts";
import { Button } from "../kit/parts/Button.tsx";
import { Card } from "../kit/parts/Card.tsx";
import { Confirmation } from "../kit/parts/Confirmation.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { notify } from "../kit/parts/Toast.tsx";
import { goTo, linkTo } from "../kit/route.ts";
import { ContactForm } from "./ContactForm.tsx";
import {
  changeContact,
  deleteContact,
  getContact,
  quoteAddress,
  quotesOfContact,
  type ContactDetails,
  type ContactFields,
} from "./contacts.ts";
import { listConversations } from "./conversations.ts";
import { toldBeside, toldOf } from "./faults.ts";
import { FollowUpList } from "./FollowUpList.tsx";
import { labelOf } from "./labels.ts";
import { words } from "./words.ts";
import { day, moment, money } from "./written.ts";

export function ContactPage({ id }: { id: string }) {
  const say = words.value;
  const { value: contact, error, reload } = useLoaded((signal) => getContact(id, signal), id);
  const isDeleting = useSignal(false);
  return (
    <main class="scrolling">
      <div class="scrolling-inside wide">
        <header class="titled">
          <h1>{contact?.name ?? say.contact}</h1>
          <div class="actions">
            <a class="button plain" href={linkTo("contacts")}>
              {say.allContacts}
            </a>
            {contact && (
              <Button look="danger" icon="trash" onClick={() => (isDeleting.value = true)}>
                {say.delete}
              </Button>
            )}
          </div>
        </header>
        <Fault text={toldBeside(error)} />
        {contact && <Details contact={contact} onSaved={reload} />}
      </div>
      {contact && isDeleting.value && (
        <Confirmation
          title={say.deleteContactTitle(contact.name)}
          deed={say.delete}
          look="danger"
          toldOf={toldOf}
          onClose={() => (isDeleting.value = false)}
          act={async () => {
            await deleteContact(contact.id);
            notify(words.value.contactGone);
            goTo("contacts");
          }}
        >
          <p>{say.deleteContactAbout}</p>
        </Confirmation>
      )}
    </main>
  );
}

function Details({ contact, onSaved }: { contact: ContactDetails; onSaved: () => Promise<void> }) {
  const say = words.value;
  async function save(fields: ContactFields) {
    await changeContact(contact.id, changesOf(contact, fields));
    notify(words.value.contactKept);
    await onSaved();
  }
  return (
    <div class="columns">
      <Card title={say.details}>
        <ContactForm fields={fieldsOf(contact)} deed={say.save} act={save} />
      </Card>
      <div class="column">
        <Card title={say.stages}>
          <ol class="stages">
            {contact.stages.map(({ stage, changed_at }) => (
              <li key={`${stage}${changed_at}`}>
                <span class={`mark ${stage}`}>{labelOf("stage", stage)}</span>
                <time class="soft" dateTime={changed_at}>
                  {moment(changed_at)}
                </time>
              </li>
            ))}
          </ol>
        </Card>
        <Card title={say.followUps}>
          <FollowUpList show="all" contactId={contact.id} />
        </Card>
        <Quotes id={String(contact.id)} />
        <ItsConversations id={contact.id} />
      </div>
    </div>
  );
}

function Quotes({ id }: { id: string }) {
  const say = words.value;
  const { value: quotes, error } = useLoaded((signal) => quotesOfContact(id, signal), id);
  return (
    <Card title={say.quotes}>
      <Fault text={toldBeside(error)} />
      {quotes?.length === 0 && <p class="soft">{say.noQuotes}</p>}
      <ul class="plain-list">
        {quotes?.map((quote) => (
          <li key={quote.id}>
            <a href={quoteAddress(quote.id)} target="_blank" rel="noopener">
              {money(quote.total_cents, quote.currency)}
            </a>{" "}
            <span class="soft">{say.validUntil(day(quote.valid_until))}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function ItsConversations({ id }: { id: number }) {
  const say = words.value;
  const { value, error } = useLoaded(
    (signal) => listConversations({ status: "", contactId: id }, 0, signal),
    String(id),
  );
  return (
    <Card title={say.conversations}>
      <Fault text={toldBeside(error)} />
      {value?.conversations.length === 0 && <p class="soft">{say.noConversations}</p>}
      <ul class="plain-list">
        {value?.conversations.map((conversation) => (
          <li key={conversation.id}>
            <a href={linkTo("conversations", String(conversation.id))}>
              {labelOf("channel", conversation.channel)}, {moment(conversation.updated_at)}
            </a>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function fieldsOf(contact: ContactDetails): ContactFields {
  const { name, company, channel, interest, email, phone, notes, stage } = contact;
  return { name, company, channel, interest, email, phone, notes, stage };
}

/** Return what differs: the agent may have changed the rest meanwhile. */
function changesOf(contact: ContactDetails, fields: ContactFields): Partial<ContactFields> {
  const before = fieldsOf(contact);
  const changed = Object.entries(fields).filter(
    ([name, value]) => before[name as keyof ContactFields] !== value,
  );
  return Object.fromEntries(changed);
}
