"""`/v1/instances/{instance_id}/chat`, `/speech` and `/context`: talking to an instance. Ours."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from understudy.api.http.events import EventStream
from understudy.api.http.exchange import Exchange
from understudy.api.http.media import send_media
from understudy.api.http.plain import answer, json_body, project_of, read_creation, read_shape
from understudy.characters.context import context_of
from understudy.characters.personas import Personas
from understudy.characters.speaking import spoken
from understudy.characters.turns import Begun, InstanceTurns
from understudy.chat.chunks import without_usage
from understudy.runs.requests import Surface
from understudy.speech.tts import Manner, Speeches, TurnVoice
from understudy.wire.audio import CONTENT_TYPES
from understudy.wire.chat import ChatChunk
from understudy.wire.instance_turns import ChatWithInstance, SpeakWithInstance

_INSTANCE = "/v1/instances/{instance_id}"


def instance_turns_router(
    surface: Surface, personas: Personas, speeches: Speeches, heartbeat_s: float
) -> APIRouter:
    """Return the routes of turns in words or with a spoken answer, and of what a model is shown."""
    router = APIRouter(tags=["Instances"])

    def turns_of(request: Request) -> InstanceTurns:
        return InstanceTurns(surface, project_of(request))

    @router.post(
        f"{_INSTANCE}/chat",
        summary="Chat with an instance on its own thread",
        description="The answer is a chat completion; with `stream: true` the chunks of one.",
        openapi_extra=json_body(ChatWithInstance),
    )
    async def chat_with_instance(instance_id: str, request: Request) -> Response:
        wanted = await read_shape(request, ChatWithInstance)
        turns = turns_of(request)
        begun = await turns.begin(await read_creation(request), instance_id, wanted)
        if wanted.stream:
            return _Sent(lambda exchange: _stream(exchange, turns, begun, heartbeat_s))
        return answer(await turns.answer(begun))

    @router.post(
        f"{_INSTANCE}/speech",
        summary="Chat with an instance that speaks",
        description="The answer is audio, as it is made.",
        openapi_extra=json_body(SpeakWithInstance),
    )
    async def speak_with_instance(instance_id: str, request: Request) -> Response:
        wanted = await read_shape(request, SpeakWithInstance)
        turns = turns_of(request)
        # First, so that a message is kept only if its answer can be spoken.
        voice = await speeches.voice(_manner(wanted, await turns.voice(instance_id)))
        begun = await turns.begin(await read_creation(request), instance_id, wanted)
        return _Sent(lambda exchange: _speak(exchange, turns, begun, voice))

    @router.get(f"{_INSTANCE}/context", summary="Retrieve what an instance's model is shown")
    async def retrieve_instance_context(instance_id: str, request: Request) -> Response:
        return answer(await context_of(personas, project_of(request), instance_id))

    return router


def _manner(wanted: SpeakWithInstance, own_voice: str) -> Manner:
    voice = wanted.voice or own_voice
    return Manner(
        wanted.speech_model,
        voice if isinstance(voice, str) else voice.id,
        wanted.response_format,
        wanted.speed,
        wanted.speech_instructions,
    )


# --- answers as they are made -------------------------------------------------------------------


@dataclass(slots=True)
class _Chunks:
    """The chunks of an answer as an open stream."""

    chunks: AsyncIterator[ChatChunk]
    headers: dict[str, str] = field(default_factory=dict)


async def _stream(
    exchange: Exchange, turns: InstanceTurns, begun: Begun, heartbeat_s: float
) -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[_Chunks]:
        async with aclosing(_plain(turns.chunks(begun))) as chunks:
            yield _Chunks(chunks, {"x-understudy-model": begun.model})

    await EventStream(exchange, heartbeat_s).answer(opened())


async def _plain(chunks: AsyncGenerator[ChatChunk, None]) -> AsyncGenerator[ChatChunk, None]:
    """Yield the chunks as a client gets them that asked for no usage."""
    async with aclosing(chunks):
        async for chunk in chunks:
            for shown in without_usage(chunk):
                yield shown


async def _speak(exchange: Exchange, turns: InstanceTurns, begun: Begun, voice: TurnVoice) -> None:
    audio_format = voice.manner.audio_format
    headers = {"x-understudy-model": f"{begun.model}, {voice.served}"}
    async with turns.spoken(begun) as text:
        pieces: AsyncGenerator[bytes, None] = spoken(text.texts, voice)
        async with aclosing(pieces):
            await send_media(exchange, CONTENT_TYPES[audio_format], pieces, headers)


class _Sent(Response):
    """An answer that is sent as it is made; a client that leaves does not stop the run."""

    def __init__(self, send_all: Callable[[Exchange], Awaitable[None]]) -> None:
        super().__init__()
        self._send_all = send_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        exchange = Exchange(scope, receive, send)
        await exchange.until_disconnect(lambda: self._send_all(exchange))
