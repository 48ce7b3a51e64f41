/** One conversation with a visitor: what was said, who answers, and where the operator does. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Button, IconButton } from "../kit/parts/Button.tsx";
import { Composer } from "../kit/parts/Composer.tsx";
import { Confirmation } from "../kit/parts/Confirmation.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Messages } from "../kit/parts/Messages.tsx";
import { notifyFault } from "../kit/parts/Toast.tsx";
import { useRepeated } from "../kit/repeated.ts";
import { goTo, linkTo } from "../kit/route.ts";
import type { Message } from "./chat.ts";
import {
  deleteConversation,
  getConversation,
  reply,
  setStatus,
  type Conversation,
} from "./conversations.ts";
import { toldBeside, toldOf } from "./faults.ts";
import { labelOf, type Status } from "./labels.ts";
import { MessageView } from "./MessageView.tsx";
import { words } from "./words.ts";

const ASK_AGAIN_MS = 4000;

interface Props {
  id: string;
  /** The list beside is to show what changed. */
  onChanged: () => Promise<void>;
}

export function ConversationView({ id, onChanged }: Props) {
  const say = words.value;
  const conversation = useSignal<Conversation | null>(null);
  const messages = useSignal<Message[]>([]);
  const fault = useSignal<unknown>(null);
  const sent = useSignal(0);
  const leaving = useMemo(() => new AbortController(), []);
  async function refresh() {
    const after = messages.value.at(-1)?.id ?? 0;
    const { messages: news, ...rest } = await getConversation(id, after, leaving.signal);
    conversation.value = rest;
    const known = new Set(messages.value.map((each) => each.id));
    messages.value = [...messages.value, ...news.filter((each) => !known.has(each.id))];
  }
  useEffect(() => {
    refresh().catch((error: unknown) => {
      if (!leaving.signal.aborted) fault.value = error;
    });
    return () => leaving.abort();
  }, []);
  useRepeated(refresh, ASK_AGAIN_MS);
  async function act(deed: () => Promise<unknown>) {
    try {
      await deed();
      await refresh();
      await onChanged();
    } catch (error) {
      notifyFault(toldOf(error));
    }
  }
  async function send(text: string) {
    await act(() => reply(id, text));
    sent.value++;
  }
  return (
    <section class="conversation" aria-label={say.conversation}>
      <Fault text={toldBeside(fault.value)} />
      {conversation.value && (
        <Head
          conversation={conversation.value}
          onStatus={(status) => void act(() => setStatus(id, status))}
          onDeleted={onChanged}
        />
      )}
      <Messages
        sent={sent.value}
        isGrowing={false}
        count={messages.value.length}
        announcement={messages.value.at(-1)?.text ?? ""}
      >
        {messages.value.map((message) => (
          <MessageView key={message.id} message={message} />
        ))}
      </Messages>
      <div class="writing">
        <Composer placeholder={say.replyHint} isAnswering={false} onSend={(text) => void send(text)}>
          {conversation.value?.status !== "person" && <span class="soft">{say.replyTakesOver}</span>}
        </Composer>
      </div>
    </section>
  );
}

interface HeadProps {
  conversation: Conversation;
  onStatus: (status: Status) => void;
  onDeleted: () => Promise<void>;
}

/** What an operator can do next, by who answers now. */
const NEXT: Record<Status, Status[]> = {
  agent: ["person", "closed"],
  person: ["agent", "closed"],
  closed: ["agent"],
};

function Head({ conversation, onStatus, onDeleted }: HeadProps) {
  const say = words.value;
  const isDeleting = useSignal(false);
  const { id, contact_id, status } = conversation;
  return (
    <header class="conversation-head">
      <a class="back" href={linkTo("conversations")}>
        {say.allConversations}
      </a>
      <span class={`mark ${status}`}>{labelOf("status", status)}</span>
      {contact_id !== null && <a href={linkTo("contacts", String(contact_id))}>{say.toContact}</a>}
      <div class="actions">
        {NEXT[status].map((next) => (
          <Button key={next} look={next === "person" ? "main" : "plain"} onClick={() => onStatus(next)}>
            {say[`make_${next}`]}
          </Button>
        ))}
        <IconButton icon="trash" label={say.deleteConversation} onClick={() => (isDeleting.value = true)} />
      </div>
      {isDeleting.value && (
        <Confirmation
          title={say.deleteConversationTitle}
          deed={say.delete}
          look="danger"
          toldOf={toldOf}
          onClose={() => (isDeleting.value = false)}
          act={async () => {
            await deleteConversation(String(id));
            goTo("conversations");
            await onDeleted();
          }}
        >
          <p>{say.deleteConversationAbout}</p>
        </Confirmation>
      )}
    </header>
  );
}
