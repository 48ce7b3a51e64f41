"""One transaction carries the writes of many runs: in their order, and each for itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from tests.runs.stored_runs import OWNER, events_of, found, started_run, storage_of

from understudy.runs.commits import Commits, NewEvent, Rows, RunLost, RunWriter
from understudy.runs.stream import Streams
from understudy.store import runs
from understudy.store.runs import Change, Event, Step, step_row
from understudy.store.storage import Storage

pytestmark = pytest.mark.anyio


class Recorded(Streams):
    """Streams that keep what is published, transaction by transaction."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self.published: list[tuple[int, list[str]]] = []

    def publish(self, run_seq: int, events: list[Event]) -> None:
        self.published.append((run_seq, [event.name for event in events]))


@pytest.fixture
def streams(store, tmp_path) -> Recorded:
    return Recorded(storage_of(store, tmp_path / "blobs"))


@asynccontextmanager
async def _committing(streams: Recorded, commits: Commits) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(commits.run)
        yield
        tasks.cancel_scope.cancel()


@pytest.fixture
def commits(streams: Recorded) -> Commits:
    return Commits(streams._storage, streams)


def _told(*names: str) -> Rows:
    return Rows(events=[NewEvent(name, "{}") for name in names])


def _poison(run) -> Rows:
    """Return rows that no database takes: an id must not be null."""
    step = step_row(run.project_id, run.seq, Step("step_1", "in_progress", 1, {}))
    return Rows(events=[NewEvent("poisoned", "{}")], steps=[{**step, "id": None}])


async def test_events_are_numbered_in_their_order_and_published_once(store, streams, commits):
    run = await started_run(store)
    writer = RunWriter(commits, run)
    async with _committing(streams, commits):
        writer.post(_told("a", "b"))
        writer.post(_told("c"))
        await writer.commit(_told("d"))
        await writer.commit(_told("e"))
    assert await events_of(store, run.seq) == [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]
    assert streams.published == [(run.seq, ["a", "b", "c", "d"]), (run.seq, ["e"])]


async def test_writes_of_several_runs_go_into_one_transaction(store, streams, commits):
    first, second = await started_run(store, 1), await started_run(store, 2)
    begun = []

    def count(*_):
        begun.append(1)

    event.listen(store.writer.sync_engine, "begin", count)
    async with _committing(streams, commits):
        RunWriter(commits, first).post(_told("a"))
        await RunWriter(commits, second).commit(_told("b"))
    event.remove(store.writer.sync_engine, "begin", count)
    assert streams.published == [(first.seq, ["a"]), (second.seq, ["b"])]
    assert len(begun) == 1


async def test_the_last_row_of_an_id_counts(store, streams, commits):
    run = await started_run(store)
    writer = RunWriter(commits, run)
    async with _committing(streams, commits):
        for status in ("in_progress", "completed"):
            step = Step("step_1", status, 1, {"status": status})
            writer.post(Rows(steps=[step_row(run.project_id, run.seq, step)]))
        await writer.commit(Rows())
    async with store.read() as connection:
        assert [step.status for step in await runs.steps(connection, run.seq)] == ["completed"]


async def test_what_follows_a_new_status_is_written_with_it(store, streams, commits):
    run = await started_run(store)
    writer = RunWriter(commits, run)
    async with _committing(streams, commits):
        writer.post(_told("delta"))
        await writer.commit(_told("completed"), status="completed", lease_owner=None)
        with pytest.raises(RunLost):
            await writer.commit(_told("late"))
    assert (await found(store, run.seq)).status == "completed"
    assert await events_of(store, run.seq) == [(1, "delta"), (2, "completed")]


async def test_posts_after_the_end_in_one_transaction_are_not_written(store, streams, commits):
    run = await started_run(store)
    writer = RunWriter(commits, run)
    async with _committing(streams, commits), anyio.create_task_group() as tasks:

        async def end() -> None:
            await writer.commit(_told("completed"), status="completed", lease_owner=None)

        tasks.start_soon(end)
        await anyio.lowlevel.checkpoint()
        writer.post(_told("late"))
    assert await events_of(store, run.seq) == [(1, "completed")]


@pytest.mark.parametrize("change", [{"lease_owner": "another"}, {"attempt": 7}])
async def test_a_worker_that_was_replaced_writes_nothing(store, streams, commits, change):
    run = await started_run(store)
    async with store.write() as connection:
        await runs.apply(connection, Change(run.seq, ["in_progress"], change))
    async with _committing(streams, commits):
        with pytest.raises(RunLost):
            await RunWriter(commits, run).commit(_told("late"))
    assert await events_of(store, run.seq) == []
    assert streams.published == []


async def test_a_cancelled_run_takes_no_more_of_its_worker(store, streams, commits):
    run = await started_run(store)
    async with store.write() as connection:
        await runs.apply(connection, Change(run.seq, ["in_progress"], {"status": "cancelling"}))
    async with _committing(streams, commits):
        with pytest.raises(RunLost):
            await RunWriter(commits, run).commit(_told("late"))
    assert await events_of(store, run.seq) == []


async def test_a_lost_run_hurts_no_other(store, streams, commits):
    lost, kept = await started_run(store, 1), await started_run(store, 2)
    async with store.write() as connection:
        await runs.apply(connection, Change(lost.seq, ["in_progress"], {"attempt": 7}))
    async with _committing(streams, commits):
        RunWriter(commits, lost).post(_told("late"))
        await RunWriter(commits, kept).commit(_told("kept"))
    assert await events_of(store, lost.seq) == []
    assert await events_of(store, kept.seq) == [(1, "kept")]


async def test_a_write_that_fails_hurts_no_other(store, streams, commits):
    bad, good = await started_run(store, 1), await started_run(store, 2)
    async with _committing(streams, commits):
        RunWriter(commits, bad).post(_poison(bad))
        await RunWriter(commits, good).commit(_told("good"))
    assert await events_of(store, good.seq) == [(1, "good")]
    assert await events_of(store, bad.seq) == []


async def test_a_writer_that_failed_writes_nothing_more(store, streams, commits):
    run = await started_run(store)
    writer = RunWriter(commits, run)
    async with _committing(streams, commits):
        writer.post(_told("before"))
        writer.post(_poison(run))
        writer.post(_told("after"))
        with pytest.raises(SQLAlchemyError):
            await writer.commit(_told("the end"), status="completed")
        with pytest.raises(SQLAlchemyError):
            await writer.commit(_told("later"))
        writer.post(_told("much later"))
    assert await events_of(store, run.seq) == [(1, "before")]
    assert (await found(store, run.seq)).status == "in_progress"
    assert streams.published == [(run.seq, ["before"])]


async def test_what_is_queued_at_the_end_is_written(store, streams, commits):
    run = await started_run(store)
    assert run.lease_owner == OWNER
    async with _committing(streams, commits):
        RunWriter(commits, run).post(_told("last"))
    assert await events_of(store, run.seq) == [(1, "last")]
