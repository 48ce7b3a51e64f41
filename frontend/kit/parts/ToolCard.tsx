/** A function that the model called: its name, and on request what it was given and gave back. */

import { Icon } from "./Icon.tsx";
import { words } from "./words.ts";

interface Props {
  name: string;
  /** What it does, in the person's words; without it the name stands there. */
  title?: string | undefined;
  /** JSON as the model wrote it; it may be unfinished. */
  input: string;
  /** Null while the function runs. */
  output: string | null;
  isFailed?: boolean;
}

export function ToolCard({ name, title, input, output, isFailed = false }: Props) {
  const say = words.value;
  return (
    <details class={isFailed ? "tool failed" : "tool"}>
      <summary>
        <Icon name="tool" />
        {title ?? <code>{name}</code>}
        <span class="state">{isFailed ? say.toolFailed : output === null ? `${say.toolRuns} …` : ""}</span>
      </summary>
      <dl>
        <dt>{say.toolAsked}</dt>
        <dd>
          {title && <code>{name}</code>}
          <pre>{indented(input)}</pre>
        </dd>
        {output !== null && (
          <>
            <dt>{say.toolGave}</dt>
            <dd>
              <pre>{indented(output)}</pre>
            </dd>
          </>
        )}
      </dl>
    </details>
  );
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
