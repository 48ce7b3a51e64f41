"""Works on one run under its lease, turn by turn, until it ends or waits for the client.

Each turn is planned from the rows, so a run that was interrupted goes on from its last step.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import structs

from understudy.chat.completion import ChatCompletions
from understudy.errors import (
    ContentRefused,
    NotReady,
    UnderstudyError,
)
from understudy.ids import now_s
from understudy.runs.asking import (
    TOO_MANY_ROUNDS,
    Asking,
    LimitReached,
    calls_of,
    rounds_of,
)
from understudy.runs.batches import Batches
from understudy.runs.closing import Ending, end_run, left_behind
from understudy.runs.commits import Commits, Rows, RunWriter
from understudy.runs.failures import last_error
from understudy.runs.project_runs import event, row_of, run_event, step_of
from understudy.runs.searching import Searches
from understudy.runs.states import Happening
from understudy.runs.stream import Streams
from understudy.runs.transitions import ACTION_TIMEOUT_S, moved, total_usage, values_of
from understudy.runs.turn import Turn
from understudy.store import runs
from understudy.store.items import Item, Log
from understudy.store.runs import StoredRun
from understudy.store.storage import Storage
from understudy.wire.runs import (
    CalledFunction,
    LastError,
    PendingCalls,
    RequiredAction,
    ToolCall,
)
from understudy.wire.steps import FileSearchToolCall, FunctionToolCall, RunStep

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What workers of one process share."""

    storage: Storage
    streams: Streams
    chat: ChatCompletions
    asking: Asking
    searches: Searches
    tool_rounds: int


class Worker:
    """Who works on a run for as long as the lease is held."""

    def __init__(self, surroundings: Surroundings, commits: Commits, run: StoredRun) -> None:
        self._storage = surroundings.storage
        self._surroundings = surroundings
        self._run = run
        self._log = Log(run.project_id, run.thread_id)
        self._writer = RunWriter(commits, run)

    async def work(self) -> None:
        """Bring the run to its end, or to where the client has to act.

        Raises RunLost when somebody else decides on the run now, NotReady when the database is
        away.
        """
        if self._run.status == "cancelling":
            await self._end("stop")
            return
        if self._run.status == "queued":
            self._start()
        try:
            while await self._go_on():
                pass
        except NotReady:
            raise
        except UnderstudyError as error:
            await self._writer.commit(Rows())  # what was posted before it
            await self._end("fail", last_error(error))
            return
        await self._look_ahead()

    async def _look_ahead(self) -> None:
        """Have the thread ready for its next run; what cannot be done now is tried again then."""
        try:
            await self._surroundings.asking.look_ahead(self._run)
        except UnderstudyError as error:
            _log.warning("the thread of %s is not summarised: %s", self._run.id, error.message)

    async def _go_on(self) -> bool:
        """Take one turn, or finish the calls of the last; tell whether there is more to do."""
        async with self._storage.database.read() as connection:
            items = await self._log.all(connection)
            steps = [step_of(step) for step in await runs.steps(connection, self._run.seq)]
        if (step := _with_open_calls(steps)) is not None:
            return await self._finish_calls(step, items)
        if len(rounds_of(steps)) >= self._surroundings.tool_rounds:
            raise UnderstudyError(TOO_MANY_ROUNDS.format(rounds=self._surroundings.tool_rounds))
        try:
            turn = await self._ask(items, steps)
        except LimitReached as limit:
            usage = msgspec.to_builtins(total_usage(steps))
            details = {"reason": limit.reason}
            await self._move("cut_short", Rows(), usage=usage, incomplete_details=details)
            return False
        return await self._conclude(turn, steps)

    # --- asking the model ---------------------------------------------------------------------

    async def _ask(self, items: Sequence[Item], steps: Sequence[RunStep]) -> Turn:
        """Ask the model for the next turn, and write and send what it answers as it comes."""
        asked = await self._surroundings.asking.request(self._run, items, steps)
        prepared = await self._surroundings.chat.prepare(asked.request, asked.asker)
        turn = Turn(
            self._run,
            len(rounds_of(steps)),
            search_name=asked.search_name,
            citations=asked.citations,
        )
        batches = Batches(self._writer, turn)
        try:
            async with self._surroundings.chat.stream(prepared) as answer:
                async for chunk in answer.chunks:
                    turn.add(chunk)  # type: ignore[arg-type]
                    batches.touch()
                    self._writer.check()
        finally:
            batches.close()
        return turn

    async def _conclude(self, turn: Turn, steps: Sequence[RunStep]) -> bool:
        """Write the end of a turn and what follows from it; tell whether there is more to do."""
        if turn.finish_reason == "content_filter":
            # Not its end: a step that is completed would be repeated if this were the last write.
            await self._writer.commit(turn.take())
            raise ContentRefused(_FILTERED)
        rows = turn.finish()
        rows = await self._left_behind(turn, steps) + rows
        if turn.calls_step is not None and not turn.is_cut:
            return await self._take_calls(turn.calls_step, rows)
        usage = msgspec.to_builtins(total_usage([*steps, *turn.steps]))
        if turn.is_cut:
            details = {"reason": "max_completion_tokens"}
            await self._move("cut_short", rows, usage=usage, incomplete_details=details)
        else:
            await self._move("complete", rows, usage=usage)
        return False

    async def _left_behind(self, turn: Turn, steps: Sequence[RunStep]) -> Rows:
        """Return the end of what an earlier call of the model began and this one did not."""
        made = {step.id for step in turn.steps}
        left = [step for step in steps if step.status == "in_progress" and step.id not in made]
        if not left:
            return Rows()
        async with self._storage.database.read() as connection:
            return await left_behind(connection, self._run, left)

    # --- calls of tools -----------------------------------------------------------------------

    async def _take_calls(self, step: RunStep, rows: Rows) -> bool:
        """Write down calls; searches are made next, functions are the client's."""
        if any(isinstance(call, FileSearchToolCall) for call in calls_of(step)):
            await self._writer.commit(rows)
            return True
        await self._wait_for_outputs(step, rows)
        return False

    async def _finish_calls(self, step: RunStep, items: Sequence[Item]) -> bool:
        """Make the searches of a step; tell whether the model is to be asked next."""
        step, searched = await self._surroundings.searches.make(self._run, step, items)
        rows = Rows(items=[self._log.row(item) for item in searched])
        if any(isinstance(call, FunctionToolCall) for call in calls_of(step)):
            await self._wait_for_outputs(step, rows + Rows(steps=[row_of(self._run, step)]))
            return False
        step = structs.replace(step, status="completed", completed_at=now_s())
        told = [event("thread.run.step.completed", step)]
        await self._writer.commit(rows + Rows(told, steps=[row_of(self._run, step)]))
        return True

    async def _wait_for_outputs(self, step: RunStep, rows: Rows) -> None:
        calls = [
            ToolCall(call.id, CalledFunction(call.function.name, call.function.arguments))
            for call in calls_of(step)
            if isinstance(call, FunctionToolCall)
        ]
        action = msgspec.to_builtins(RequiredAction(PendingCalls(calls)))
        expires_at = now_s() + ACTION_TIMEOUT_S
        await self._move("ask", rows, expires_at=expires_at, required_action=action)

    # --- the run ------------------------------------------------------------------------------

    def _start(self) -> None:
        """Tell that the run is in progress; the model need not wait until that is written."""
        run = moved(self._run, "start", expires_at=self._run.expires_at)
        self._writer.post(Rows([run_event(run)]), sources=("queued",), **values_of(run))
        self._run = run

    async def _move(
        self, happening: Happening, rows: Rows, *, expires_at: int | None = None, **changes: Any
    ) -> None:
        """Write rows, and the run in the status that follows."""
        run = moved(self._run, happening, expires_at=expires_at, **changes)
        told = Rows([run_event(run)])
        await self._writer.commit(rows + told, sources=(self._run.status,), **values_of(run))
        self._run = run

    async def _end(self, ending: Ending, error: LastError | None = None) -> None:
        shared = self._surroundings
        await end_run(shared.storage, shared.streams, self._run.seq, ending, error)


def _with_open_calls(steps: Sequence[RunStep]) -> RunStep | None:
    """Return the step whose calls were written down and not all answered."""
    return next((step for step in steps if step.status == "in_progress" and calls_of(step)), None)


_FILTERED = "The provider's content filter ended the answer."
