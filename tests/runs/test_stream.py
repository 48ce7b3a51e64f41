"""Readers of a run's stream get every event once and in its order, from whoever wrote it."""

import anyio
import pytest
from tests.runs.stored_runs import insert_run, storage_of
from tests.runs.working import WAIT_S

from understudy.runs.stream import Streams
from understudy.store import runs
from understudy.store.runs import Change, Event
from understudy.store.schema import run_events

pytestmark = pytest.mark.anyio

_END = "thread.run.completed"
_WAITS = "thread.run.requires_action"


class Log:
    """The events of one run, written and published as a test wants it."""

    def __init__(self, store, streams: Streams, run) -> None:
        self._store = store
        self._streams = streams
        self._run = run
        self._last = 0

    async def write(self, *names: str, status: str = "in_progress") -> list[Event]:
        """Commit events as another process would, without a word to this one's readers."""
        first = self._last + 1
        events = [Event(number, name, "{}") for number, name in enumerate(names, start=first)]
        self._last += len(events)
        async with self._store.write() as connection:
            await connection.execute(
                run_events.insert(),
                [
                    {"run_seq": self._run.seq, "number": e.number, "name": e.name, "data": e.data}
                    for e in events
                ],
            )
            change = Change(self._run.seq, ["queued", "in_progress", "requires_action"])
            change.values["status"] = status
            await runs.apply(connection, change)
        return events

    async def tell(self, *names: str, status: str = "in_progress") -> None:
        """Commit events and publish them."""
        self.publish(await self.write(*names, status=status))

    def publish(self, events: list[Event]) -> None:
        """Tell this process's readers."""
        self._streams.publish(self._run.seq, events)


class Reader:
    """Follows a run in a task of its own."""

    def __init__(self, streams: Streams, run, tasks, after: int = 0) -> None:
        self._streams = streams
        self._run = run
        self._after = after
        self._came = anyio.Event()
        self.read: list[int] = []
        self.is_over = anyio.Event()
        tasks.start_soon(self._follow)

    async def until(self, number: int) -> None:
        """Wait until this event has come."""
        with anyio.fail_after(WAIT_S):
            while number not in self.read:
                self._came = anyio.Event()
                await self._came.wait()

    async def until_over(self) -> None:
        """Wait until the stream has ended."""
        with anyio.fail_after(WAIT_S):
            await self.is_over.wait()

    async def _follow(self) -> None:
        async for event in self._streams.follow(self._run.seq, self._after):
            self.read.append(event.number)
            self._came.set()
        self.is_over.set()


@pytest.fixture
def streams(store, tmp_path) -> Streams:
    return Streams(storage_of(store, tmp_path / "blobs"))


@pytest.fixture
async def run(store):
    return await insert_run(store)


@pytest.fixture
def log(store, streams, run) -> Log:
    return Log(store, streams, run)


async def test_two_readers_get_the_same(streams, run, log):
    await log.tell("a", "b")
    async with anyio.create_task_group() as tasks:
        first = Reader(streams, run, tasks)
        await first.until(2)
        await log.tell("c")
        second = Reader(streams, run, tasks)
        await second.until(3)
        await log.tell("d", _END, status="completed")
    assert first.read == second.read == [1, 2, 3, 4, 5]


async def test_a_stream_resumes_after_a_number(streams, run, log):
    await log.tell("a", "b", "c", _END, status="completed")
    async with anyio.create_task_group() as tasks:
        resumed = Reader(streams, run, tasks, after=2)
        ended = Reader(streams, run, tasks, after=4)
        await ended.until_over()
    assert resumed.read == [3, 4]
    assert ended.read == []


async def test_what_was_not_published_is_read_from_the_rows(streams, run, log):
    await log.tell("a")
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks)
        await reader.until(1)
        await log.write("another process wrote this")
        await log.tell("c")
        await reader.until(3)
        await log.tell(_END, status="completed")
    assert reader.read == [1, 2, 3, 4]


async def test_what_another_process_writes_is_seen_without_a_word(streams, run, log):
    await log.tell("a")
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks)
        await reader.until(1)
        await log.write("b")
        await reader.until(2)
        await log.write(_END, status="completed")
    assert reader.read == [1, 2, 3]


async def test_events_published_in_the_other_order_come_in_theirs(streams, run, log):
    await log.tell("a")
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks)
        await reader.until(1)
        second, third, fourth = [await log.write(name) for name in "bcd"]
        for events in (second, fourth, third):
            log.publish(events)
        await reader.until(4)
        await log.tell(_END, status="completed")
    assert reader.read == [1, 2, 3, 4, 5]


async def test_an_event_that_was_published_late_comes_once(streams, run, log):
    await log.tell("a")
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks)
        await reader.until(1)
        second = await log.write("b")
        await reader.until(2)
        log.publish(second)
        await log.tell(_END, status="completed")
    assert reader.read == [1, 2, 3]


async def test_a_stream_ends_where_the_run_waits_for_outputs(streams, run, log):
    await log.tell("a", _WAITS, status="requires_action")
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks)
        await reader.until_over()
    assert reader.read == [1, 2]


async def test_a_stream_resumed_where_the_run_waits_ends_at_once(streams, run, log):
    await log.tell("a", _WAITS, status="requires_action")
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks, after=2)
        await reader.until_over()
    assert reader.read == []


async def test_a_stream_goes_on_where_outputs_have_come_meanwhile(streams, run, log):
    await log.tell("a", _WAITS, status="requires_action")
    await log.tell("submitted", status="queued")
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks)
        await reader.until(3)
        await log.tell(_END, status="completed")
    assert reader.read == [1, 2, 3, 4]


async def test_the_last_events_are_read_although_the_run_ended_between_two_looks(
    streams, run, log, monkeypatch
):
    """Let the run end after the rows were looked at and before the run is."""
    await log.tell("a")
    looked = Streams._rests

    async def end_first(self, run_seq):
        monkeypatch.setattr(Streams, "_rests", looked)
        await log.write(_END, status="completed")
        return await looked(self, run_seq)

    monkeypatch.setattr(Streams, "_rests", end_first)
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks, after=1)
        await reader.until_over()
    assert reader.read == [2]


async def test_a_long_log_is_read_whole(streams, run, log):
    names = [f"event {number}" for number in range(1200)]
    await log.tell(*names, _END, status="completed")
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks)
        await reader.until_over()
    assert reader.read == list(range(1, 1202))


async def test_a_reader_that_leaves_is_forgotten(streams, run, log):
    await log.tell("a")
    async with anyio.create_task_group() as tasks:
        reader = Reader(streams, run, tasks)
        await reader.until(1)
        tasks.cancel_scope.cancel()
    assert streams._readers == {}
