"""Server-sent events: one JSON value an event, comments while nothing happens, one way to end."""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

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
    """Return `value` as one event.

    U+2028, U+2029 and U+0085 are escaped: openai 1.14 splits lines at them.
    """
    data = _encode(value)
    if not data.isascii():
        data = (
            data.replace(b"\xe2\x80\xa8", b"\\u2028")
            .replace(b"\xe2\x80\xa9", b"\\u2029")
            .replace(b"\xc2\x85", b"\\u0085")
        )
    return b"data: %b\n\n" % data


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

    def __init__(self, exchange: Exchange, heartbeat_s: float) -> None:
        self._exchange = exchange
        self._heartbeat_s = heartbeat_s

    async def answer(self, opening: AbstractAsyncContextManager[OpenedStream]) -> None:
        """Send all that `opening` yields, then `[DONE]`.

        An error before the first value is raised, so that it gets its own status; a later one is
        the last event of the stream.
        """
        try:
            async with opening as stream:
                first = await anext(stream.chunks)
                await self._exchange.start(200, {**_HEADERS, **stream.headers})
                await self._send_all(first, stream.chunks)
        except UnderstudyError as error:
            if not self._exchange.has_started:
                raise
            await self._exchange.write(event(error_body(error)) + _DONE, is_last=True)
            return
        await self._exchange.write(_DONE, is_last=True)

    async def _send_all(self, first: object, rest: AsyncIterator[object]) -> None:
        failure: UnderstudyError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat)
            try:
                await self._exchange.write(event(first))
                async for value in rest:
                    await self._exchange.write(event(value))
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
