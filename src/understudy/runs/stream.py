"""Readers of runs' streams: rows are the truth, what this process wrote comes without a query.

Knows events by number and name, not what is in them.
"""

from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager

import anyio

from understudy.errors import NotReady
from understudy.runs.states import TERMINAL, WORKED_ON
from understudy.store import runs
from understudy.store.runs import Event
from understudy.store.storage import Storage
from understudy.wire.response_events import ENDINGS

_POLL_S = 1.0
"""How soon what another process wrote is seen."""
_AT_ONCE = 500
_WAITS = "thread.run.requires_action"
_ENDS = frozenset((*(f"thread.run.{status}" for status in TERMINAL), *ENDINGS.values()))


class _Subscription:
    """What was published since somebody subscribed and has not been read."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._published = anyio.Event()

    def add(self, events: Sequence[Event]) -> None:
        self._events.extend(events)
        self._published.set()

    def take(self, after: int) -> list[Event] | None:
        """Return the events that follow `after`; None when some are missing here."""
        while self._events and self._events[0].number <= after:
            self._events.popleft()
        if self._events and self._events[0].number != after + 1:
            return None
        taken: list[Event] = []
        # Two transactions may be published in the other order.
        while self._events and self._events[0].number == after + 1 + len(taken):
            taken.append(self._events.popleft())
        self._published = anyio.Event()
        return taken

    def wake(self) -> None:
        """Have the reader look around."""
        self._published.set()

    async def wait(self) -> bool:
        """Wait for events; tell whether any came before it is time to look at the rows."""
        with anyio.move_on_after(_POLL_S):
            await self._published.wait()
            return True
        return False


_STOPPING = (
    "The server stops before the run has ended. The run goes on when the server is started again: "
    "read the rest of its stream with stream=true and starting_after={after}."
)


class Streams:
    """The readers of one process."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._readers: dict[int, set[_Subscription]] = {}
        self._is_closed = False

    def publish(self, run_seq: int, events: Sequence[Event]) -> None:
        """Hand committed events to the readers of a run."""
        for reader in self._readers.get(run_seq, ()):
            reader.add(events)

    def close(self) -> None:
        """Send all readers away: the server stops, and runs that are not over go on later."""
        self._is_closed = True
        for readers in self._readers.values():
            for reader in readers:
                reader.wake()

    async def follow(self, run_seq: int, after: int = 0) -> AsyncGenerator[Event, None]:
        """Yield a run's events from the one that follows number `after`, as they come.

        Ends when the run is over, or waits for outputs and has not gone on since. Raises NotReady
        when the server stops before that.
        """
        looks_at_rows = True
        with self._subscribed(run_seq) as reader:
            while True:
                events = await self._next(run_seq, reader, after, looks_at_rows)
                if not events and await self._rests(run_seq):
                    # Its last events may have been written since the rows were looked at.
                    events = await self._rows(run_seq, after)
                    if not events:
                        return
                for event in events:
                    yield event
                    after = event.number
                if events and events[-1].name in _ENDS:
                    return
                if self._is_closed and not events:
                    raise NotReady(_STOPPING.format(after=after))
                is_waiting = bool(events) and events[-1].name == _WAITS
                looks_at_rows = is_waiting or len(events) == _AT_ONCE

    async def _next(
        self, run_seq: int, reader: _Subscription, after: int, looks_at_rows: bool
    ) -> list[Event]:
        """Return what follows `after`; nothing when nothing came for a while."""
        taken = reader.take(after)
        if taken == [] and not looks_at_rows:
            taken = reader.take(after) if await reader.wait() else None
        return taken or await self._rows(run_seq, after)

    async def _rows(self, run_seq: int, after: int) -> list[Event]:
        async with self._storage.database.read() as connection:
            return await runs.read_events(connection, run_seq, after=after, limit=_AT_ONCE)

    async def _rests(self, run_seq: int) -> bool:
        """Tell whether nobody works on the run."""
        async with self._storage.database.read() as connection:
            run = await runs.find_by_seq(connection, run_seq)
        return run is None or run.status not in WORKED_ON

    @contextmanager
    def _subscribed(self, run_seq: int) -> Iterator[_Subscription]:
        reader = _Subscription()
        readers = self._readers.setdefault(run_seq, set())
        readers.add(reader)
        try:
            yield reader
        finally:
            readers.discard(reader)
            if not readers and self._readers.get(run_seq) is readers:
                del self._readers[run_seq]
