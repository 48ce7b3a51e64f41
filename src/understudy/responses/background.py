"""Works on one background response under its lease, and ends those that nobody can go on with.

What a turn has come to is written when it is whole, so who takes over goes on from the last whole
turn; of one that was cut off nothing is kept, and readers are told so.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from understudy.errors import NotReady, UnderstudyError
from understudy.responses import keeping, log
from understudy.responses.draft import Drafted, DraftedCall
from understudy.responses.making import Making
from understudy.responses.mcp.secrets import with_secrets
from understudy.responses.record import Outcome, values_of
from understudy.responses.starting import Beginning
from understudy.responses.turns import Shared, Turns, streamed
from understudy.runs.batches import Batches
from understudy.runs.closing import end_run
from understudy.runs.commits import Commits, NewEvent, Rows, RunLost, RunWriter
from understudy.runs.stream import Streams
from understudy.runs.summary import read
from understudy.store import runs
from understudy.store.runs import Event, StoredRun, as_json
from understudy.store.sealing import SealBroken, Sealer
from understudy.store.storage import Storage
from understudy.wire.chat import Usage
from understudy.wire.response_events import item_abandoned
from understudy.wire.responses import CreateResponse
from understudy.wire.runs import LastError

_AT_ONCE = 1_000
_CUT_OFF = LastError(
    "server_error", "The server stopped before the response was complete. Send the request again."
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the workers of one process share."""

    storage: Storage
    streams: Streams
    commits: Commits
    shared: Shared


async def work(surroundings: Surroundings, run: StoredRun) -> None:
    """Bring a response to its end. Raises RunLost and NotReady as the worker of a run does."""
    if not run.document["is_background"]:
        # The request that worked on it is gone with its process.
        await end_run(surroundings.storage, surroundings.streams, run.seq, "fail", _CUT_OFF)
        return
    storage = surroundings.storage
    try:
        wanted = _wanted(run, surroundings.shared.sealer)
    except SealBroken as error:
        broken = LastError("server_error", error.message)
        await end_run(storage, surroundings.streams, run.seq, "fail", broken)
        return
    making = await _resumed(storage, run, wanted)
    await _Worker(surroundings, run, making).work()


class _Worker:
    """Who works on a response for as long as the lease is held."""

    def __init__(self, surroundings: Surroundings, run: StoredRun, making: Making) -> None:
        self._surroundings = surroundings
        self._run = run
        self._making = making
        self._writer = RunWriter(surroundings.commits, run)
        self._gathered = _Gathered(is_streamed=run.document["is_streamed"])
        self._saved = list(making.items)

    async def work(self) -> None:
        await self._begin()
        making, shared = self._making, self._surroundings.shared
        turns = Turns(shared, making, streamed(shared.chat))
        batches = Batches(self._writer, self._gathered)
        try:
            async with aclosing(turns.run()) as pieces:
                async for drafted in pieces:
                    self._gathered.add(drafted)
                    if making.is_at_rest and not making.is_over:
                        await self._save()
                    else:
                        batches.touch()
                    self._writer.check()
        except NotReady:
            raise
        except UnderstudyError as error:
            making.fail(error)
        finally:
            batches.close()
        await self._end()

    async def _begin(self) -> None:
        """Tell that the response is in progress, or that what was begun before is not gone on with.

        The model need not wait until that is written.
        """
        if self._run.status == "queued":
            values = values_of(self._run.document, Outcome("in_progress"))
            told = [NewEvent("response.in_progress", "{}")]
            self._writer.post(self._rows(told), sources=("queued",), **values)
        elif self._run.document["is_streamed"]:
            events = await _told(self._surroundings.storage, self._run.seq)
            open_, next_index = _left_open(events, {item.id for item in self._saved})
            self._making.output_index = max(self._making.output_index, next_index)
            for item, index in open_:
                self._gathered.add(Drafted([item_abandoned(item, index)]))

    async def _save(self) -> None:
        """Write what the response has come to, so that it can be gone on from here."""
        was = {item.id: item for item in self._saved}
        changed = [item for item in self._making.items if was.get(item.id) is not item]
        self._saved = list(self._making.items)
        rows = self._gathered.take() + Rows(items=keeping.rows_of(self._making.position, changed))
        document = {**self._run.document, "progress": _progress(self._making)}
        await self._writer.commit(rows, document=as_json(document))

    async def _end(self) -> None:
        making, surroundings = self._making, self._surroundings
        await self._writer.commit(self._gathered.take())
        name, _ = making.ending()
        told = self._rows([NewEvent(name, "{}")]).events
        async with surroundings.storage.database.write() as connection:
            events = await keeping.end(connection, self._run, making, told)
        if events is None:
            raise RunLost
        surroundings.streams.publish(self._run.seq, events)

    def _rows(self, told: Sequence[NewEvent]) -> Rows:
        return Rows(told if self._run.document["is_streamed"] else ())


@dataclass(slots=True)
class _Gathered:
    """Events that wait to be written; none of a response whose stream nobody can read."""

    is_streamed: bool
    _events: list[NewEvent] = field(default_factory=list)

    @property
    def is_dirty(self) -> bool:
        return bool(self._events)

    def add(self, drafted: Drafted) -> None:
        if self.is_streamed:
            self._events += [NewEvent(name, as_json(data)) for name, data in drafted.events]

    def take(self) -> Rows:
        taken, self._events = Rows(self._events), []
        return taken


# --- resuming ---------------------------------------------------------------------------------


def _wanted(run: StoredRun, sealer: Sealer) -> CreateResponse:
    """Return the request of a response, but for its input. Raises SealBroken."""
    wanted = msgspec.convert(run.document["wanted"], CreateResponse)
    # Its events hold what was found, for those of their readers who ask to be shown it.
    wanted.include = [*(wanted.include or ()), "file_search_call.results"]
    if (sealed := run.document["sealed"]) is not None:
        wanted.tools = with_secrets(wanted.tools or (), sealed, sealer)
    return wanted


async def _resumed(storage: Storage, run: StoredRun, wanted: CreateResponse) -> Making:
    """Return a response as far as it has come."""
    position = log.position_of(run)
    async with storage.database.read() as connection:
        context = await log.before(connection, position)
        own = await log.own(connection, run)
    inputs = set(run.document["input_ids"])
    beginning = Beginning(position, context, [item for item in own if item.id in inputs])
    making = Making(
        wanted,
        run.document["response"],
        beginning,
        [item for item in own if item.id not in inputs],
        attempt=run.attempt,
        summary=read(run.document.get("summary")),
    )
    if progress := run.document.get("progress"):
        _restore(making, progress)
    return making


def _progress(making: Making) -> dict[str, Any]:
    calls = [{**_fields(call), "item_id": call.item.id} for call in making.open_calls]
    return {
        "turn": making.turn,
        "output_index": making.output_index,
        "hosted_calls": making.hosted_calls,
        "has_begun": making.has_begun,
        "is_left": making.is_left,
        "open_calls": calls,
        "usage": msgspec.to_builtins(making.usage),
    }


def _restore(making: Making, progress: dict[str, Any]) -> None:
    items = {item.id: item for item in making.items}
    making.turn = progress["turn"]
    making.output_index = progress["output_index"]
    making.hosted_calls = progress["hosted_calls"]
    making.has_begun = progress["has_begun"]
    making.is_left = progress["is_left"]
    making.usage = msgspec.convert(progress["usage"], Usage | None)
    making.open_calls = [
        DraftedCall(item=items[call.pop("item_id")], **call) for call in progress["open_calls"]
    ]
    making.may_be_under_way = bool(making.open_calls)


def _fields(call: DraftedCall) -> dict[str, Any]:
    names = ("kind", "name", "call_id", "arguments", "output_index", "server_label")
    return {name: getattr(call, name) for name in names}


async def _told(storage: Storage, run_seq: int) -> list[Event]:
    """Return every event that readers were sent."""
    told: list[Event] = []
    async with storage.database.read() as connection:
        after = 0
        while page := await runs.read_events(connection, run_seq, after=after, limit=_AT_ONCE):
            told += page
            after = page[-1].number
    return told


def _left_open(
    events: Sequence[Event], kept: set[str]
) -> tuple[list[tuple[dict[str, Any], int]], int]:
    """Return the items that readers were told of and that were neither closed nor kept.

    Each comes with its index, and all of them with the index that is free.
    """
    open_: dict[int, dict[str, Any]] = {}
    next_index = 0
    for event in events:
        if event.name == "response.output_item.added":
            data = msgspec.json.decode(event.data)
            open_[data["output_index"]] = data["item"]
            next_index = max(next_index, data["output_index"] + 1)
        elif event.name == "response.output_item.done":
            open_.pop(msgspec.json.decode(event.data)["output_index"], None)
    left = [(item, index) for index, item in open_.items() if item["id"] not in kept]
    return left, next_index
