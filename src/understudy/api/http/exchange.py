"""One request and its answer on a hot route, straight on ASGI.

FastAPI costs more per request than everything else this server does for a chat completion, so the
routes that programs call all day are written against this class.
"""

import asyncio
import string
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import anyio
import msgspec
from starlette.types import Receive, Scope, Send

from understudy.errors import InvalidRequest

_HEADER_SAFE = string.punctuation.replace("%", "") + " "
_LONGEST_HEADER = 1_000
Headers = Mapping[str, str]
Handler = Callable[["Exchange"], Awaitable[None]]


class ClientGone(Exception):
    """The client closed the connection; nobody is left to answer."""


class Exchange:
    """A request whose body is read on demand, and the answer that is sent to it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.has_started = False
        self.wrote_at = time.monotonic()
        """When the last piece of a streamed body was sent."""

    def with_model(self, body: Any) -> Any:
        """Return `body` with the model that the path names, for `/v1/engines/{engine}/...`."""
        engine = self.scope.get("engine_in_path")
        return {**body, "model": engine} if engine and isinstance(body, dict) else body

    async def read_json(self) -> Any:
        """Return the parsed body; raises InvalidRequest when it is not JSON in UTF-8."""
        return decode_json(await self.read_body())

    def header(self, name: str) -> str | None:
        """Return a header of the request by its name in lower case, None where it is absent."""
        wanted = name.encode()
        found = (value for key, value in self.scope["headers"] if key == wanted)
        return next((value.decode("latin-1") for value in found), None)

    async def read_body(self) -> bytes:
        """Return the body as it came."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            return bytes(message.get("body", b""))
        parts = []
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGone
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(parts)
            message = await self._receive()

    async def send_json(self, answer: object, headers: Headers | None = None) -> None:
        """Send `answer` with status 200."""
        body = msgspec.json.encode(answer)
        head = {"content-type": "application/json", "content-length": str(len(body))}
        await self.start(200, {**head, **(headers or {})})
        await self._send({"type": "http.response.body", "body": body})

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        if model := headers.get("x-understudy-model"):
            self.scope["log"] = {"model": model}
        raw = [(name.encode(), header_value(value)) for name, value in headers.items()]
        self.has_started = True
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, body: bytes, *, is_last: bool = False) -> None:
        """Send a piece of the body; returns when the connection has taken it."""
        self.wrote_at = time.monotonic()
        await self._send({"type": "http.response.body", "body": body, "more_body": not is_last})

    async def until_disconnect(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work`, and cancel it as soon as the client is gone. The body must have been read.

        A scope and one task do what a task group does, at a quarter of its cost per request.
        """
        scope = anyio.CancelScope()
        watcher = asyncio.create_task(self._watch(scope))
        try:
            with scope:
                await work()
        finally:
            watcher.cancel()
            await asyncio.wait([watcher])

    async def _watch(self, scope: anyio.CancelScope) -> None:
        """Cancel `scope` when the client is gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        scope.cancel()


def header_value(text: str) -> bytes:
    """Return `text` as a header may carry it: printable ASCII, the rest percent-encoded, cut."""
    if not (text.isascii() and text.isprintable()):
        text = quote(text, safe=_HEADER_SAFE)
    return text[:_LONGEST_HEADER].encode("ascii")


def decode_json(body: bytes) -> Any:
    """Parse `body`; raises InvalidRequest that says what is wrong and where."""
    if not body:
        raise InvalidRequest("The request has no body; a JSON object is expected.", code="no_body")
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise InvalidRequest(
            f"We could not parse the JSON body of your request: {error}. "
            "The API expects a JSON object in UTF-8.",
            code="invalid_json",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"The body is not UTF-8 (byte {error.start}).", code="invalid_json"
        ) from error
    except RecursionError as error:
        raise InvalidRequest("The JSON body is nested too deeply.", code="invalid_json") from error
