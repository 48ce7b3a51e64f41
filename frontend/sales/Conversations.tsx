/** The conversations: a list, and beside it the one that is chosen. */

import { useSignal } from "@preact/signals";
import { useLoaded } from "../kit/loaded.ts";
import { Button } from "../kit/parts/Button.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { SelectField } from "../kit/parts/Field.tsx";
import { linkTo } from "../kit/route.ts";
import { useRepeated } from "../kit/repeated.ts";
import { ConversationView } from "./ConversationView.tsx";
import { listConversations, PAGE_SIZE, type ListedConversation } from "./conversations.ts";
import { toldBeside } from "./faults.ts";
import { labelOf, STATUSES, type Status } from "./labels.ts";
import { words } from "./words.ts";
import { moment } from "./written.ts";

const LIST_AGAIN_MS = 10_000;

export function Conversations({ id }: { id: string | null }) {
  const say = words.value;
  const status = useSignal<Status | "">("");
  const offset = useSignal(0);
  const { value, error, reload } = useLoaded(
    (signal) => listConversations({ status: status.value, contactId: null }, offset.value, signal),
    `${status.value} ${offset.value}`,
  );
  useRepeated(reload, LIST_AGAIN_MS);
  return (
    <main class={id === null ? "beside-each-other" : "beside-each-other chosen"}>
      <section class="listing" aria-labelledby="conversations-title">
        <h1 id="conversations-title">{say.conversations}</h1>
        <SelectField
          label={say.whoAnswers}
          value={status.value}
          onChange={(event) => {
            status.value = event.currentTarget.value as Status | "";
            offset.value = 0;
          }}
        >
          <option value="">{say.anyStatus}</option>
          {STATUSES.map((each) => (
            <option key={each} value={each}>
              {labelOf("status", each)}
            </option>
          ))}
        </SelectField>
        <Fault text={toldBeside(error)} />
        {value?.total === 0 && <p class="soft">{say.noConversations}</p>}
        <ul class="rows">
          {value?.conversations.map((each) => (
            <ConversationRow key={each.id} conversation={each} isChosen={String(each.id) === id} />
          ))}
        </ul>
        {value && value.total > PAGE_SIZE && (
          <div class="paging">
            <Button disabled={offset.value === 0} onClick={() => (offset.value -= PAGE_SIZE)}>
              {say.before}
            </Button>
            <Button
              disabled={offset.value + PAGE_SIZE >= value.total}
              onClick={() => (offset.value += PAGE_SIZE)}
            >
              {say.after}
            </Button>
          </div>
        )}
      </section>
      {id === null ? (
        <p class="nothing-chosen soft">{say.chooseConversation}</p>
      ) : (
        <ConversationView key={id} id={id} onChanged={reload} />
      )}
    </main>
  );
}

function ConversationRow({ conversation, isChosen }: { conversation: ListedConversation; isChosen: boolean }) {
  return (
    <li>
      <a
        href={linkTo("conversations", String(conversation.id))}
        aria-current={isChosen ? "true" : undefined}
      >
        <span class="row-name">{nameOf(conversation)}</span>
        <span class="row-text soft">{conversation.last_message}</span>
        <span class="row-marks">
          <span class={`mark ${conversation.status}`}>{labelOf("status", conversation.status)}</span>
          <span class="soft">
            {labelOf("channel", conversation.channel)} · {moment(conversation.updated_at)}
          </span>
        </span>
      </a>
    </li>
  );
}

function nameOf({ id, contact_name, visitor_name }: ListedConversation): string {
  return contact_name ?? (visitor_name || words.value.visitor(id));
}
