"""Puts a thread with its messages, runs and steps into the store, within a caller's transaction."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.interchange import placing, render
from understudy.interchange.bundles import Bundle, RunWithSteps
from understudy.interchange.kinds import Kind
from understudy.interchange.plain import searching
from understudy.interchange.report import Outcome
from understudy.runs.messages import threads_of
from understudy.runs.tool_resources import resources_in
from understudy.store import runs
from understudy.store.items import Item, Log
from understudy.store.runs import NewRun, Step, StoredRun
from understudy.store.schema import items, run_steps
from understudy.store.schema import runs as runs_table

Verdict = tuple[Kind, str, Outcome]
"""Kind and id of an object, and what became of it; `failed` where its id is in use elsewhere."""


class ThreadPlacement:
    """One thread on its way into the store."""

    def __init__(self, connection: AsyncConnection, project_id: str, bundle: Bundle) -> None:
        self._connection = connection
        self._project_id = project_id
        self._bundle = bundle
        self._log = Log(project_id, bundle.thread.id)
        self._verdicts: list[Verdict] = []

    async def place(self) -> list[Verdict]:
        """Insert what is not there yet. Raises Conflict where an id means something else here."""
        bundle = self._bundle
        row = await placing.find_object(self._connection, self._project_id, bundle.thread)
        if row is not None and row.deleted_at is not None:
            return self._all_kept()
        outcome = await placing.place_object(
            self._connection, self._project_id, bundle.thread, render.thread
        )
        if row is None or not bundle.is_named_only:
            self._verdicts.append(("thread", bundle.thread.id, outcome))
        new_messages = await self._judge_messages()
        new_steps = [step for run in bundle.runs for step in await self._place_run(run)]
        made = bundle.items(self._project_id, frozenset(new_steps))
        there = {item.id for item in bundle.messages} - {item.id for item in new_messages}
        await self._log.add(self._connection, [item for item in made if item.id not in there])
        await self._feed(replace(bundle, messages=new_messages))
        return self._verdicts

    def _all_kept(self) -> list[Verdict]:
        """Return the verdict on a thread that was deleted here: it stays deleted."""
        bundle = self._bundle
        verdicts: list[Verdict] = [("thread", bundle.thread.id, "kept")]
        verdicts += [("thread.message", item.id, "kept") for item in bundle.messages]
        for run in bundle.runs:
            verdicts.append(("thread.run", run.run.id, "kept"))
            verdicts += [("thread.run.step", step.id, "kept") for step in run.steps]
        return verdicts

    async def _judge_messages(self) -> list[Item]:
        """Return the messages that are not there yet."""
        ids = [item.id for item in self._bundle.messages]
        rows = await placing.find_rows(self._connection, items, self._project_id, ids)
        here = {item.id: item for item in await self._log.all(self._connection)} if rows else {}
        new = []
        for item in self._bundle.messages:
            outcome: Outcome = "new"
            if item.id in here:
                outcome = placing.compared(self._shown(here[item.id]), self._shown(item))
            elif item.id in rows:
                is_ours = rows[item.id].thread_id == self._bundle.thread.id
                outcome = "kept" if is_ours else "failed"
            else:
                new.append(item)
            self._verdicts.append(("thread.message", item.id, outcome))
        return new

    async def _place_run(self, wanted: RunWithSteps) -> list[str]:
        """Insert a run and its steps where they are not there, and return the ids of new steps."""
        run = wanted.run
        rows = await placing.find_rows(self._connection, runs_table, self._project_id, [run.id])
        row = rows.get(run.id)
        if row is None:
            there = await runs.insert(self._connection, run)
            self._verdicts.append(("thread.run", run.id, "new"))
        elif row.thread_id != run.thread_id or row.deleted_at is not None:
            outcome: Outcome = "kept" if row.thread_id == run.thread_id else "failed"
            self._verdicts.append(("thread.run", run.id, outcome))
            self._verdicts += [("thread.run.step", step.id, outcome) for step in wanted.steps]
            return []
        else:
            there = await runs.find(self._connection, self._project_id, run.thread_id, run.id)
            outcome = placing.compared(render.run(there), render.run(_as_stored(run)))
            self._verdicts.append(("thread.run", run.id, outcome))
        return await self._place_steps(there.seq, wanted.steps)

    async def _place_steps(self, run_seq: int, steps: Sequence[Step]) -> list[str]:
        ids = [step.id for step in steps]
        rows = await placing.find_rows(self._connection, run_steps, self._project_id, ids)
        here = {step.id: step for step in await runs.steps(self._connection, run_seq)}
        new = []
        for step in steps:
            outcome: Outcome = "new"
            if step.id in here:
                outcome = placing.compared(render.step(here[step.id]), render.step(step))
            elif step.id in rows:
                outcome = "failed"
            else:
                new.append(step)
            self._verdicts.append(("thread.run.step", step.id, outcome))
        if new:
            made = [runs.step_row(self._project_id, run_seq, step) for step in new]
            await runs.put_steps(self._connection, made)
        return [step.id for step in new]

    async def _feed(self, bundle: Bundle) -> None:
        """Queue the files of new messages for the thread's search."""
        if not (files := bundle.searched_files()):
            return
        threads = threads_of(self._project_id)
        thread = await threads.find(self._connection, bundle.thread.id, for_update=True)
        now = searching(thread, self._project_id)
        if now != thread:
            await threads.update(self._connection, thread.id, document=now.document)
        resources = resources_in(now.document)
        await placing.feed(self._connection, self._project_id, resources, files)

    def _shown(self, item: Item) -> dict[str, object]:
        return render.message(item, self._bundle.thread.id)


def _as_stored(new: NewRun) -> StoredRun:
    return StoredRun(
        seq=0,
        project_id=new.project_id,
        id=new.id,
        thread_id=new.thread_id,
        assistant_id=new.assistant_id,
        status=new.status,
        created_at=new.created_at,
        expires_at=new.expires_at,
        attempt=0,
        lease_owner=None,
        document=new.document,
        metadata=new.metadata,
    )
