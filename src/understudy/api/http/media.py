"""Answers of bytes as they are made, and the events of audio. Knows no OpenAI noun."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from understudy.api.http.envelope import error_body
from understudy.api.http.events import event
from understudy.api.http.exchange import Exchange, Headers
from understudy.errors import UnderstudyError

logger = logging.getLogger(__name__)


class AudioFraming:
    """Events without a name, ended by their last one alone, as OpenAI's audio endpoints have it."""

    end = b""

    def value(self, value: object) -> bytes:
        """Return a value as an event."""
        return event(value)

    def error(self, error: UnderstudyError) -> bytes:
        """Return an error as an event."""
        return event(error_body(error))


@dataclass(slots=True)
class AudioEvents:
    """Events as an open stream, and the headers before them."""

    chunks: AsyncIterator[object]
    headers: dict[str, str]


async def send_media(
    exchange: Exchange, content_type: str, pieces: AsyncIterator[bytes], headers: Headers
) -> None:
    """Send pieces as they come, the status once the first is there.

    An error before that is raised, so that it gets a status of its own. A later one breaks the
    answer off: the connection closes before the end, which no client takes for one.
    """
    first = await anext(pieces, b"")
    await exchange.start(200, {"content-type": content_type, **headers})
    await exchange.write(first)
    try:
        async for piece in pieces:
            await exchange.write(piece)
    except UnderstudyError as error:
        logger.warning("an answer broke off: %s", error.message)
        return
    await exchange.write(b"", is_last=True)


async def send_whole(exchange: Exchange, content_type: str, body: bytes, headers: Headers) -> None:
    """Send an answer that is complete."""
    head = {"content-type": content_type, "content-length": str(len(body)), **headers}
    await exchange.start(200, head)
    await exchange.write(body, is_last=True)
