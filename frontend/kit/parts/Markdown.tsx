/** Markdown of a model, which may still be growing. */

import { useMemo } from "preact/hooks";
import { GrowingMarkdown } from "../markdown.ts";
import { CodeBlock } from "./CodeBlock.tsx";

export function Markdown({ text }: { text: string }) {
  const growing = useMemo(() => new GrowingMarkdown(), []);
  return (
    <div class="markdown">
      {growing.blocks(text).map((block, index) =>
        block.kind === "code" ? (
          <CodeBlock key={index} code={block.code} language={block.language} />
        ) : (
          <div key={index} dangerouslySetInnerHTML={{ __html: block.html }} />
        ),
      )}
    </div>
  );
}
