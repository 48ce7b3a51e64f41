"""Talking to an instance on its own thread: each message is answered by a run that survives us."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from msgspec import UNSET, structs

from understudy.characters.characters import characters_of
from understudy.characters.instances import find_instance
from understudy.characters.remembering import Memories
from understudy.engines.collect import Collector
from understudy.errors import (
    InvalidRequest,
    ProviderFailed,
    TooMany,
    UnderstudyError,
    UnsupportedParameter,
)
from understudy.runs.requests import Accepted, Runs, Surface
from understudy.runs.states import TERMINAL
from understudy.runs.voice import VoiceAnswer
from understudy.runs.voice_answers import answer_of, texts_of
from understudy.store.idempotency import Creation
from understudy.store.items import Log
from understudy.store.objects import StoredObject
from understudy.wire.audio_turns import TurnRequest, TurnSpeech
from understudy.wire.chat import ChatChunk, ChunkChoice, Delta, Usage
from understudy.wire.instance_turns import ChatWithInstance, InstanceAnswer, SpeakWithInstance
from understudy.wire.memories import MemoryChange
from understudy.wire.messages import CreateMessage
from understudy.wire.runs import CreateRun, Run

_RUN = "thread.run."
_LEARNED = 50
"""How many changes of one message an answer tells of."""
_DEFAULT_VOICE = "alloy"


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn whose message is stored and whose run goes on by itself."""

    accepted: Accepted
    instance: StoredObject

    @property
    def model(self) -> str:
        """The instance as a model."""
        return f"instance:{self.instance.name}"


class InstanceTurns:
    """The turns of one project's instances. Methods raise NotFound for an unknown instance."""

    def __init__(self, surface: Surface, project_id: str) -> None:
        self._surface = surface
        self._project_id = project_id

    async def begin(
        self, creation: Creation, reference: str, wanted: ChatWithInstance | SpeakWithInstance
    ) -> Begun:
        """Store a message and queue the run that answers it, in one transaction.

        Raises InvalidRequest while an earlier message is being answered.
        """
        instance = await self._found(reference)
        message = CreateMessage(role="user", content=wanted.message, metadata=wanted.metadata)
        run = CreateRun(
            assistant_id=instance.id,
            additional_messages=[message],
            additional_instructions=wanted.instructions,
        )
        runs = Runs(self._surface, self._project_id, _stand_in(instance))
        return Begun(await runs.create(creation, instance.document["thread_id"], run), instance)

    async def chunks(self, begun: Begun) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer as a chat completion's chunks, the usage on the last.

        Raises what the run failed with. Whoever leaves earlier leaves the run to itself.
        """
        run = begun.accepted.run
        head = ChatChunk(run.id, run.created_at, begun.model, [])
        yield _with(head, Delta(role="assistant", content=""))
        events = self._surface.streams.follow(begun.accepted.run_seq, begun.accepted.after)
        async with aclosing(events):
            async for event in events:
                if event.name == "thread.message.delta":
                    for text in texts_of(event.data):
                        yield _with(head, Delta(content=text))
                if event.name.removeprefix(_RUN) in TERMINAL:
                    run = msgspec.json.decode(event.data, type=Run)
        if run.status not in ("completed", "incomplete"):
            raise _failure(run)
        last = _with(head, Delta(), "stop" if run.status == "completed" else "length")
        yield structs.replace(last, usage=_usage(run))

    async def answer(self, begun: Begun) -> InstanceAnswer:
        """Return the whole answer, with what was learned from the message."""
        collector = Collector()
        async with aclosing(self.chunks(begun)) as chunks:
            async for chunk in chunks:
                collector.add(chunk)
        made = collector.completion()
        run = begun.accepted.run
        message_id = await self._message_of(run)
        return InstanceAnswer(
            **{name: getattr(made, name) for name in made.__struct_fields__},
            instance_id=begun.instance.id,
            thread_id=run.thread_id,
            run_id=run.id,
            message_id=message_id,
            memory_changes=await self._learned(begun.instance.id, message_id),
        )

    @asynccontextmanager
    async def spoken(self, begun: Begun) -> AsyncIterator[VoiceAnswer]:
        """Open the answer as text to be spoken; leaving the block leaves the run to itself."""
        async with answer_of(begun.accepted, self._surface.streams) as answer:
            yield answer

    async def voice(self, reference: str) -> str:
        """Return the voice of an instance: its own, its character's, or the usual one."""
        instance = await self._found(reference)
        if own := instance.document["voice"]:
            return str(own)
        character = await self._character(instance)
        return str(character.document["voice"] or _DEFAULT_VOICE)

    async def _found(self, reference: str) -> StoredObject:
        async with self._surface.storage.database.read() as connection:
            return await find_instance(connection, self._project_id, reference)

    async def _character(self, instance: StoredObject) -> StoredObject:
        async with self._surface.storage.database.read() as connection:
            return await characters_of(self._project_id).find(connection, instance.parent)

    async def _message_of(self, run: Run) -> str | None:
        """Return the id of the message that a run answers."""
        async with self._surface.storage.database.read() as connection:
            items = await Log(self._project_id, run.thread_id).all(connection)
        places = [place for place, item in enumerate(items) if item.run_id == run.id]
        before = items[: places[0]] if places else items
        said = [item for item in before if item.type == "message"]
        return next((one.id for one in reversed(said) if one.document["role"] == "user"), None)

    async def _learned(self, instance_id: str, message_id: str | None) -> list[MemoryChange]:
        memories = Memories(self._surface.storage, self._project_id)
        return await memories.learned_from(instance_id, message_id, _LEARNED) if message_id else []


class InstanceAnswers:
    """An instance as who answers a voice turn."""

    def __init__(
        self, turns: InstanceTurns, reference: str, creation: Creation, instructions: str | None
    ) -> None:
        """`creation` tells this request from a repeated one."""
        self._turns = turns
        self._reference = reference
        self._creation = creation
        self._instructions = instructions

    @asynccontextmanager
    async def open(self, said: str) -> AsyncIterator[VoiceAnswer]:
        """Open the answer to what was said; leaving the block leaves the run to itself."""
        creation = replace(self._creation, request=self._creation.request + said.encode())
        wanted = ChatWithInstance(said, instructions=self._instructions)
        begun = await self._turns.begin(creation, self._reference, wanted)
        async with self._turns.spoken(begun) as answer:
            yield answer


async def answers_of_instance(
    turns: InstanceTurns, reference: str, wanted: TurnRequest, creation: Creation
) -> tuple[TurnRequest, InstanceAnswers]:
    """Return who answers a voice turn with an instance, and the turn in the instance's voice.

    Raises NotFound, or UnsupportedParameter for what only other turns can have.
    """
    for name in ("model", "messages", "assistant_id", "thread_id"):
        if getattr(wanted, name) is not None:
            raise UnsupportedParameter(
                f"An instance answers with its own model on its own thread: leave out '{name}'.",
                param=name,
            )
    voice = await turns.voice(reference)
    if wanted.speech.voice == TurnSpeech().voice:
        wanted = structs.replace(wanted, speech=structs.replace(wanted.speech, voice=voice))
    return wanted, InstanceAnswers(turns, reference, creation, wanted.instructions)


def _stand_in(instance: StoredObject) -> StoredObject:
    """Return an instance as the assistant of its runs: the model itself brings what it is."""
    document: dict[str, Any] = {"model": f"instance:{instance.id}", "tools": []}
    return replace(instance, document=document)


def _with(head: ChatChunk, delta: Delta, finish_reason: str | None = None) -> ChatChunk:
    return structs.replace(head, choices=[ChunkChoice(0, delta, finish_reason)], usage=UNSET)


def _usage(run: Run) -> Usage:
    used = run.usage
    if not used:
        return Usage()
    return Usage(used.prompt_tokens, used.completion_tokens, used.total_tokens)


def _failure(run: Run) -> UnderstudyError:
    """Return what a run failed with, as a request that is answered at once would have."""
    if run.last_error is None:
        return ProviderFailed(f"The run {run.id} ended as '{run.status}'.")
    message = run.last_error.message
    match run.last_error.code:
        case "rate_limit_exceeded":
            return TooMany(message)
        case "invalid_prompt":
            return InvalidRequest(message)
    return ProviderFailed(message)
