/**
 * Markdown that grows. Blocks that cannot change any more are rendered once and kept, so a long
 * answer costs as much at its end as at its beginning. Knows no elements of the page.
 */

import { Marked, type Token, type Tokens } from "marked";
import { sanitized } from "./sanitize.ts";

export type Block =
  | { kind: "html"; html: string }
  | { kind: "code"; code: string; language: string };

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    image({ href, text, title }: Tokens.Image): string {
      return `<a href="${attribute(href)}">${attribute(text || title || href)}</a>`;
    },
  },
});

/** The blocks of one text; give it the text again whenever there is more of it. */
export class GrowingMarkdown {
  private settled: Block[] = [];
  private settledText = "";

  /** Return the blocks of `text`; those that were finished before are the same objects. */
  blocks(text: string): Block[] {
    if (!text.startsWith(this.settledText)) {
      this.settled = [];
      this.settledText = "";
    }
    const tokens = marked.lexer(text.slice(this.settledText.length));
    const open = tokens.findLastIndex((token) => token.type !== "space");
    // A link that is defined further down would be lost to blocks that were settled before it.
    const finished = definesLinks(tokens) ? 0 : Math.max(open, 0);
    for (const token of tokens.slice(0, finished)) {
      this.settledText += token.raw;
      this.settled.push(...rendered(token, tokens.links));
    }
    const rest = tokens.slice(finished).flatMap((token) => rendered(token, tokens.links));
    return [...this.settled, ...rest];
  }
}

function definesLinks(tokens: { links: object }): boolean {
  return Object.keys(tokens.links).length > 0;
}

function rendered(token: Token, links: Tokens.Link | object): Block[] {
  if (token.type === "space" || token.type === "def") return [];
  if (token.type === "code") {
    return [{ kind: "code", code: String(token["text"]), language: languageOf(token) }];
  }
  const alone = Object.assign([token], { links });
  return [{ kind: "html", html: sanitized(marked.parser(alone)) }];
}

function languageOf(token: Token): string {
  return String((token as Tokens.Code).lang ?? "").split(/\s/, 1)[0] ?? "";
}

function attribute(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
