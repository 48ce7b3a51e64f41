"""Who answers a voice turn: a chat model, or an assistant on a thread, by a run like any other."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec

from understudy.chat.completion import ChatCompletions
from understudy.engines.registry import NOBODY, Asker
from understudy.errors import ProviderFailed
from understudy.runs.requests import Accepted, Runs, Surface
from understudy.runs.states import TERMINAL
from understudy.runs.stream import Streams
from understudy.runs.voice import VoiceAnswer
from understudy.store.idempotency import Creation
from understudy.store.runs import Event
from understudy.wire.audio_turns import TurnRequest
from understudy.wire.chat import ChatChunk
from understudy.wire.messages import CreateMessage
from understudy.wire.runs import CreateRun, CreateThreadAndRun
from understudy.wire.threads import CreateThread

_RUN = "thread.run."
_RESTING = frozenset({*TERMINAL, "requires_action"})
_FAILED = frozenset({"failed", "expired", "cancelled"})


class ChatAnswers:
    """A chat model that is shown the messages of the request and what was said."""

    def __init__(self, chat: ChatCompletions, wanted: TurnRequest, asker: Asker = NOBODY) -> None:
        self._chat = chat
        self._wanted = wanted
        self._asker = asker

    @asynccontextmanager
    async def open(self, said: str) -> AsyncIterator[VoiceAnswer]:
        """Open the answer; leaving the block cancels it."""
        prepared = await self._chat.prepare(chat_body(self._wanted, said), self._asker)
        async with self._chat.stream(prepared) as stream:
            async with aclosing(_content(stream.chunks)) as texts:
                yield VoiceAnswer(texts, stream.answered.model)


class RunAnswers:
    """An assistant: what was said becomes a message, and the answer a run that survives us."""

    def __init__(self, surface: Surface, wanted: TurnRequest, creation: Creation) -> None:
        """`creation` tells this request from a repeated one."""
        self._surface = surface
        self._wanted = wanted
        self._creation = creation

    @asynccontextmanager
    async def open(self, said: str) -> AsyncIterator[VoiceAnswer]:
        """Open the answer; leaving the block leaves the run to itself."""
        async with answer_of(await self._begin(said), self._surface.streams) as answer:
            yield answer

    async def _begin(self, said: str) -> Accepted:
        wanted = self._wanted
        assert wanted.assistant_id is not None
        message = CreateMessage(role="user", content=said)
        creation = replace(self._creation, request=self._creation.request + said.encode())
        runs = Runs(self._surface, creation.project_id)
        options: dict[str, Any] = {
            "assistant_id": wanted.assistant_id,
            "model": wanted.model,
            "instructions": wanted.instructions,
        }
        if wanted.thread_id is None:
            thread = CreateThread(messages=[message])
            return await runs.create_with_thread(
                creation, CreateThreadAndRun(thread=thread, **options)
            )
        run = CreateRun(additional_messages=[message], **options)
        return await runs.create(creation, wanted.thread_id, run)


@asynccontextmanager
async def answer_of(accepted: Accepted, streams: Streams) -> AsyncIterator[VoiceAnswer]:
    """Open the answer that a run writes; leaving the block leaves the run to itself."""
    run = accepted.run
    answer = VoiceAnswer(_nothing(), run.model, run.thread_id, run.id, run.status)
    events = streams.follow(accepted.run_seq, accepted.after)
    async with aclosing(events), aclosing(_texts(events, answer)) as texts:
        answer.texts = texts
        yield answer


def chat_body(wanted: TurnRequest, said: str) -> dict[str, Any]:
    """Return the chat request of a turn."""
    messages = [*(wanted.messages or []), {"role": "user", "content": said}]
    if wanted.instructions:
        messages.insert(0, {"role": "system", "content": wanted.instructions})
    return {"model": wanted.model, "messages": messages, "stream": True}


async def _content(chunks: AsyncIterator[object]) -> AsyncGenerator[str, None]:
    async for chunk in chunks:
        assert isinstance(chunk, ChatChunk)
        for choice in chunk.choices:
            if choice.delta.content:
                yield choice.delta.content


async def _texts(
    events: AsyncGenerator[Event, None], answer: VoiceAnswer
) -> AsyncGenerator[str, None]:
    """Yield the texts of a run's messages, and tell `answer` how the run ended."""
    async for event in events:
        if event.name == "thread.message.delta":
            for text in texts_of(event.data):
                yield text
        status = event.name.removeprefix(_RUN)
        if status in _RESTING:
            answer.status = status
        if status in _FAILED:
            raise ProviderFailed(_reason(event.data, status))


def texts_of(data: str) -> list[str]:
    """Return the texts that a delta of a message adds."""
    parts = msgspec.json.decode(data)["delta"].get("content") or []
    texts = [part.get("text", {}).get("value") for part in parts]
    return [text for text in texts if text]


def _reason(data: str, status: str) -> str:
    run = msgspec.json.decode(data)
    error = run.get("last_error") or {}
    return f"The run {run['id']} ended as '{status}': {error.get('message') or 'no reason given'}"


async def _nothing() -> AsyncGenerator[str, None]:
    return
    yield
