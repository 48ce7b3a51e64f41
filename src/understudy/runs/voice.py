"""One voice turn: a recording is heard, answered, and the answer spoken while it is written.

Who answers is passed in. Knows no HTTP, and nothing of how a recording arrived.
"""

import base64
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from understudy.errors import InvalidValue, UnderstudyError
from understudy.speech.codec import encoded
from understudy.speech.sentences import SentenceCutter
from understudy.speech.stt import HeardText, Recording, Transcripts
from understudy.speech.tts import Manner, Speeches, TurnVoice
from understudy.wire.audio import TranscriptionRequest
from understudy.wire.audio_turns import (
    TurnAudioDelta,
    TurnDone,
    TurnEvent,
    TurnLatency,
    TurnRequest,
    TurnTextDelta,
    TurnTranscript,
)

_AHEAD = 32
"""Events made before the client has taken them."""


@dataclass(slots=True)
class VoiceAnswer:
    """An answer that is being written; `status` is final once `texts` has ended."""

    texts: AsyncGenerator[str, None]
    model: str
    thread_id: str | None = None
    run_id: str | None = None
    status: str = "completed"


class Answers(Protocol):
    """Who answers what was said."""

    def open(self, said: str) -> AbstractAsyncContextManager[VoiceAnswer]:
        """Open the answer; raises what the model raises."""
        ...


@dataclass(slots=True)
class TurnStream:
    """A turn as an open stream of events."""

    chunks: AsyncIterator[TurnEvent]
    headers: dict[str, str]


class Turns:
    """Voice turns with the speech engines of one server."""

    def __init__(self, transcripts: Transcripts, speeches: Speeches) -> None:
        self._transcripts = transcripts
        self._speeches = speeches

    @asynccontextmanager
    async def open(
        self, wanted: TurnRequest, recording: Recording, answers: Answers
    ) -> AsyncIterator[TurnStream]:
        """Open a turn: it is heard when the block begins; leaving the block ends what goes on.

        Raises InvalidRequest for a recording in which nothing is said, and what engines raise.
        """
        clock = _Clock()
        voice = await self._speeches.voice(_manner(wanted))
        heard = await self._transcripts.text(_hearing(wanted), recording)
        clock.note("transcript")
        if not heard.text:
            raise InvalidValue("file", "nothing is said in it, or it could not be understood")
        failure: UnderstudyError | None = None
        async with answers.open(heard.text) as answer:
            turn = _Turn(heard, answer, voice, clock)
            async with anyio.create_task_group() as tasks:
                send, receive = anyio.create_memory_object_stream[_Item](_AHEAD)
                tasks.start_soon(turn.produce, send)
                try:
                    with send, receive:
                        yield TurnStream(turn.events(receive), _headers(heard, answer, voice))
                except UnderstudyError as error:  # carried past the group, which would wrap it
                    failure = error
                tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure


_Item = TurnEvent | UnderstudyError


class _Clock:
    """When each stage was first reached, in milliseconds."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._noted: dict[str, int] = {}

    def note(self, stage: str) -> None:
        self._noted.setdefault(stage, round((time.monotonic() - self._began) * 1000))

    def latency(self) -> TurnLatency:
        self.note("done")
        noted = self._noted
        return TurnLatency(
            transcript=noted["transcript"],
            first_text=noted.get("first_text"),
            first_audio=noted.get("first_audio"),
            text=noted["text"],
            done=noted["done"],
        )


@dataclass(slots=True)
class _Turn:
    """What one turn has said so far."""

    _heard: HeardText
    _answer: VoiceAnswer
    _voice: TurnVoice
    _clock: _Clock
    _texts: list[str] = field(default_factory=list)

    async def produce(self, send: MemoryObjectSendStream[_Item]) -> None:
        """Write and speak at the same time; the last item is the end, or what went wrong."""
        to_speaker, sentences = anyio.create_memory_object_stream[str](math.inf)
        failures: list[UnderstudyError] = []

        async def guarded(work: Callable[[], Awaitable[None]]) -> None:
            try:
                await work()
            except UnderstudyError as error:  # carried past the group, which would wrap it
                failures.append(error)
                tasks.cancel_scope.cancel()

        heard = self._heard
        async with send:
            await send.send(TurnTranscript(heard.text, heard.served, heard.language))
            # Closed here too: who is cancelled before it begins closes nothing.
            async with to_speaker, sentences, anyio.create_task_group() as tasks:
                tasks.start_soon(guarded, lambda: self._write(send, to_speaker))
                tasks.start_soon(guarded, lambda: self._speak(send, sentences))
            await send.send(failures[0] if failures else self._done())

    async def events(
        self, receive: MemoryObjectReceiveStream[_Item]
    ) -> AsyncGenerator[TurnEvent, None]:
        """Yield the events; raises what went wrong."""
        async for item in receive:
            if isinstance(item, UnderstudyError):
                raise item
            yield item

    async def _write(
        self, send: MemoryObjectSendStream[_Item], to_speaker: MemoryObjectSendStream[str]
    ) -> None:
        cutter = SentenceCutter()
        async with to_speaker, aclosing(self._answer.texts) as texts:
            async for text in texts:
                self._clock.note("first_text")
                self._texts.append(text)
                for sentence in cutter.feed(text):
                    to_speaker.send_nowait(sentence)
                await send.send(TurnTextDelta(text))
            self._clock.note("text")
            for sentence in cutter.finish():
                to_speaker.send_nowait(sentence)

    async def _speak(
        self, send: MemoryObjectSendStream[_Item], sentences: MemoryObjectReceiveStream[str]
    ) -> None:
        pcm = self._pcm(sentences)
        async with aclosing(encoded(pcm, self._voice.manner.audio_format)) as pieces:
            async for piece in pieces:
                self._clock.note("first_audio")
                await send.send(TurnAudioDelta(base64.b64encode(piece).decode()))

    async def _pcm(self, sentences: MemoryObjectReceiveStream[str]) -> AsyncGenerator[bytes, None]:
        async with sentences:
            async for sentence in sentences:
                async with aclosing(self._voice.speak(sentence)) as blocks:
                    async for block in blocks:
                        yield block

    def _done(self) -> TurnDone:
        answer, voice = self._answer, self._voice
        return TurnDone(
            transcript=self._heard.text,
            text="".join(self._texts),
            status=answer.status,
            model=answer.model,
            speech_model=voice.served,
            audio_format=voice.manner.audio_format,
            audio_seconds=round(voice.length.seconds, 3),
            latency_ms=self._clock.latency(),
            thread_id=answer.thread_id,
            run_id=answer.run_id,
        )


def _manner(wanted: TurnRequest) -> Manner:
    speech = wanted.speech
    return Manner(
        speech.model, speech.voice_id, speech.response_format, speech.speed, speech.instructions
    )


def _hearing(wanted: TurnRequest) -> TranscriptionRequest:
    heard = wanted.transcription
    return TranscriptionRequest(
        model=heard.model,
        response_format="json",
        prompt=heard.prompt,
        temperature=0.0,
        language=heard.language.lower() if heard.language else None,
    )


def _headers(heard: HeardText, answer: VoiceAnswer, voice: TurnVoice) -> dict[str, str]:
    return {"x-understudy-model": f"{heard.served}, {answer.model}, {voice.served}"}
