/** The request behind the last answer as a program. */

import { useSignal } from "@preact/signals";
import { CodeBlock } from "../kit/parts/CodeBlock.tsx";
import { Dialog } from "../kit/parts/Dialog.tsx";
import { Tabs } from "../kit/parts/Tabs.tsx";
import { lastRequest } from "./conversation.ts";
import { baseUrl, key } from "./server.ts";
import { snippetOf, type SnippetLanguage } from "./snippets.ts";
import { words } from "./words.ts";

const TABS = [
  { name: "curl", title: "curl" },
  { name: "python", title: "Python" },
  { name: "node", title: "Node" },
] as const;

export function AsCode({ onClose }: { onClose: () => void }) {
  const say = words.value;
  const language = useSignal<SnippetLanguage>("curl");
  const target = { baseUrl, needsKey: key.value !== null };
  const code = snippetOf(language.value, lastRequest(say.initial), target);
  return (
    <Dialog title={say.asCode} onClose={onClose}>
      <p class="soft">{say.asCodeHint}</p>
      <div>
        <Tabs
          label={say.asCode}
          names={TABS}
          chosen={language.value}
          onChoose={(name) => (language.value = name)}
        >
          <CodeBlock code={code} />
        </Tabs>
      </div>
    </Dialog>
  );
}
