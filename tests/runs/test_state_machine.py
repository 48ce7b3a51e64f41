"""Runs in random order: made, answered, submitted, cancelled, expired, crashed, deleted.

Whatever happens, statuses move as the table says, and what is over leaves nothing open.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select, update
from tests.runs.working import WAIT_S, OpenCall, Working, called, ended, said

from understudy.errors import InvalidRequest, NotFound, ProviderUnreachable
from understudy.runs.prompt import UNANSWERED
from understudy.runs.states import TERMINAL, sources
from understudy.store.blobs import Blobs
from understudy.store.db import open_store
from understudy.store.idempotency import Creation
from understudy.store.schema import items, run_events, run_steps, runs
from understudy.store.storage import Storage
from understudy.wire.chat import ChatChunk
from understudy.wire.messages import CreateMessage
from understudy.wire.runs import SubmitToolOutputs, ToolOutput

_LOOK_EVERY_S = 0.002
_THREADS = 2
_SLOTS = st.integers(0, _THREADS - 1)
_WORKED_ON = ("queued", "in_progress")


class World:
    """A database with workers on it, in an event loop of its own."""

    def __init__(self, portal: BlockingPortal, data_dir: Path) -> None:
        self._portal = portal
        self._data_dir = data_dir
        self._over = portal.call(anyio.Event)
        self.call = portal.call
        started, self.working = portal.start_task(self._live)
        self._task = started

    def close(self) -> None:
        """End the workers and close the database."""
        self.call(self._over.set)
        self._task.result()

    async def _live(self, *, task_status: Any) -> None:
        async with open_store(None, self._data_dir) as database:
            storage = Storage()
            storage.open(database, Blobs(self._data_dir / "blobs"))
            async with anyio.create_task_group() as tasks:
                working = Working(storage, self._data_dir, tasks)
                await working.prepare()
                task_status.started(working)
                await self._over.wait()
                tasks.cancel_scope.cancel()


@contextlib.contextmanager
def a_world() -> Iterator[World]:
    """Open a world that ends with the block."""
    with (
        tempfile.TemporaryDirectory() as folder,
        start_blocking_portal() as portal,
    ):
        world = World(portal, Path(folder) / "data")
        try:
            yield world
        finally:
            world.close()


class RunsMachine(RuleBasedStateMachine):
    """Clients, a model, and processes that die, in any order, on a few threads."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._call = world.call
        self._working = world.working
        self._threads = [self._call(self._working.new_thread) for _ in range(_THREADS)]
        self._deleted: set[str] = set()
        self._runs: dict[str, str] = {}
        """Threads by run, the latest last."""
        self._answered: dict[str, str] = {}
        """Outputs that were taken, by call."""
        self._numbers = iter(range(10_000))

    # --- clients ------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        """Have a run at work from the beginning."""
        self.make_run(0)

    @rule(slot=_SLOTS)
    def make_run(self, slot: int) -> None:
        thread = self._threads[slot]
        latest = self._latest(slot)
        was_active = latest is not None and self._status(latest) not in TERMINAL
        try:
            run = self._call(self._working.new_run, thread)
        except NotFound:
            assert thread in self._deleted
            self._threads[slot] = self._call(self._working.new_thread)
        except InvalidRequest as error:
            assert was_active
            assert f"Thread {thread} already has an active run {latest}." in error.message
        else:
            assert thread not in self._deleted
            self._runs[run] = thread

    @rule(slot=_SLOTS)
    def add_message(self, slot: int) -> None:
        thread, latest = self._threads[slot], self._latest(slot)
        messages = self._working.messages(thread)
        wanted = CreateMessage("user", "more")
        try:
            self._call(messages.create, Creation(self._working.project_id), wanted)
        except NotFound:
            assert thread in self._deleted
        except InvalidRequest as error:
            expected = f"Can't add messages to {thread} while a run {latest} is active."
            assert expected in error.message

    @rule(slot=_SLOTS)
    def cancel(self, slot: int) -> None:
        if (run := self._latest(slot)) is None:
            return
        thread, before = self._threads[slot], self._status(run)
        try:
            cancelled = self._call(self._working.runs.cancel, thread, run)
        except NotFound:
            assert thread in self._deleted
        except InvalidRequest:
            assert before != "requires_action"
        else:
            assert before in sources("cancel")
            assert cancelled.status == "cancelling"

    @rule(slot=_SLOTS, kind=st.sampled_from(["right", "wrong", "few", "twice"]))
    def submit(self, slot: int, kind: str) -> None:
        if (run := self._latest(slot)) is None:
            return
        thread, calls = self._threads[slot], self._waits_for(slot, run)
        outputs = [ToolOutput(call, f"output of {call}") for call in calls]
        if kind == "wrong":
            outputs = [*outputs, ToolOutput("call_unknown", "x")]
        elif kind == "few":
            outputs = outputs[:-1]
        submitted = SubmitToolOutputs(outputs)
        try:
            self._call(self._working.runs.submit, thread, run, submitted)
        except NotFound:
            assert thread in self._deleted
        except InvalidRequest:
            assert not calls or kind in ("wrong", "few")
        else:
            assert calls and kind in ("right", "twice")
            self._answered |= {call: f"output of {call}" for call in calls}
            if kind == "twice":
                with pytest.raises(InvalidRequest):
                    self._call(self._working.runs.submit, thread, run, submitted)

    @rule(slot=_SLOTS)
    def delete_thread(self, slot: int) -> None:
        thread = self._threads[slot]
        try:
            self._call(self._working.threads.delete, thread)
        except NotFound:
            assert thread in self._deleted
        self._deleted.add(thread)

    # --- time and death -----------------------------------------------------------------------

    @rule(slot=_SLOTS)
    def let_time_pass(self, slot: int) -> None:
        """Let the time of a run be over, and wait for its end."""
        run = self._latest(slot)
        if run is None or self._status(run) in TERMINAL:
            return
        self._call(self._expire, run)
        self._call(self._until, run, TERMINAL)

    @rule()
    def crash(self) -> None:
        self._call(self._working.crash)

    # --- the model ----------------------------------------------------------------------------

    @rule(text=st.sampled_from(["a", "word", "日本"]))
    def say(self, text: str) -> None:
        self._feed(said(text))

    @rule(is_text=st.booleans())
    def crash_amid_an_answer(self, is_text: bool) -> None:
        """Let another process take over when the beginning of an answer has been written."""
        before = self._call(self._count_events)
        call = self._feed(said("beginning") if is_text else self._new_call())
        if call is not None:
            self._call(self._until_written, call, before)
            self._call(self._working.crash)

    @rule()
    def begin_a_call(self) -> None:
        self._feed(self._new_call())

    @rule(calls=st.integers(0, 2), finish=st.sampled_from(["stop", "length", "content_filter"]))
    def end_answer(self, calls: int, finish: str) -> None:
        pieces = [self._new_call(index) for index in range(calls)]
        last = "tool_calls" if calls and finish == "stop" else finish
        self._feed(*pieces, ended(last))

    @rule()
    def fail(self) -> None:
        self._feed(ProviderUnreachable("The provider is away."))

    @rule(finish=st.sampled_from(["stop", None]))
    def answer_the_dead(self, finish: str | None) -> None:
        """Let a process that was replaced go on: nothing of it may be seen."""
        for call in self._working.forgotten_calls[:1]:
            self._call(call.say, said("ghost") if finish is None else ended(finish))

    def _new_call(self, index: int = 0) -> ChatChunk:
        return called(f"call_{next(self._numbers)}", index=index)

    def _feed(self, *pieces: Any) -> OpenCall | None:
        """Give the next pieces of an answer to the model's oldest call, once there is one."""
        call = self._call(self._next_call)
        if call is not None:
            self._check_prompt(call)
            self._call(call.say, *pieces)
        return call

    def _check_prompt(self, call: OpenCall) -> None:
        told = [m for m in call.request["messages"] if m["role"] == "tool"]
        for message in told:
            call_id, output = message["tool_call_id"], message["content"]
            assert output == self._answered.get(call_id, UNANSWERED)
        ids = [message["tool_call_id"] for message in told]
        assert len(set(ids)) == len(ids)

    async def _next_call(self) -> OpenCall | None:
        """Return a call of the model; None when the last run ended or waits meanwhile."""
        with anyio.fail_after(WAIT_S):
            while await self._count_working():
                if self._working.chat.open:
                    return self._working.chat.open[0]
                await anyio.sleep(_LOOK_EVERY_S)
        return None

    # --- what is so ---------------------------------------------------------------------------

    @invariant()
    def events_are_lawful(self) -> None:
        for run in self._runs:
            self._call(self._check, run)

    @invariant()
    def a_thread_has_one_active_run(self) -> None:
        assert self._call(self._most_active) <= 1

    def teardown(self) -> None:
        """Bring every run to its end: none may be stuck."""
        for run, thread in self._runs.items():
            if self._status(run) in TERMINAL:
                continue
            with contextlib.suppress(InvalidRequest, NotFound):
                self._call(self._working.runs.cancel, thread, run)
            self._call(self._until, run, TERMINAL)
            self._call(self._check, run)
        self._call(self._working.bury)

    async def _check(self, run_id: str) -> None:
        async with self._working.storage.database.read() as connection:
            row = (await connection.execute(select(runs).where(runs.c.id == run_id))).one()
            open_steps = await connection.scalar(
                select(func.count()).where(
                    run_steps.c.run_seq == row.seq, run_steps.c.status == "in_progress"
                )
            )
            documents = await connection.scalars(
                select(items.c.document).where(
                    items.c.run_id == run_id, items.c.deleted_at.is_(None)
                )
            )
            open_messages = [text for text in documents if '"status":"in_progress"' in text]
            ghosts = await connection.scalar(
                select(func.count()).where(
                    run_events.c.run_seq == row.seq, run_events.c.data.contains("ghost")
                )
            )
        assert ghosts == 0
        law = await self._working.law(row.seq)
        assert law.faults == []
        if row.status in TERMINAL:
            assert law.is_over
            assert open_steps == 0
            assert open_messages == []
            assert row.lease_owner is None

    async def _most_active(self) -> int:
        is_active = runs.c.status.not_in(TERMINAL)
        counts = select(func.count().label("n")).where(is_active).group_by(runs.c.thread_id)
        async with self._working.storage.database.read() as connection:
            return await connection.scalar(select(func.max(counts.subquery().c.n))) or 0

    def _latest(self, slot: int) -> str | None:
        """Return the last run of a thread."""
        thread = self._threads[slot]
        return next((run for run in reversed(self._runs) if self._runs[run] == thread), None)

    def _status(self, run: str) -> str:
        return self._call(self._read_status, run)

    async def _read_status(self, run: str) -> str:
        async with self._working.storage.database.read() as connection:
            return await connection.scalar(select(runs.c.status).where(runs.c.id == run))

    def _waits_for(self, slot: int, run: str) -> list[str]:
        """Return the ids of the calls that a run waits for."""
        try:
            found = self._call(self._working.runs.find, self._threads[slot], run)
        except NotFound:
            return []
        action = found.required_action
        return [call.id for call in action.submit_tool_outputs.tool_calls] if action else []

    async def _count_working(self) -> int:
        async with self._working.storage.database.read() as connection:
            working = select(func.count()).where(runs.c.status.in_(_WORKED_ON))
            return await connection.scalar(working) or 0

    async def _count_events(self) -> int:
        async with self._working.storage.database.read() as connection:
            return await connection.scalar(select(func.count()).select_from(run_events)) or 0

    async def _until_written(self, call: OpenCall, before: int) -> None:
        """Let the model go on until something of it has been written, or nobody listens."""
        with anyio.fail_after(WAIT_S):
            while await self._count_events() == before:
                if call not in self._working.chat.open:
                    return
                await call.say(said("."))
                await anyio.sleep(_LOOK_EVERY_S)

    async def _until(self, run: str, statuses: frozenset[str]) -> None:
        with anyio.fail_after(WAIT_S):
            while True:
                if await self._read_status(run) in statuses:
                    return
                await anyio.sleep(_LOOK_EVERY_S)

    async def _expire(self, run: str) -> None:
        async with self._working.storage.database.write() as connection:
            await connection.execute(update(runs).where(runs.c.id == run).values(expires_at=1))


def test_runs_obey_their_table_whatever_happens() -> None:
    with a_world() as world:
        run_state_machine_as_test(
            lambda: RunsMachine(world),
            settings=settings(
                max_examples=20,
                phases=[Phase.explicit, Phase.generate],
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
