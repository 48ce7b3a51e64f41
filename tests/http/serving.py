"""The whole server behind a real port, for tests: `serve(settings)` runs it in a thread.

`Served.client` is an ordinary HTTP client; `exchange_raw` writes bytes that no client would.
"""

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from tests.upstreams.scripted import ScriptedUpstream

from understudy.logs import JsonFormatter
from understudy.server import make_server
from understudy.settings import Settings
from understudy.settings.providers import ProviderSettings

WAIT_S = 10.0
"""How long a test waits for what must happen; only a failing test waits so long."""
HELLO = [{"role": "user", "content": "hello world"}]


class Served:
    """A server that runs, and a client of it."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.settings = settings
        self.port = port
        self.root = f"http://127.0.0.1:{port}"
        self.client = httpx2.Client(base_url=self.root, timeout=30, trust_env=False)

    def chat(self, **fields: Any) -> httpx2.Response:
        """Send a chat request for the default model."""
        return self.client.post("/v1/chat/completions", json={"messages": HELLO, **fields})

    def events(self, **fields: Any) -> list[dict[str, Any]]:
        """Return the events of a streamed chat, without the `[DONE]` that must end them."""
        return events_of(self.chat(stream=True, **fields))

    def exchange_raw(self, request: bytes, *, closes_early: bool = False) -> bytes:
        """Send bytes as they are and return what comes back until the server closes."""
        with self.connect() as connection:
            connection.sendall(request)
            if closes_early:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def connect(self, receive_buffer_bytes: int | None = None) -> socket.socket:
        """Open a connection of one's own."""
        connection = socket.socket()
        if receive_buffer_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        connection.settimeout(WAIT_S)
        connection.connect(("127.0.0.1", self.port))
        return connection


class LogLines:
    """What the server logs, as it would stand in a file; threads write to it."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self.lines: list[dict[str, Any]] = []

    def write(self, text: str) -> None:
        """Take a line; the stream of a logging handler."""
        with self._arrived:
            self.lines += [json.loads(line) for line in text.splitlines() if line]
            self._arrived.notify_all()

    def flush(self) -> None:
        """Do nothing: every line is taken at once."""

    def wait_for(self, **fields: Any) -> dict[str, Any]:
        """Return the first line that holds `fields`, waiting for it."""

        def found() -> dict[str, Any] | None:
            return next((ln for ln in self.lines if fields.items() <= ln.items()), None)

        with self._arrived:
            line = self._arrived.wait_for(found, WAIT_S)
        assert line, f"no log line with {fields}"
        return line

    def failures(self) -> list[dict[str, Any]]:
        """Return the lines that report a fault of the server."""
        return [line for line in self.lines if line["level"] in ("error", "critical")]


@contextlib.contextmanager
def recorded_logs() -> Iterator[LogLines]:
    """Record what `understudy` and `uvicorn` log, in JSON."""
    lines = LogLines()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(name) for name in ("understudy", "uvicorn", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


@contextlib.contextmanager
def serve(settings: Settings) -> Iterator[Served]:
    """Run the server on a free port until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        settings = settings.model_copy(update={"port": port})
        server = make_server(settings)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        _wait_until_it_answers(port)
        served = Served(settings, port)
        try:
            with served.client:
                yield served
        finally:
            server.should_exit = True
            thread.join(WAIT_S * 3)


def _wait_until_it_answers(port: int) -> None:
    """Return once the server answers; connections wait in the listener's queue until then."""
    response = httpx2.get(f"http://127.0.0.1:{port}/ready", timeout=WAIT_S * 3, trust_env=False)
    assert response.status_code == 200, response.text


def settings_for(data_dir: Path, **fields: Any) -> Settings:
    """Return settings as `serve` would have them, with a data directory of the test's own."""
    return Settings(
        **{"data_dir": data_dir, "port": 0, "heartbeat_s": 5, "shutdown_grace_s": 1, **fields}
    )


def provider_at(upstream: ScriptedUpstream, **fields: Any) -> ProviderSettings:
    """Return the settings of a provider that is played by `upstream`."""
    return ProviderSettings(**{"base_url": upstream.base_url, "enabled": True, **fields})


def events_of(response: httpx2.Response) -> list[dict[str, Any]]:
    """Return the JSON of every event; `[DONE]` must be the last line and nothing may follow it."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    lines = [event for event in events if not event.startswith(":")]
    assert all(line.startswith("data: ") and "\n" not in line for line in lines)
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def error_of(response: httpx2.Response, status: int) -> dict[str, Any]:
    """Return the `error` of an answer in OpenAI's envelope, with nothing beside it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert isinstance(body["error"]["message"], str) and body["error"]["message"]
    assert isinstance(body["error"]["type"], str)
    return body["error"]
