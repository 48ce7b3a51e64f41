"""A real Chromium, and pages of other origins on loopback ports of their own."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.http.fixtures import logs, serve_with
from tests.upstreams.http_server import Call, HttpServer, Reply

__all__ = ["logs", "serve_with"]

WAIT_MS = 20_000
HTML = {"content-type": "text/html; charset=utf-8"}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; names under `.example` lead to this machine, as after DNS rebinding."""
    chromium = shutil.which("chromium")
    assert chromium, "no chromium in PATH: run tests/install-browser.sh"
    # Five seconds, the default, are little where every core runs tests.
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a profile of its own."""
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of a server that is not ours and serves an empty page under every path."""

    async def empty_page(_: Call, reply: Reply) -> None:
        await reply.text(b"<!doctype html><title>elsewhere</title>", 200, HTML)

    server = HttpServer(empty_page)
    server.start()
    yield int(server.address.rpartition(":")[2])
    server.stop()
