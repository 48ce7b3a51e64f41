"""Reads an answer's body as events, in the batches in which they arrive, up to `[DONE]`."""

from collections.abc import AsyncGenerator
from typing import Final

import anyio

from understudy.engines.server_sent_events import EventSplitter, ServerSentEvent
from understudy.engines.transport import BodyBroken

_DONE: Final = b"[DONE]"
_DRAIN_S: Final = 0.1
"""How long to wait for the end of a body after its last event, to keep the connection."""


async def event_batches(
    pieces: AsyncGenerator[bytes, None], content_type: str
) -> AsyncGenerator[list[ServerSentEvent], None]:
    """Yield the events of a body up to `[DONE]`; a body that holds none is one event."""
    if not _holds_events(content_type):
        yield [ServerSentEvent(b"".join([piece async for piece in pieces]))]
        return
    splitter = EventSplitter()
    async for piece in pieces:
        events = splitter.feed(piece)
        for index, event in enumerate(events):
            if event.data.startswith(_DONE):
                yield events[:index]
                await _drain(pieces)
                return
        yield events
    yield splitter.close()


def _holds_events(content_type: str) -> bool:
    """Whether the body is to be read as events; some servers send them as plain text."""
    return "json" not in content_type.lower() and "html" not in content_type.lower()


async def _drain(pieces: AsyncGenerator[bytes, None]) -> None:
    """Read on to the end of the body, which is at hand, so that the connection can be reused."""
    with anyio.move_on_after(_DRAIN_S):
        try:
            async for _ in pieces:
                pass
        except BodyBroken:
            pass
