"""The widget: a script for other sites, and the page that it shows there in a frame."""

import json
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from understudy_apps.pages import built_page
from understudy_apps.sales.dependencies import Parts
from understudy_apps.web import content_security_policy

router = APIRouter(tags=["widget"])

_PAGE = Path(__file__).parent.parent / "static" / "widget" / "index.html"
_FOR_OTHER_SITES = {"cross-origin-resource-policy": "cross-origin"}


@router.get("/widget.js")
async def script(parts: Parts) -> Response:
    """Return the script: `<script src=".../widget.js" async></script>` is all that a site needs."""
    company = parts.knowledge.current().catalogue.company.name
    text = _SCRIPT.replace("__TITLE__", json.dumps(company, ensure_ascii=False))
    headers = {**_FOR_OTHER_SITES, "cache-control": "public, max-age=3600"}
    return Response(text, media_type="text/javascript", headers=headers)


@router.get("/widget/", response_class=HTMLResponse)
async def page(parts: Parts) -> HTMLResponse:
    """Return the page of the chat, which the sites of the settings may frame."""
    text = built_page(_PAGE)
    policy = content_security_policy(parts.settings.frame_ancestors)
    headers = {
        **_FOR_OTHER_SITES,
        "cache-control": "no-cache",
        "content-security-policy": policy,
    }
    return HTMLResponse(text, headers=headers)


_SCRIPT = """(() => {
  const script = document.currentScript;
  if (!script || document.getElementById("sales-widget")) return;
  const source = new URL("widget/", script.src);
  const language = script.dataset.language || document.documentElement.lang;
  if (language) source.searchParams.set("language", language);
  // Browsers may deny a frame of another site its own storage: this page keeps who the visitor is.
  const kept = "sales-visitor";
  try { source.hash = sessionStorage.getItem(kept) || ""; } catch {}
  const title = __TITLE__;

  const holder = document.createElement("div");
  holder.id = "sales-widget";
  const root = holder.attachShadow({ mode: "closed" });
  const frame = document.createElement("iframe");
  const button = document.createElement("button");

  const place = (element, style) => Object.assign(element.style, style);
  place(holder, { position: "fixed", right: "16px", bottom: "16px", zIndex: "2147483000" });
  place(frame, {
    display: "none", border: "0", borderRadius: "12px", width: "min(380px, calc(100vw - 32px))",
    height: "min(600px, calc(100vh - 104px))", marginBottom: "12px", background: "Canvas",
    boxShadow: "0 8px 32px rgb(0 0 0 / 25%)",
  });
  place(button, {
    display: "block", marginLeft: "auto", width: "56px", height: "56px", border: "0",
    borderRadius: "28px", background: "#0b6b5d", color: "#fff", fontSize: "24px",
    cursor: "pointer", boxShadow: "0 4px 16px rgb(0 0 0 / 25%)",
  });

  frame.title = title;
  button.type = "button";
  button.ariaLabel = title;
  const show = (isOpen) => {
    if (isOpen && !frame.src) frame.src = source.href;
    frame.style.display = isOpen ? "block" : "none";
    button.ariaExpanded = String(isOpen);
    button.textContent = isOpen ? "\\u2715" : "\\ud83d\\udcac";
  };
  let isOpen = false;
  button.addEventListener("click", () => show((isOpen = !isOpen)));
  holder.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isOpen) { show((isOpen = false)); button.focus(); }
  });
  addEventListener("message", ({ source: sender, origin, data }) => {
    if (sender !== frame.contentWindow || origin !== source.origin) return;
    if (typeof data?.visitor !== "string") return;
    try { sessionStorage.setItem(kept, data.visitor); } catch {}
  });
  show(false);
  root.append(frame, button);
  (document.body || document.documentElement).append(holder);
})();
"""
