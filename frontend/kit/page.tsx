/** Starts a page: theme and language on the document, then what it shows. */

import { effect } from "@preact/signals";
import { render, type ComponentChild } from "preact";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/layout.css";
import { languageTag } from "./languages.ts";
import { Toasts } from "./parts/Toast.tsx";
import { theme } from "./theme.ts";

/** Show `content` in the element `#page`, beside the page's short notices. */
export function startPage(content: ComponentChild, title: () => string): void {
  effect(() => {
    document.documentElement.lang = languageTag.value;
    document.documentElement.dataset["theme"] = theme.value;
    document.title = title();
  });
  render(
    <>
      {content}
      <Toasts />
    </>,
    document.getElementById("page")!,
  );
}
