"""Streams of responses: the events as a background response wrote them, or of one that is over."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from understudy.errors import NotFound
from understudy.responses import log
from understudy.responses.projection import shown, shown_event
from understudy.responses.record import Outcome, ResponseDocument, shown_response, shown_row
from understudy.runs.stream import Streams
from understudy.store import runs
from understudy.store.items import Item
from understudy.store.runs import Event, StoredRun
from understudy.store.storage import Storage
from understudy.wire.response_events import ended, item_added, item_done, made
from understudy.wire.responses import Include

_STATUS_AT = {
    "response.created": "queued",
    "response.queued": "queued",
    "response.in_progress": "in_progress",
}
"""Which status the response had when it was told of; any other event tells of its end."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event of a stream; numbers begin with 0."""

    number: int
    name: str
    data: dict[str, Any]


@dataclass(slots=True)
class OpenedEvents:
    """Events to send, and the headers to send before them."""

    chunks: AsyncIterator[Numbered]
    headers: dict[str, str] = field(default_factory=dict)


async def follow(
    storage: Storage, streams: Streams, run: StoredRun, after: int, include: frozenset[Include]
) -> AsyncGenerator[Numbered, None]:
    """Yield the events of a background response that follow number `after`, as they come.

    What tells of the response itself is stored without it, and shows it as its row now says.
    """
    async for event in streams.follow(run.seq, after + 1):
        yield Numbered(event.number - 1, event.name, await _data(storage, run, event, include))


async def _data(
    storage: Storage, run: StoredRun, event: Event, include: frozenset[Include]
) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.json.decode(event.data)
    if data:
        return shown_event(data, include)
    if (status := _STATUS_AT.get(event.name)) is not None:
        response = shown_response(run.document["response"], Outcome(status), (), include)  # type: ignore[arg-type]
        return {"type": event.name, "response": response}
    return {"type": event.name, "response": await _now(storage, run, include)}


async def _now(storage: Storage, run: StoredRun, include: frozenset[Include]) -> ResponseDocument:
    async with storage.database.read() as connection:
        now = await runs.find_by_seq(connection, run.seq)
        if now is None or "response" not in now.document:
            raise NotFound(f"The response '{run.id}' was deleted.", code="not_found")
        return shown_row(now, await log.outputs(connection, now), include)


def retold(run: StoredRun, output: list[Item], include: frozenset[Include]) -> Iterator[Numbered]:
    """Yield the events of a response that is over, each item as a whole."""
    events = [made("response.created", response=_begun(run, include))]
    for index, item in enumerate(output):
        document = shown(item, include)
        events += [item_added(document, index), item_done(document, index)]
    events.append(ended(shown_row(run, output, include)))
    for number, (name, data) in enumerate(events):
        yield Numbered(number, name, data)


def _begun(run: StoredRun, include: frozenset[Include]) -> ResponseDocument:
    return shown_response(run.document["response"], Outcome("in_progress"), (), include)
