/**
 * The only way by which text of a model becomes HTML. What it may hold is listed here; everything
 * else is taken out, images first of all: a picture's address would tell a stranger who reads.
 */

import DOMPurify from "dompurify";

const TAGS = [
  "a", "b", "blockquote", "br", "code", "del", "details", "div", "em", "h1", "h2", "h3", "h4",
  "h5", "h6", "hr", "i", "input", "kbd", "li", "mark", "ol", "p", "pre", "s", "span", "strong",
  "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
];
const ATTRIBUTES = ["align", "checked", "colspan", "disabled", "href", "rowspan", "start", "title", "type"];

const purifier = DOMPurify(window);

purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A" && node.hasAttribute("href")) {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
  // Task lists alone have an input, and nobody ticks it.
  if (node.tagName === "INPUT") {
    node.setAttribute("type", "checkbox");
    node.setAttribute("disabled", "");
  }
});

/** Return HTML that is safe to show: no scripts, styles, images, forms, or links but web and mail. */
export function sanitized(html: string): string {
  return purifier.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  });
}
