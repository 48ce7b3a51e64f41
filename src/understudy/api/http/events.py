"""Server-sent events: one JSON value an event, comments while nothing happens, one way to end.

What an event, an error and the end look like belongs to the framing; the rest is the same for all.
"""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import anyio
import msgspec

from understudy.api.http.envelope import error_body
from understudy.api.http.exchange import Exchange
from understudy.errors import UnderstudyError

_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
_HEARTBEAT = b": keep-alive\n\n"
_DONE = b"data: [DONE]\n\n"
_encode = msgspec.json.Encoder().encode


def event(value: object) -> bytes:
    """Return `value` as one event."""
    return b"data: %b\n\n" % one_line(_encode(value))


def one_line(data: bytes) -> bytes:
    """Return JSON with U+2028, U+2029 and U+0085 escaped: openai 1.14 splits lines at them."""
    if data.isascii():
        return data
    return (
        data.replace(b"\xe2\x80\xa8", b"\\u2028")
        .replace(b"\xe2\x80\xa9", b"\\u2029")
        .replace(b"\xc2\x85", b"\\u0085")
    )


class Framing(Protocol):
    """How one kind of stream writes its values, an error, and its end."""

    def value(self, value: Any) -> bytes:
        """Return a value as an event."""
        ...

    def error(self, error: UnderstudyError) -> bytes:
        """Return an error as an event."""
        ...

    @property
    def end(self) -> bytes:
        """The last event."""
        ...


class _Unnamed:
    """Events without a name, as chat completions have them."""

    end = _DONE

    def value(self, value: object) -> bytes:
        return event(value)

    def error(self, error: UnderstudyError) -> bytes:
        return event(error_body(error))


_UNNAMED = _Unnamed()


class OpenedStream(Protocol):
    """Values to send, and the headers to send before them."""

    @property
    def chunks(self) -> AsyncIterator[object]:
        """The values, each an event."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer."""
        ...


class EventStream:
    """An event stream as the answer of an exchange; comments are sent while nothing else is."""

    def __init__(self, exchange: Exchange, heartbeat_s: float, framing: Framing = _UNNAMED) -> None:
        self._exchange = exchange
        self._heartbeat_s = heartbeat_s
        self._framing = framing

    async def answer(self, opening: AbstractAsyncContextManager[OpenedStream]) -> None:
        """Send all that `opening` yields, then the end.

        An error before the first value is raised, so that it gets its own status; a later one is
        the last event of the stream.
        """
        try:
            async with opening as stream:
                first = await anext(stream.chunks, None)
                await self._exchange.start(200, {**_HEADERS, **stream.headers})
                if first is not None:
                    await self._send_all(first, stream.chunks)
        except UnderstudyError as error:
            if not self._exchange.has_started:
                raise
            ending = self._framing.error(error) + self._framing.end
            await self._exchange.write(ending, is_last=True)
            return
        await self._exchange.write(self._framing.end, is_last=True)

    async def _send_all(self, first: object, rest: AsyncIterator[object]) -> None:
        failure: UnderstudyError | None = None
        framed = self._framing.value
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat)
            try:
                await self._exchange.write(framed(first))
                async for value in rest:
                    await self._exchange.write(framed(value))
            except UnderstudyError as error:  # carried past the group, which would wrap it
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _beat(self) -> None:
        while True:
            await anyio.sleep(self._exchange.wrote_at + self._heartbeat_s - time.monotonic())
            if time.monotonic() - self._exchange.wrote_at >= self._heartbeat_s:
                await self._exchange.write(_HEARTBEAT)
