"""A real Chromium, and pages of other origins on loopback ports of their own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.http.serving import LogLines, Served, recorded_logs, serve, settings_for
from tests.upstreams.http_server import Call, HttpServer, Reply

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
ServeWith = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; names under `.example` lead to this machine, as after DNS rebinding."""
    chromium = shutil.which("chromium")
    assert chromium, "no chromium in PATH: run tests/install-browser.sh"
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


HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.fixture
def serve_with(tmp_path: Path) -> ServeWith:
    """Serve with these settings, for one test."""

    def start(**fields: Any) -> AbstractContextManager[Served]:
        return serve(settings_for(tmp_path / "data", **fields))

    return start


@pytest.fixture
def logs() -> Iterator[LogLines]:
    """What the server logs while the test runs."""
    with recorded_logs() as lines:
        yield lines
