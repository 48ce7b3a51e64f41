/** The operator's own trial of the agent; nothing in it counts. */

import { useEffect, useMemo } from "preact/hooks";
import { serverEvents, type ServerEvent } from "../kit/events.ts";
import { language } from "../kit/languages.ts";
import { IconButton } from "../kit/parts/Button.tsx";
import { Composer } from "../kit/parts/Composer.tsx";
import { Message, Messages } from "../kit/parts/Messages.tsx";
import { notifyFault } from "../kit/parts/Toast.tsx";
import { agentWords } from "./agentWords.ts";
import { AnswerView } from "./AnswerView.tsx";
import { Chat, type Message as Written } from "./chat.ts";
import { toldOf } from "./faults.ts";
import { loadHealth } from "./health.ts";
import { labelOf } from "./labels.ts";
import { Calls, MessageView } from "./MessageView.tsx";
import { asked } from "./session.ts";

export function Sandbox() {
  const say = agentWords.value;
  const chat = useMemo(() => new Chat({ load: loadTrials, write: tryAgent, toldOf }), []);
  const messages = chat.messages.value;
  const current = chat.current.value;
  useEffect(() => {
    chat.refresh().catch((error: unknown) => notifyFault(toldOf(error)));
  }, []);
  async function send(text: string) {
    await chat.write(text);
    await loadHealth().catch(() => undefined);
  }
  async function begin() {
    try {
      await asked((api) => api.json("sandbox/messages", { method: "DELETE" }));
      chat.clear();
    } catch (error) {
      notifyFault(toldOf(error));
    }
  }
  return (
    <main class="conversation">
      <h1 class="unseen">{say.sandboxTitle}</h1>
      <Messages
        sent={chat.sent.value}
        isGrowing={chat.isAnswering}
        count={messages.length}
        announcement={chat.isAnswering ? say.answering : (messages.at(-1)?.text ?? "")}
      >
        <p class="soft">{say.sandboxAbout}</p>
        {messages.map((message) => (
          <MessageView key={message.id} message={message} />
        ))}
        {current && (
          <>
            {current.question !== null && <Message from="person">{current.question}</Message>}
            <AnswerView
              answer={current.answer}
              name={labelOf("author", "agent")}
              typing={say.answering}
              before={<Calls calls={current.answer.calls} />}
            />
          </>
        )}
      </Messages>
      <div class="writing">
        <Composer
          placeholder={say.sandboxHint}
          isAnswering={chat.isAnswering}
          onSend={(text) => void send(text)}
        >
          <IconButton
            icon="plus"
            label={say.sandboxNew}
            disabled={chat.isAnswering || (messages.length === 0 && current === null)}
            onClick={() => void begin()}
          />
        </Composer>
      </div>
    </main>
  );
}

/** The server tells all of the sandbox each time. */
function loadTrials(): Promise<Written[]> {
  return asked((api) => api.json<Written[]>("sandbox/messages"));
}

async function* tryAgent(text: string): AsyncGenerator<ServerEvent> {
  const body = { text, language: language.value };
  const response = await asked((api) => api.response("sandbox/messages", { body }));
  if (response.body) yield* serverEvents(response.body);
}
