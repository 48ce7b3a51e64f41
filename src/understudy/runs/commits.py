"""Writes what runs do: one transaction at a time carries the changes of all runs of this process.

A transaction for each piece of each stream would cost more than the pieces. Knows rows and events,
not what they mean.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotReady
from understudy.runs.stream import Streams
from understudy.store import items, runs
from understudy.store.runs import Change, Event, StoredRun
from understudy.store.schema import run_events
from understudy.store.storage import Storage

_log = logging.getLogger(__name__)


class RunLost(Exception):
    """The run is no longer this worker's, or no longer in a status that allows the change."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append; `data` is JSON."""

    name: str
    data: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to write and events to append, in their order."""

    events: Sequence[NewEvent] = ()
    items: Sequence[dict[str, Any]] = ()
    steps: Sequence[dict[str, Any]] = ()

    def __add__(self, other: "Rows") -> "Rows":
        """Return both, the other's last."""
        return Rows(
            [*self.events, *other.events],
            [*self.items, *other.items],
            [*self.steps, *other.steps],
        )


@dataclass(frozen=True, slots=True)
class Write:
    """A change of a run with the rows that go with it; all of it happens, or nothing."""

    change: Change
    rows: Rows = field(default_factory=Rows)


async def write(connection: AsyncConnection, wanted: Write) -> list[Event] | None:
    """Make one change within a transaction of the caller; None when it may not be made."""
    (written,) = await _write_all(connection, [wanted])
    return written


class RunWriter:
    """Writes for the worker that holds a run's lease."""

    def __init__(self, commits: "Commits", run: StoredRun) -> None:
        self._commits = commits
        self._fence = Change(
            run.seq, sources=("in_progress",), owner=run.lease_owner, attempt=run.attempt
        )
        self._failure: Exception | None = None

    def post(
        self, rows: Rows, *, sources: Collection[str] = ("in_progress",), **values: Any
    ) -> None:
        """Queue rows and new `values` of the run for the next transaction; return at once.

        A later `commit` tells whether they could be written.
        """
        if self._failure is None:
            change = replace(self._fence, sources=sources, values=values)
            self._commits.add(_Waiting(self, Write(change, rows)))

    async def commit(
        self, rows: Rows, *, sources: Collection[str] = ("in_progress",), **values: Any
    ) -> None:
        """Return once the rows and the run's new `values` are committed, and all posted before.

        Raises RunLost when that may not be, NotReady when the database is away, SQLAlchemyError
        when it refuses.
        """
        self.check()
        change = replace(self._fence, sources=sources, values=values)
        waiting = _Waiting(self, Write(change, rows))
        self._commits.add(waiting)
        await waiting.done.wait()
        if waiting.error is not None:
            raise waiting.error

    @property
    def failure(self) -> Exception | None:
        """Why this worker writes nothing more, None while it does."""
        return self._failure

    def check(self) -> None:
        """Raise what a write that was posted met, if it could not be made."""
        if self._failure is not None:
            raise self._failure

    def fail(self, failure: Exception) -> None:
        """Write nothing more: readers must not miss an event and see the next one."""
        self._failure = failure


@dataclass(slots=True)
class _Waiting:
    """A write in the queue, and who waits for it."""

    writer: RunWriter
    write: Write
    done: anyio.Event = field(default_factory=anyio.Event)
    error: Exception | None = None


class Commits:
    """The queue of one process's writes; `run` owns the task that commits them."""

    def __init__(self, storage: Storage, streams: Streams) -> None:
        self._storage = storage
        self._streams = streams
        self._queue: list[_Waiting] = []
        self._asked = anyio.Event()

    def add(self, waiting: _Waiting) -> None:
        """Queue a write for the next transaction."""
        self._queue.append(waiting)
        self._asked.set()

    async def run(self) -> None:
        """Commit what is queued until cancelled, then what is left."""
        try:
            while True:
                await self._asked.wait()
                await self._flush()
        finally:
            with anyio.CancelScope(shield=True):
                await self._flush()

    async def _flush(self) -> None:
        queue, self._queue = self._queue, []
        self._asked = anyio.Event()
        batch = [waiting for waiting in queue if not _is_dropped(waiting)]
        if not batch:
            return
        try:
            await self._commit(batch)
        except (SQLAlchemyError, NotReady) as error:
            if len(batch) == 1:
                _give_up(batch[0], error)
                return
            for waiting in batch:  # one of them is at fault, or the database
                await self._commit_alone(waiting)

    async def _commit_alone(self, waiting: _Waiting) -> None:
        if _is_dropped(waiting):
            return
        try:
            await self._commit([waiting])
        except (SQLAlchemyError, NotReady) as error:
            _give_up(waiting, error)

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        merged, places = _merged([waiting.write for waiting in batch])
        async with self._storage.database.write() as connection:
            written = await _write_all(connection, merged)
        for wanted, events in zip(merged, written, strict=True):
            if events:
                self._streams.publish(wanted.change.run_seq, events)
        for waiting, place in zip(batch, places, strict=True):
            if written[place] is None:
                waiting.error = RunLost()
                waiting.writer.fail(waiting.error)
            waiting.done.set()


def _give_up(waiting: _Waiting, error: Exception) -> None:
    _log.warning("a change of a run was not written: %s", error)
    waiting.writer.fail(error)
    waiting.error = error
    waiting.done.set()


def _is_dropped(waiting: _Waiting) -> bool:
    """Tell whether a write was queued by a writer that has failed since, and end its wait."""
    waiting.error = waiting.writer.failure
    if waiting.error is None:
        return False
    waiting.done.set()
    return True


def _merged(writes: Sequence[Write]) -> tuple[list[Write], list[int]]:
    """Join writes of one run that may follow each other in one statement.

    Returns what is left of them, and for each of `writes` its place there.
    """
    merged: list[Write] = []
    places = []
    last_of_run: dict[int, int] = {}
    for wanted in writes:
        run_seq = wanted.change.run_seq
        place = last_of_run.get(run_seq)
        if place is not None and _can_follow(merged[place].change, wanted.change):
            merged[place] = _joined(merged[place], wanted)
        else:
            place = last_of_run[run_seq] = len(merged)
            merged.append(wanted)
        places.append(place)
    return merged, places


def _can_follow(first: Change, second: Change) -> bool:
    """Tell whether the first change leaves the run as the second one needs it."""
    status = first.values.get("status")
    leaves = set(first.sources) if status is None else {status}
    is_same_worker = (first.owner, first.attempt) == (second.owner, second.attempt)
    return is_same_worker and "lease_owner" not in first.values and leaves <= set(second.sources)


def _joined(first: Write, second: Write) -> Write:
    values = {**first.change.values, **second.change.values}
    return Write(replace(first.change, values=values), first.rows + second.rows)


async def _write_all(
    connection: AsyncConnection, writes: Sequence[Write]
) -> list[list[Event] | None]:
    """Make the changes in their order; None in place of the events of one that may not be made."""
    written = [await _change(connection, wanted) for wanted in writes]
    made = [wanted for wanted, events in zip(writes, written, strict=True) if events is not None]
    if item_rows := _latest([row for wanted in made for row in wanted.rows.items]):
        await items.put(connection, item_rows)
    if step_rows := _latest([row for wanted in made for row in wanted.rows.steps]):
        await runs.put_steps(connection, step_rows)
    if event_rows := [
        {
            "run_seq": wanted.change.run_seq,
            "number": event.number,
            "name": event.name,
            "data": event.data,
        }
        for wanted, events in zip(writes, written, strict=True)
        for event in events or ()
    ]:
        await connection.execute(run_events.insert(), event_rows)
    return written


async def _change(connection: AsyncConnection, wanted: Write) -> list[Event] | None:
    new = wanted.rows.events
    first = await runs.apply(connection, replace(wanted.change, events=len(new)))
    if first is None:
        return None
    return [Event(number, event.name, event.data) for number, event in enumerate(new, start=first)]


def _latest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with the last one of each id in the place of its first."""
    return list({(row["project_id"], row["id"]): row for row in rows}.values())
