"""What applications add to HTTP: refusals in one form, headers, limits, events and pages."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from understudy_apps.errors import NotFound, TooManyAttempts
from understudy_apps.pages import add_pages
from understudy_apps.web import (
    EventStream,
    add_guards,
    answer_refusals,
    content_security_policy,
    language_of,
)

pytestmark = pytest.mark.anyio
LOG = logging.getLogger("tests.web")


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<html><head><title>Debts</title></head></html>")
    (folder / "assets" / "page-1a2b.js").write_text("start()")
    return folder


@pytest.fixture
async def client(pages: Path) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    answer_refusals(app, LOG)

    @app.post("/api/echo")
    async def echo(body: dict[str, Any]) -> dict[str, Any]:
        return body

    @app.get("/api/refused")
    async def refused() -> None:
        raise NotFound("There is no cat.", "cat_not_found", "cat")

    @app.get("/api/limited")
    async def limited() -> None:
        raise TooManyAttempts(7)

    @app.get("/api/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    @app.get("/api/framed")
    async def framed() -> Response:
        policy = content_security_policy(["https://shop.example"])
        return Response("framed", headers={"content-security-policy": policy})

    add_pages(app, pages, "/app")
    add_guards(app, max_body_bytes=1000)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/api/refused", 404, ["There is no cat.", "cat_not_found", "cat"]),
        ("PUT", "/api/refused", 405, ["Method Not Allowed", "method_not_allowed", None]),
        ("GET", "/api/none", 404, ["There is no such route.", "not_found", None]),
        ("GET", "/assets/none.js", 404, ["Not Found", "not_found", None]),
        ("POST", "/", 405, ["Method Not Allowed", "method_not_allowed", None]),
    ],
)
async def test_refusals_have_one_form(
    client: httpx2.AsyncClient, method: str, path: str, status: int, error: list[str | None]
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert list(response.json()["error"].values()) == error


async def test_too_many_attempts_say_when_to_come_back(client: httpx2.AsyncClient) -> None:
    response = await client.get("/api/limited")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


async def test_a_failure_is_logged_and_not_told(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client.get("/api/broken")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal_error"
    assert "ZeroDivisionError" not in response.text
    (record,) = [record for record in caplog.records if record.name == LOG.name]
    assert record.exc_info is not None and record.exc_info[0] is ZeroDivisionError


async def test_bodies_have_a_limit_announced_or_not(client: httpx2.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 500

    body = json.dumps({"a": "x" * 2000}).encode()
    headers = {"content-type": "application/json"}
    for content in (body, pieces()):
        response = await client.post("/api/echo", content=content, headers=headers)
        assert response.status_code == 413
        assert response.json()["error"]["code"] == "request_too_large"
        assert response.headers["x-content-type-options"] == "nosniff"
    assert (await client.post("/api/echo", json={"a": 1})).json() == {"a": 1}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost"}, 200),
        ({"origin": "http://localhost:3000"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "https://proxy.example"}, 200),
        ({"sec-fetch-site": "cross-site", "origin": "http://localhost"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
async def test_pages_of_other_origins_change_nothing(
    client: httpx2.AsyncClient, headers: dict[str, str], status: int
) -> None:
    response = await client.post("/api/echo", json={}, headers=headers)
    assert response.status_code == status
    assert (await client.get("/api/framed", headers=headers)).status_code == 200


async def test_every_answer_has_the_headers_that_it_does_not_set(
    client: httpx2.AsyncClient,
) -> None:
    for path in ("/", "/api/refused", "/assets/page-1a2b.js"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"].endswith("immutable")
    framed = (await client.get("/api/framed")).headers
    assert framed["content-security-policy"].endswith("frame-ancestors https://shop.example")
    assert framed["cache-control"] == "no-store"


async def test_every_path_without_a_file_is_the_page_below_its_prefix(
    client: httpx2.AsyncClient, pages: Path
) -> None:
    for path in ("/", "/debts/7", "/index.html"):
        response = await client.get(path)
        assert '<head><base href="/app/"><title>Debts' in response.text
        assert response.headers["cache-control"] == "no-cache"
    for path in ("/../conftest.py", "/%2e%2e/%2e%2e/secret.txt"):
        assert (await client.get(path)).status_code == 404
    (pages / "index.html").unlink()
    response = await client.get("/")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "pages_missing")
    assert "make install" in response.json()["error"]["message"]


async def test_events_are_sent_as_they_come_and_closed_when_the_client_leaves() -> None:
    closed = anyio.Event()
    left = anyio.Event()
    sent: list[bytes] = []

    async def events() -> AsyncIterator[tuple[str, Any]]:
        try:
            yield "delta", {"text": "¿sí?\n"}
            yield "done", None
        finally:
            closed.set()

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if b"event: done" in sent[-1]:
            left.set()
            await anyio.sleep_forever()  # The generator is not running when the client leaves.

    with anyio.fail_after(10):
        await EventStream(events())({"type": "http"}, receive, send)
    assert closed.is_set()
    text = b"".join(sent).decode()
    assert text == 'event: delta\ndata: {"text": "¿sí?\\n"}\n\nevent: done\ndata: null\n\n'


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "es"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr, en;q=0.4, es;q=0.6", "es"),
        ("EN-gb", "en"),
        ("en;q=0, zh;q=0.1", "zh"),
        ("de, *;q=x, en;q=y", "es"),
    ],
)
def test_the_language_is_the_one_the_browser_wants_most(header: str, language: str) -> None:
    headers = [(b"accept-language", header.encode())]
    assert language_of(Request({"type": "http", "headers": headers})) == language
