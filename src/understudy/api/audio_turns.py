"""`/v1/audio/turns` and `/v1/instances/{instance_id}/turns`: a recording in; words, answer and the
answer's audio out. Ours.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from understudy.api.http.events import EventStream
from understudy.api.http.exchange import Exchange
from understudy.api.http.media import AudioFraming
from understudy.api.http.multipart import FileField, Sink, read_form
from understudy.api.http.plain import json_body, read_body, read_creation
from understudy.errors import InvalidValue, MissingParameter
from understudy.runs.voice import Answers, Turns
from understudy.settings import Settings
from understudy.speech.stt import Recording
from understudy.store.idempotency import Creation
from understudy.store.storage import Storage
from understudy.wire.audio_turns import TurnRequest, body_of_form, parse_turn

InstanceAnswersOf = Callable[[str, TurnRequest, Creation], Awaitable[tuple[TurnRequest, Answers]]]

_REMEDY = "Compress it, or raise the setting speech.file_limit_bytes."
_AUDIO = {"type": "string", "contentEncoding": "base64", "description": "In a form, a file."}


@dataclass(frozen=True, slots=True)
class Answering:
    """Says who answers a request, or an instance in the path, which brings its own voice."""

    of: Callable[[TurnRequest, Creation], Answers]
    of_instance: InstanceAnswersOf


@dataclass(frozen=True, slots=True)
class _Listener:
    """What all turns share."""

    turns: Turns
    answering: Answering
    storage: Storage
    field: FileField
    heartbeat_s: float


def audio_turns_router(
    turns: Turns, answering: Answering, storage: Storage, settings: Settings
) -> APIRouter:
    """Return the routes of voice turns."""
    router = APIRouter(tags=["Audio"])
    field = FileField("file", settings.speech.file_limit_bytes, _REMEDY)
    listener = _Listener(turns, answering, storage, field, settings.heartbeat_s)

    @router.post(
        "/v1/audio/turns",
        summary="Create voice turn",
        description="The answer is a stream of events: transcript, text and audio of the answer.",
        openapi_extra=_body(),
    )
    async def create_turn(request: Request) -> Response:
        return _TurnResponse(listener)

    @router.post(
        "/v1/instances/{instance_id}/turns",
        summary="Create voice turn with an instance",
        description="As a voice turn; the instance answers on its own thread, in its own voice.",
        openapi_extra=_body(),
    )
    async def create_instance_turn(instance_id: str, request: Request) -> Response:
        return _TurnResponse(listener, instance_id)

    return router


def _body() -> dict[str, Any]:
    described = json_body(TurnRequest)
    content = described["requestBody"]["content"]
    schema = content["application/json"]["schema"]
    schema["properties"] = {"file": _AUDIO, **schema["properties"]}
    schema["required"] = ["file"]
    content["multipart/form-data"] = {"schema": schema}
    return described


class _TurnResponse(Response):
    """The stream of a turn; who leaves ends it, but for a run, which goes on."""

    def __init__(self, listener: _Listener, instance_id: str | None = None) -> None:
        super().__init__()
        self._listener = listener
        self._instance_id = instance_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the recording, and send the events as they come."""
        listener = self._listener
        creation = await read_creation(Request(scope, _no_body))
        async with listener.storage.blobs.writing() as writer:
            body, filename = await _read(Request(scope, receive), listener.field, writer.write)
            wanted = parse_turn(body)
            blob = await writer.finish()
            recording = Recording(blob.temporary, filename, _fields(wanted))
            wanted, answers = await self._answers(wanted, creation)
            exchange = Exchange(scope, receive, send)
            stream = EventStream(exchange, listener.heartbeat_s, AudioFraming())
            await exchange.until_disconnect(
                lambda: stream.answer(listener.turns.open(wanted, recording, answers))
            )

    async def _answers(
        self, wanted: TurnRequest, creation: Creation
    ) -> tuple[TurnRequest, Answers]:
        answering = self._listener.answering
        if self._instance_id is None:
            return wanted, answering.of(wanted, creation)
        return await answering.of_instance(self._instance_id, wanted, creation)


async def _read(request: Request, field: FileField, sink: Sink) -> tuple[dict[str, Any], str]:
    """Return the request without its recording, which goes to `sink`, and the file's name."""
    if "form" in request.scope:
        form = await read_form(request, field, sink)
        if form.file is None:
            raise MissingParameter("file")
        if form.file.size_bytes == 0:
            raise InvalidValue("file", "it is empty")
        return body_of_form(form.fields), form.file.filename or "audio"
    body = await read_body(request)
    if not isinstance(body, dict) or "file" not in body:
        raise MissingParameter("file")
    await sink(_audio(body.pop("file"), field))
    return body, "audio"


def _audio(value: object, field: FileField) -> bytes:
    """Return a recording that came in base64, as a data URL or bare."""
    text = value.partition(";base64,")[2] or value if isinstance(value, str) else ""
    try:
        audio = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        audio = b""
    if not audio:
        raise InvalidValue(field.name, "expected a recording in base64")
    if len(audio) > field.limit_bytes:
        raise InvalidValue(field.name, f"it is over {field.limit_bytes} bytes. {field.remedy}")
    return audio


def _fields(wanted: TurnRequest) -> dict[str, str]:
    """Return the fields for a provider that transcribes."""
    heard = wanted.transcription
    given = {"language": heard.language, "prompt": heard.prompt}
    return {name: value for name, value in given.items() if value}


async def _no_body() -> Message:
    """Stand in for a request's `receive` where its head alone is read."""
    return {"type": "http.request", "body": b"", "more_body": False}
