/** Program text with its language and a button that copies it. */

import { CopyButton } from "./CopyButton.tsx";

export function CodeBlock({ code, language = "" }: { code: string; language?: string }) {
  return (
    <figure class="code">
      <figcaption>
        <span>{language}</span>
        <CopyButton text={code} />
      </figcaption>
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}
