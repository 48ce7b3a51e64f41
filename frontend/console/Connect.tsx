/** What to change in programs written for OpenAI. */

import { useSignal } from "@preact/signals";
import { CodeBlock } from "../kit/parts/CodeBlock.tsx";
import { Tabs } from "../kit/parts/Tabs.tsx";
import { changeOf, CLIENTS, type ClientName } from "./clients.ts";
import { baseUrl, key } from "./server.ts";
import { words } from "./words.ts";

export function Connect() {
  const say = words.value;
  const client = useSignal<ClientName>("python");
  const needsKey = key.value !== null;
  const { language, before, after } = changeOf(client.value, baseUrl, needsKey ? "YOUR_KEY" : "any");
  return (
    <main class="scrolling connect">
      <div class="scrolling-inside">
        <h1>{say.connectTitle}</h1>
        <p>{say.connectHint}</p>
        <div>
          <Tabs
            label={say.connectTitle}
            names={CLIENTS}
            chosen={client.value}
            onChoose={(name) => (client.value = name)}
          >
            <h2>{say.before}</h2>
            <CodeBlock code={before} language={language} />
            <h2>{say.after}</h2>
            <CodeBlock code={after} language={language} />
            {client.value === "environment" && <p class="soft">{say.environmentNote}</p>}
          </Tabs>
        </div>
        <p class="soft">{needsKey ? say.keyNeeded : say.keyAny}</p>
        <p>
          <a href="/docs">{say.docs}</a>
        </p>
      </div>
    </main>
  );
}
