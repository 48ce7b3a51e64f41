"""What clients ask of runs: to make one, to read it, to cancel it, and the outputs it waits for.

A request is answered once its rows are committed; whoever works on the run is told after that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import InvalidRequest, InvalidValue, NotFound, TooMany
from understudy.ids import derived_id, new_id, now_s
from understudy.runs.assistants import assistants_of
from understudy.runs.commits import NewEvent, Rows, Write, write
from understudy.runs.messages import add_messages, brings_files, threads_of
from understudy.runs.project_runs import event, row_of, run_event, run_of, step_of
from understudy.runs.states import sources
from understudy.runs.stream import Streams
from understudy.runs.threads import insert_thread, thread_of
from understudy.runs.tool_resources import resources_in
from understudy.runs.transitions import moved, values_of
from understudy.settings import RunSettings
from understudy.store import runs
from understudy.store.idempotency import Creation
from understudy.store.items import Item, Log
from understudy.store.objects import StoredObject
from understudy.store.pages import PageQuery
from understudy.store.runs import Change, Event, NewRun, StoredRun
from understudy.store.storage import Storage
from understudy.wire.assistant_tools import Tool
from understudy.wire.runs import (
    CreateRun,
    CreateThreadAndRun,
    Run,
    RunOptions,
    SubmitToolOutputs,
    ToolCall,
    check_chosen_tool,
)
from understudy.wire.steps import FunctionToolCall, RunStep, ToolCallsDetails
from understudy.wire.threads import CreateThread

_BUSY_RETRY_S = 5


class Workers(Protocol):
    """Who works on runs."""

    def wake(self) -> None:
        """Look for runs that wait."""
        ...

    def interrupt(self, run_seq: int) -> None:
        """Stop working on a run that is not to go on."""
        ...


@dataclass(frozen=True, slots=True)
class Surface:
    """What the requests of all projects share; `wake_ingest` is called if files are to be read."""

    storage: Storage
    streams: Streams
    workers: Workers
    settings: RunSettings
    wake_ingest: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A run that goes on by itself, and after which event its stream begins for this client."""

    run: Run
    run_seq: int
    after: int = 0


class Runs:
    """The runs of one project. Methods raise NotFound for what it does not have."""

    def __init__(
        self, surface: Surface, project_id: str, stand_in: StoredObject | None = None
    ) -> None:
        """`stand_in` is taken for the assistant that requests name by its id."""
        self._surface = surface
        self._storage = surface.storage
        self._project_id = project_id
        self._stand_in = stand_in

    async def create(self, creation: Creation, thread_id: str, wanted: CreateRun) -> Accepted:
        """Queue a run. Raises InvalidRequest while the thread has an active one."""
        async with self._storage.database.write() as connection:
            await threads_of(self._project_id).find(connection, thread_id, for_update=True)
            id_ = new_id("run")
            if earlier := await creation.claim(connection, id_):
                return _accepted(await self._found(connection, thread_id, earlier))
            await self._refuse_second(connection, thread_id)
            messages = wanted.additional_messages or []
            await add_messages(
                connection, self._project_id, thread_id, messages, "additional_messages"
            )
            run, events = await self._insert(
                connection,
                thread_id,
                id_,
                wanted,
                additional_instructions=wanted.additional_instructions,
            )
        self._tell(run, events, has_files=brings_files(messages))
        return _accepted(run)

    async def create_with_thread(self, creation: Creation, wanted: CreateThreadAndRun) -> Accepted:
        """Make a thread and queue a run of it."""
        thread = wanted.thread or CreateThread()
        if thread.tool_resources is None and wanted.tool_resources is not None:
            thread = structs.replace(thread, tool_resources=wanted.tool_resources)
        async with self._storage.database.write() as connection:
            thread_id, id_ = new_id("thread"), new_id("run")
            if earlier := await creation.claim(connection, f"{thread_id}/{id_}"):
                thread_id, _, id_ = earlier.partition("/")
                return _accepted(await self._found(connection, thread_id, id_))
            made = await insert_thread(connection, self._project_id, thread_id, thread, "thread.")
            created = event("thread.created", thread_of(made))
            run, events = await self._insert(connection, thread_id, id_, wanted, before=[created])
        self._tell(run, events, has_files=_brings_work(thread))
        return _accepted(run)

    async def find(self, thread_id: str, id_: str) -> Run:
        """Return a run."""
        return run_of(await self._read(thread_id, id_))

    async def page(self, thread_id: str, query: PageQuery) -> tuple[list[Run], bool]:
        """Return one page of a thread's runs, and whether there are more."""
        async with self._storage.database.read() as connection:
            await threads_of(self._project_id).find(connection, thread_id)
            found, has_more = await runs.page(connection, self._project_id, thread_id, query)
        return [run_of(run) for run in found], has_more

    async def set_metadata(self, thread_id: str, id_: str, metadata: dict[str, str]) -> Run:
        """Replace the metadata of a run."""
        async with self._storage.database.write() as connection:
            run = await self._found(connection, thread_id, id_)
            await runs.set_metadata(connection, run, metadata)
            return run_of(await self._found(connection, thread_id, id_))

    async def steps(self, thread_id: str, id_: str, query: PageQuery) -> tuple[list[RunStep], bool]:
        """Return one page of a run's steps, and whether there are more."""
        async with self._storage.database.read() as connection:
            run = await self._found(connection, thread_id, id_)
            found, has_more = await runs.page_steps(connection, run.seq, query)
        return [step_of(step) for step in found], has_more

    async def step(self, thread_id: str, run_id: str, id_: str) -> RunStep:
        """Return a step."""
        async with self._storage.database.read() as connection:
            run = await self._found(connection, thread_id, run_id)
            return step_of(await runs.find_step(connection, run.seq, id_))

    async def cancel(self, thread_id: str, id_: str) -> Run:
        """Have a run end. Raises InvalidRequest for one that is over or about to be."""
        async with self._storage.database.write() as connection:
            run = await self._found(connection, thread_id, id_, for_update=True)
            if run.status not in sources("cancel"):
                raise InvalidRequest(f"Cannot cancel run with status '{run.status}'.")
            run = moved(run, "cancel", expires_at=now_s() + self._surface.settings.timeout_s)
            events = await _written(connection, run, sources("cancel"), Rows([run_event(run)]))
        self._surface.streams.publish(run.seq, events)
        self._surface.workers.interrupt(run.seq)
        return run_of(run)

    async def submit(self, thread_id: str, id_: str, wanted: SubmitToolOutputs) -> Accepted:
        """Take the outputs that a run waits for, all at once and only once."""
        async with self._storage.database.write() as connection:
            run = await self._found(connection, thread_id, id_, for_update=True)
            if run.status != "requires_action":
                raise InvalidRequest(f"Runs in status '{run.status}' do not accept tool outputs.")
            outputs = _outputs_by_call(run_of(run), wanted)
            step = await self._open_calls(connection, run, outputs)
            items = [_output_item(run, step.id, id_, text) for id_, text in outputs.items()]
            log = Log(run.project_id, run.thread_id)
            run = moved(run, "submit", expires_at=now_s() + self._surface.settings.timeout_s)
            rows = Rows(
                events=[event("thread.run.step.completed", step), run_event(run)],
                items=[log.row(item) for item in items],
                steps=[row_of(run, step)],
            )
            events = await _written(connection, run, sources("submit"), rows)
        self._tell(run, events, has_files=False)
        return Accepted(run_of(run), run.seq, after=events[0].number - 1)

    async def follow(self, thread_id: str, id_: str, after: int) -> Accepted:
        """Return a run whose stream is to be read from the event that follows number `after`."""
        run = await self._read(thread_id, id_)
        return Accepted(run_of(run), run.seq, after)

    async def _read(self, thread_id: str, id_: str) -> StoredRun:
        async with self._storage.database.read() as connection:
            return await self._found(connection, thread_id, id_)

    async def _found(
        self, connection: AsyncConnection, thread_id: str, id_: str, *, for_update: bool = False
    ) -> StoredRun:
        await threads_of(self._project_id).find(connection, thread_id)
        return await runs.find(connection, self._project_id, thread_id, id_, for_update=for_update)

    async def _refuse_second(self, connection: AsyncConnection, thread_id: str) -> None:
        if run := await runs.find_active(connection, self._project_id, thread_id):
            # Programs search for this text.
            raise InvalidRequest(
                f"Thread {thread_id} already has an active run {run.id}.",
                code="thread_has_active_run",
            )

    async def _insert(
        self,
        connection: AsyncConnection,
        thread_id: str,
        id_: str,
        wanted: RunOptions,
        *,
        before: Sequence[NewEvent] = (),
        additional_instructions: str | None = None,
    ) -> tuple[StoredRun, list[Event]]:
        settings = self._surface.settings
        if await runs.count_active(connection) >= settings.max_active:
            raise TooMany(
                f"There are {settings.max_active} active runs, as many as the setting "
                "runs.max_active allows. Try again when some have ended.",
                retry_after_s=_BUSY_RETRY_S,
            )
        assistant = await self._assistant(connection, wanted.assistant_id)
        now = now_s()
        run = await runs.insert(
            connection,
            NewRun(
                project_id=self._project_id,
                id=id_,
                thread_id=thread_id,
                assistant_id=assistant.id,
                status="queued",
                created_at=now,
                document=_document(wanted, assistant.document, additional_instructions),
                metadata=wanted.metadata or {},
                expires_at=now + settings.timeout_s,
            ),
        )
        queued = run_of(run)
        told = [event("thread.run.created", queued), event("thread.run.queued", queued)]
        rows = Rows([*before, *told])
        events = await write(connection, Write(Change(run.seq, ("queued",)), rows))
        return run, events or []

    async def _assistant(self, connection: AsyncConnection, id_: str) -> StoredObject:
        if self._stand_in is not None and self._stand_in.id == id_:
            return self._stand_in
        try:
            return await assistants_of(self._project_id).find(connection, id_)
        except NotFound as error:
            raise NotFound(error.message, param="assistant_id", code="not_found") from error

    async def _open_calls(
        self, connection: AsyncConnection, run: StoredRun, outputs: dict[str, str]
    ) -> RunStep:
        """Return the step of the run's open calls, completed with their outputs."""
        steps = [step_of(step) for step in await runs.steps(connection, run.seq)]
        step = next(step for step in reversed(steps) if step.status == "in_progress")
        assert isinstance(step.step_details, ToolCallsDetails)
        calls = [
            structs.replace(call, function=structs.replace(call.function, output=outputs[call.id]))
            if isinstance(call, FunctionToolCall)
            else call
            for call in step.step_details.tool_calls
        ]
        return structs.replace(
            step,
            status="completed",
            completed_at=now_s(),
            step_details=ToolCallsDetails(calls),
        )

    def _tell(self, run: StoredRun, events: Sequence[Event], *, has_files: bool) -> None:
        self._surface.streams.publish(run.seq, events)
        self._surface.workers.wake()
        if has_files:
            self._surface.wake_ingest()


def _brings_work(thread: CreateThread) -> bool:
    """Tell whether files come with a thread that are to be read."""
    return thread.tool_resources is not None or brings_files(thread.messages or [])


def _accepted(run: StoredRun) -> Accepted:
    return Accepted(run_of(run), run.seq)


async def _written(
    connection: AsyncConnection, run: StoredRun, from_: frozenset[Any], rows: Rows
) -> list[Event]:
    """Write a run that has moved; its row is locked, so that it must be possible."""
    events = await write(connection, Write(Change(run.seq, from_, values_of(run)), rows))
    if events is None:
        raise InvalidRequest(f"The run '{run.id}' has changed meanwhile. Read it again.")
    return events


def _document(
    wanted: RunOptions, assistant: dict[str, Any], additional_instructions: str | None
) -> dict[str, Any]:
    """Return what is fixed for a run: what the request says, else what the assistant says."""
    instructions = wanted.instructions
    if instructions is None:
        instructions = assistant.get("instructions") or ""
    if additional_instructions:
        instructions = f"{instructions}\n\n{additional_instructions}".strip()
    tools = msgspec.to_builtins(wanted.tools) if wanted.tools is not None else assistant["tools"]
    choice = wanted.tool_choice or "auto"
    check_chosen_tool(choice, msgspec.convert(tools, list[Tool]))
    document = {
        "instructions": instructions,
        "tools": tools,
        "tool_choice": msgspec.to_builtins(choice),
        "parallel_tool_calls": wanted.parallel_tool_calls is not False,
        "max_prompt_tokens": wanted.max_prompt_tokens,
        "max_completion_tokens": wanted.max_completion_tokens,
        "truncation_strategy": msgspec.to_builtins(wanted.truncation_strategy)
        or {"type": "auto", "last_messages": None},
        "file_ids": assistant.get("file_ids") or [],
        "assistant_store_ids": resources_in(assistant).store_ids,
    }
    for name in ("model", "temperature", "top_p", "response_format", "reasoning_effort"):
        given = msgspec.to_builtins(getattr(wanted, name))
        document[name] = assistant.get(name) if given is None else given
    if document["reasoning_effort"] is None:
        del document["reasoning_effort"]
    return document


def _outputs_by_call(run: Run, wanted: SubmitToolOutputs) -> dict[str, str]:
    """Return the output of each call that the run waits for, in the order of the calls.

    Raises InvalidValue for a call that is missing or unknown.
    """
    assert run.required_action is not None
    calls: list[ToolCall] = run.required_action.submit_tool_outputs.tool_calls
    expected = [call.id for call in calls]
    given = {output.tool_call_id: output.output or "" for output in wanted.tool_outputs}
    for index, output in enumerate(wanted.tool_outputs):
        if output.tool_call_id not in expected:
            raise InvalidValue(
                f"tool_outputs[{index}].tool_call_id",
                f"the run waits for no call '{output.tool_call_id}'",
            )
    if missing := [id_ for id_ in expected if id_ not in given]:
        raise InvalidValue(
            "tool_outputs",
            f"expected outputs for the calls {', '.join(expected)} together; "
            f"missing: {', '.join(missing)}",
        )
    return {id_: given[id_] for id_ in expected}


def _output_item(run: StoredRun, step_id: str, call_id: str, output: str) -> Item:
    id_ = derived_id("fco", run.project_id, run.id, step_id, call_id)
    document = {
        "type": "function_call_output",
        "id": id_,
        "call_id": call_id,
        "output": output,
        "status": "completed",
    }
    return Item(id_, "function_call_output", now_s(), document, run_id=run.id, step_id=step_id)
