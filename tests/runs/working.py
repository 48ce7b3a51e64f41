"""Workers of runs over a real database, and a model whose every word the test gives.

A crash leaves the old process at work, as one is that was only paused: the leases pass to the next,
and nothing that the old one still does may count.
"""

import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from msgspec import UNSET
from tests.runs.legal_order import Law

from understudy.chat.completion import Answered, ChatCompletions, Prepared, StreamAnswer
from understudy.engines.registry import Registry
from understudy.errors import UnderstudyError
from understudy.runs.asking import Asking
from understudy.runs.assistants import Assistants
from understudy.runs.commits import Commits
from understudy.runs.dispatch import Dispatcher
from understudy.runs.messages import Messages
from understudy.runs.requests import Runs, Surface
from understudy.runs.searching import Searches
from understudy.runs.stream import Streams
from understudy.runs.threads import Threads
from understudy.runs.worker import Surroundings
from understudy.settings import Settings
from understudy.store import runs as stored
from understudy.store.idempotency import Creation
from understudy.store.keys import project_id
from understudy.store.storage import Storage
from understudy.wire.assistants import parse_create_assistant
from understudy.wire.chat import (
    ChatChunk,
    ChunkChoice,
    Delta,
    FunctionDelta,
    ToolCallDelta,
    Usage,
)
from understudy.wire.messages import CreateMessage
from understudy.wire.runs import CreateRun
from understudy.wire.threads import CreateThread

WAIT_S = 8.0
"""How long a test waits for what must happen; only a failing test waits so long."""
_LOOK_EVERY_S = 0.005
_TOOL = {"type": "function", "function": {"name": "note", "parameters": {"type": "object"}}}
_USAGE = Usage(3, 5, 8)


def chunk(delta: Delta, finish: str | None = None) -> ChatChunk:
    """Return a chunk of an answer; the last one has the usage."""
    usage = UNSET if finish is None else _USAGE
    return ChatChunk("chatcmpl-1", 1, "m", [ChunkChoice(0, delta, finish)], usage)


def said(text: str) -> ChatChunk:
    """Return a chunk with a piece of text."""
    return chunk(Delta(content=text))


def called(id_: str, arguments: str = "{}", index: int = 0) -> ChatChunk:
    """Return a chunk with a whole call of the function `note`."""
    function = FunctionDelta("note", arguments)
    return chunk(Delta(tool_calls=[ToolCallDelta(index, id_, "function", function)]))


def ended(finish: str = "stop") -> ChatChunk:
    """Return the last chunk of an answer."""
    return chunk(Delta(), finish)


class OpenCall:
    """A call of the model that waits for the test to answer."""

    def __init__(
        self,
        request: dict[str, Any],
        answers: MemoryObjectSendStream[ChatChunk | UnderstudyError],
    ) -> None:
        self.request = request
        self._answers = answers
        self.is_over = anyio.Event()
        """Set when nobody listens any more."""

    async def say(self, *pieces: ChatChunk | UnderstudyError) -> None:
        """Send the next chunks, or the error that ends the answer, if anybody listens."""
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            for piece in pieces:
                await self._answers.send(piece)


class ScriptedChat(ChatCompletions):
    """A model that says what the test says, call by call."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self.open: list[OpenCall] = []
        """The calls that have not ended, oldest first."""
        self._opened = anyio.Event()

    @asynccontextmanager
    async def stream(self, prepared: Prepared, recording: object = None) -> AsyncIterator[Any]:
        """Open a call and yield what it is given."""
        send, receive = anyio.create_memory_object_stream[ChatChunk | UnderstudyError](100)
        call = OpenCall(dict(prepared.request), send)
        self.open.append(call)
        self._opened.set()
        try:
            with send, receive:
                yield StreamAnswer(_answers(receive), Answered("m"))
        finally:
            self.open.remove(call)
            call.is_over.set()

    async def next_call(self) -> OpenCall:
        """Return the oldest call, waiting for one."""
        with anyio.fail_after(WAIT_S):
            while not self.open:
                self._opened = anyio.Event()
                await self._opened.wait()
        return self.open[0]


async def _answers(receive: Any) -> AsyncIterator[ChatChunk]:
    async for piece in receive:
        if isinstance(piece, UnderstudyError):
            raise piece
        yield piece
        if piece.choices[0].finish_reason is not None:
            return


class Process:
    """One process that works on runs: its dispatcher, its readers, its model."""

    def __init__(self, storage: Storage, data_dir: Path) -> None:
        settings = Settings(data_dir=data_dir, shutdown_grace_s=0)
        registry = Registry(settings)
        self.chat = ScriptedChat(registry)
        self.streams = Streams(storage)
        surroundings = Surroundings(
            storage=storage,
            streams=self.streams,
            chat=self.chat,
            asking=Asking(storage, registry, self.chat),
            searches=Searches(storage, None, 0),
            tool_rounds=settings.runs.tool_rounds,
        )
        commits = Commits(storage, self.streams)
        self.dispatcher = Dispatcher(storage, settings, surroundings, commits, self.streams)
        self.life = anyio.CancelScope()
        self.surface = Surface(storage, self.streams, self.dispatcher, settings.runs, lambda: None)

    async def run(self) -> None:
        """Work until the life of this process is cancelled."""
        with self.life:
            await self.dispatcher.run()


class Working:
    """A project with an assistant, and the process that works on its runs."""

    def __init__(self, storage: Storage, data_dir: Path, tasks: anyio.abc.TaskGroup) -> None:
        self.storage = storage
        self._data_dir = data_dir
        self._tasks = tasks
        self._replaced: list[Process] = []
        self._begin()

    async def prepare(self) -> None:
        """Make the assistant."""
        self.project_id = await project_id(self.storage.database)
        assistants = Assistants(self.storage, self.project_id, lambda: None, "")
        wanted = parse_create_assistant({"model": "understudy-extractive", "tools": [_TOOL]})
        made = await assistants.create(Creation(self.project_id), wanted)
        self.assistant_id = made.id

    @property
    def chat(self) -> ScriptedChat:
        """The model of the process that works now."""
        return self.process.chat

    @property
    def runs(self) -> Runs:
        """The runs, as clients ask for them."""
        return Runs(self.process.surface, self.project_id)

    @property
    def threads(self) -> Threads:
        """The threads, as clients ask for them."""
        return Threads(self.storage, self.project_id, lambda: None, self.process.streams)

    def messages(self, thread_id: str) -> Messages:
        """Return the messages of a thread, as clients ask for them."""
        return Messages(self.storage, self.project_id, thread_id, lambda: None)

    async def new_thread(self, text: str = "hello") -> str:
        """Make a thread with a message."""
        wanted = CreateThread(messages=[CreateMessage("user", text)])
        return (await self.threads.create(Creation(self.project_id), wanted)).id

    async def new_run(self, thread_id: str) -> str:
        """Have a run made."""
        wanted = CreateRun(assistant_id=self.assistant_id)
        accepted = await self.runs.create(Creation(self.project_id), thread_id, wanted)
        return accepted.run.id

    async def crash(self) -> None:
        """Let another process take over; the old one goes on with what it was doing."""
        await self.process.dispatcher.drain()
        self._replaced.append(self.process)
        self._begin()

    @property
    def forgotten_calls(self) -> list[OpenCall]:
        """The calls of the model that processes which were replaced still wait for."""
        return [call for process in self._replaced for call in process.chat.open]

    def bury(self) -> None:
        """End the processes that were replaced."""
        for process in self._replaced:
            process.life.cancel()
        self._replaced.clear()

    async def wait_for(self, thread_id: str, run_id: str, *statuses: str) -> Any:
        """Return a run once it has one of these statuses."""
        with anyio.fail_after(WAIT_S):
            while True:
                run = await self.runs.find(thread_id, run_id)
                if run.status in statuses:
                    return run
                await anyio.sleep(_LOOK_EVERY_S)

    async def law(self, run_seq: int) -> Law:
        """Return what is to be said against the events of a run."""
        law = Law()
        async with self.storage.database.read() as connection:
            events = await stored.read_events(connection, run_seq, after=0, limit=100_000)
        for number, event in enumerate(events, start=1):
            if event.number != number:
                law.faults.append(f"event {number} is missing")
            law.take(event.name, json.loads(event.data))
        return law

    def _begin(self) -> None:
        self.process = Process(self.storage, self._data_dir)
        self._tasks.start_soon(self.process.run)
