"""What a real page in a real browser can do: nothing from another origin, `/docs` from our own."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request
from tests.http.fixtures import ServeWith
from tests.http.serving import LogLines, Served, provider_at
from tests.upstreams.scripted import ScriptedUpstream

ATTACKS = """
async ([root, body]) => {
  const chat = root + "/v1/chat/completions";
  const json = {"content-type": "application/json"};
  const attempts = {
    "cors, JSON": () => fetch(chat, {method: "POST", headers: json, body}),
    "cors, text": () => fetch(chat, {method: "POST", body}),
    "cors, with credentials": () => fetch(chat, {method: "POST", body, credentials: "include"}),
    "no-cors, text": () => fetch(chat, {method: "POST", mode: "no-cors", body}),
    "no-cors, form": () => fetch(chat, {
      method: "POST", mode: "no-cors", body: new URLSearchParams({messages: body})}),
    "no-cors, multipart": () => {
      const form = new FormData();
      form.append("messages", body);
      return fetch(chat, {method: "POST", mode: "no-cors", body: form});
    },
    "no-cors, blob without a type": () => fetch(chat, {
      method: "POST", mode: "no-cors", body: new Blob([body])}),
    "no-cors, JSON in disguise": () => fetch(chat, {
      method: "POST", mode: "no-cors", body: new Blob([body], {type: "text/plain"})}),
    "no-cors, keepalive": () => fetch(chat, {
      method: "POST", mode: "no-cors", keepalive: true, body: new Blob([body])}),
    "no-cors, no referrer": () => fetch(chat, {
      method: "POST", mode: "no-cors", referrerPolicy: "no-referrer", body: new Blob([body])}),
    "cors, DELETE": () => fetch(root + "/v1/models/up/echo", {method: "DELETE"}),
    "cors, models": () => fetch(root + "/v1/models"),
    "no-cors, models": () => fetch(root + "/v1/models", {mode: "no-cors"}),
    "cors, docs": () => fetch(root + "/docs"),
    "cors, openapi": () => fetch(root + "/openapi.json"),
    "cors, health": () => fetch(root + "/health"),
  };
  const outcomes = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      const response = await attempt();
      outcomes[name] = response.type === "opaque" ? "opaque" : await response.text();
    } catch (error) {
      outcomes[name] = "blocked";
    }
  }
  return outcomes;
}
"""

ELEMENTS = """
async (root) => {
  const chat = root + "/v1/chat/completions";
  const settle = (element, source, attribute) => new Promise((resolve) => {
    element.onload = () => resolve("loaded");
    element.onerror = () => resolve("failed");
    element[attribute] = source;
    document.body.append(element);
  });
  const make = (name, properties = {}) => Object.assign(document.createElement(name), properties);
  const outcomes = {
    image: await settle(make("img"), root + "/docs/static/favicon.png", "src"),
    script: await settle(make("script"), root + "/docs/static/swagger-ui-bundle.js", "src"),
    models: await settle(make("script"), root + "/v1/models", "src"),
    style: await settle(
      make("link", {rel: "stylesheet"}), root + "/docs/static/swagger-ui.css", "href"),
    stream: await new Promise((resolve) => {
      const source = new EventSource(root + "/v1/models");
      source.onopen = () => resolve("loaded");
      source.onerror = () => { source.close(); resolve("failed"); };
    }),
    socket: await new Promise((resolve) => {
      const socket = new WebSocket(root.replace("http", "ws") + "/v1/realtime");
      socket.onopen = () => resolve("loaded");
      socket.onerror = () => resolve("failed");
    }),
  };
  navigator.sendBeacon(chat, new Blob(['{"messages":[{"role":"user","content":"x"}]}']));
  const types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];
  for (const enctype of types) {
    const frame = make("iframe", {name: "frame-" + enctype});
    document.body.append(frame);
    const form = make("form", {method: "POST", action: chat, target: frame.name, enctype});
    form.append(make("input", {
      name: '{"messages":[{"role":"user","content":"', value: '"}]}'}));
    document.body.append(form);
    const loaded = new Promise((resolve) => { frame.onload = resolve; });
    form.submit();
    await loaded;
  }
  return outcomes;
}
"""
BODY = '{"messages":[{"role":"user","content":"hello"}]}'


def requests_in(logs: LogLines) -> list[dict[str, Any]]:
    return [line for line in logs.lines if line["logger"] == "understudy.access"]


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:{port}", "http://localhost:{port}", "http://evil.example:{port}"]
)
def test_a_page_elsewhere_reaches_nothing(
    page: Page,
    serve_with: ServeWith,
    elsewhere: int,
    upstream: ScriptedUpstream,
    logs: LogLines,
    origin: str,
) -> None:
    with serve_with(providers={"up": provider_at(upstream)}, default_model="up/echo") as server:
        logs.lines.clear()
        page.goto(origin.format(port=elsewhere))
        outcomes = page.evaluate(ATTACKS, [server.root, BODY])
        assert len(outcomes) == 16
        assert set(outcomes.values()) <= {"opaque", "blocked"}
        assert {name for name, how in outcomes.items() if how == "opaque"} <= {
            name for name in outcomes if name.startswith("no-cors")
        }
        seen = page.evaluate(ELEMENTS, server.root)
        assert set(seen.values()) == {"failed"}, seen
    requests = requests_in(logs)
    assert len(requests) > 15
    assert {line["status"] for line in requests} == {403}, requests
    assert upstream.calls == []
    assert logs.failures() == []


def test_a_sandboxed_frame_reaches_nothing(
    page: Page, serve_with: ServeWith, upstream: ScriptedUpstream, elsewhere: int, logs: LogLines
) -> None:
    """Its origin is `null`, as is that of a file that the user opens."""
    with serve_with(providers={"up": provider_at(upstream)}, default_model="up/echo") as server:
        logs.lines.clear()
        page.goto(f"http://127.0.0.1:{elsewhere}")
        page.set_content('<iframe sandbox="allow-scripts" srcdoc="<p>here</p>"></iframe>')
        page.frame_locator("iframe").locator("p").wait_for()
        outcomes = page.frames[1].evaluate(ATTACKS, [server.root, BODY])
        assert set(outcomes.values()) <= {"opaque", "blocked"}
    assert {line["status"] for line in requests_in(logs)} == {403}
    assert upstream.calls == []


def test_a_rebound_name_is_not_ours(
    page: Page, serve_with: ServeWith, upstream: ScriptedUpstream, logs: LogLines
) -> None:
    """The page's own name leads to us now, so to the browser every request is same-origin."""
    with serve_with(providers={"up": provider_at(upstream)}, default_model="up/echo") as server:
        logs.lines.clear()
        rebound = f"http://evil.example:{server.port}"
        response = page.goto(f"{rebound}/docs")
        assert response is not None and response.status == 403
        outcomes = page.evaluate(ATTACKS, [rebound, BODY])
        assert all(
            how in ("opaque", "blocked") or "'evil.example" in how for how in outcomes.values()
        )
    assert {line["status"] for line in requests_in(logs)} == {403}
    assert upstream.calls == []


def docs_of(page: Page, server: Served) -> list[Request]:
    """Open `/docs`, wait for its operations, and return every request that the page made."""
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    page.goto(f"{server.root}/docs", wait_until="networkidle")
    page.locator(".opblock").first.wait_for()
    return requests


def test_docs_need_nothing_from_elsewhere_and_list_every_operation(
    page: Page, serve_with: ServeWith
) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    with serve_with() as server:
        requests = docs_of(page, server)
        schemes = [urlsplit(request.url) for request in requests]
        assert {parts.netloc for parts in schemes if parts.scheme != "data"} == {
            f"127.0.0.1:{server.port}"
        }
        described = server.client.get("/openapi.json").json()["paths"]
        wanted = {(m.upper(), path) for path, methods in described.items() for m in methods}
        blocks = page.locator(".opblock-summary")
        shown = {
            (
                block.locator(".opblock-summary-method").inner_text(),
                block.locator(".opblock-summary-path").inner_text().replace("\u200b", ""),
            )
            for block in blocks.all()
        }
        assert shown == wanted
    assert {
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/moderations"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/{model}"),
        ("DELETE", "/v1/models/{model}"),
        ("GET", "/v1/engines"),
        ("POST", "/v1/engines/{engine}/completions"),
        ("POST", "/v1/engines/{engine}/chat/completions"),
        ("POST", "/v1/engines/{engine}/embeddings"),
        ("GET", "/health"),
        ("GET", "/ready"),
    } <= shown
    assert faults == []


def test_docs_can_try_a_request(page: Page, serve_with: ServeWith) -> None:
    with serve_with() as server:
        docs_of(page, server)
        block = page.locator(".opblock", has=page.locator('[data-path="/v1/models"]')).first
        block.locator(".opblock-summary").click()
        block.locator("button.try-out__btn").click()
        block.locator("button.execute").click()
        block.locator(".live-responses-table .response-col_status").first.wait_for()
        assert "understudy-extractive" in block.locator(".live-responses-table").inner_text()


def test_the_same_page_may_chat(
    page: Page, serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    with serve_with(providers={"up": provider_at(upstream)}, default_model="up/echo") as server:
        page.goto(f"{server.root}/docs")
        outcomes = page.evaluate(ATTACKS, [server.root, BODY])
    assert "You said: hello" in outcomes["cors, JSON"]
    assert "unsupported_content_type" in outcomes["cors, text"]
    assert len([call for call in upstream.calls if call.method == "POST"]) == 1


FRIENDLY = """
async ([root, body]) => {
  const headers = {
    "content-type": "application/json", "authorization": "Bearer any", "x-stainless-lang": "js"};
  const plain = await fetch(root + "/v1/chat/completions", {method: "POST", headers, body});
  const streamed = await fetch(root + "/v1/chat/completions", {
    method: "POST", headers, body: JSON.stringify({...JSON.parse(body), stream: true})});
  const wrong = await fetch(root + "/v1/chat/completions", {method: "POST", headers, body: "{}"});
  const models = await fetch(root + "/v1/models", {headers});
  return {
    plain: (await plain.json()).choices[0].message.content,
    model: plain.headers.get("x-understudy-model"),
    id: plain.headers.get("x-request-id"),
    streamed: await streamed.text(),
    wrong: (await wrong.json()).error.param,
    models: (await models.json()).data.map((model) => model.id),
  };
}
"""


def test_a_page_of_a_configured_origin_may_use_the_api(
    page: Page, serve_with: ServeWith, elsewhere: int, upstream: ScriptedUpstream
) -> None:
    friend = f"http://127.0.0.1:{elsewhere}"
    with serve_with(
        cors_origins=(friend,), providers={"up": provider_at(upstream)}, default_model="up/echo"
    ) as server:
        page.goto(friend)
        made = page.evaluate(FRIENDLY, [server.root, BODY])
        assert made["plain"] == "You said: hello"
        assert made["model"] == "up/echo" and made["id"].startswith("req")
        assert made["streamed"].endswith("data: [DONE]\n\n")
        assert made["wrong"] == "messages"
        assert "up/echo" in made["models"]
        upstream.calls.clear()
        page.goto(f"http://localhost:{elsewhere}")
        outcomes = page.evaluate(ATTACKS, [server.root, BODY])
        assert set(outcomes.values()) <= {"opaque", "blocked"}
    assert upstream.calls == []
