"""`/v1/audio/speech`, `/v1/audio/transcriptions` and `/v1/audio/translations`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass
from typing import Any, get_args

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from understudy.api.http.events import EventStream
from understudy.api.http.exchange import Exchange
from understudy.api.http.media import AudioEvents, AudioFraming, send_media, send_whole
from understudy.api.http.multipart import FileField, Form, read_form
from understudy.api.http.plain import json_body, read_body
from understudy.engines.base import AudioTask
from understudy.errors import InvalidValue, MissingParameter
from understudy.settings import Settings
from understudy.speech.events import speech_events, transcript_events
from understudy.speech.stt import ForeignTranscript, OpenedTranscript, Recording, Transcripts
from understudy.speech.subtitles import content_type, render_transcription, render_translation
from understudy.speech.tts import Speeches
from understudy.store.storage import Storage
from understudy.wire.audio import (
    LIST_FIELDS,
    SpeechRequest,
    TranscriptFormat,
    TranscriptionRequest,
    TranslationFormat,
    TranslationRequest,
    parse_speech,
    parse_transcription,
    parse_translation,
)

_REMEDY = "Compress it or cut it into parts, or raise the setting speech.file_limit_bytes."
_FILE: dict[str, Any] = {"type": "string", "format": "binary"}
_TEXT: dict[str, Any] = {"type": "string"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_TRANSLATION: dict[str, Any] = {
    "file": _FILE,
    "model": _TEXT,
    "prompt": _TEXT,
    "response_format": {"type": "string", "enum": list(get_args(TranslationFormat))},
    "temperature": {"type": "number"},
}
_TRANSCRIPTION: dict[str, Any] = {
    **_TRANSLATION,
    "response_format": {"type": "string", "enum": list(get_args(TranscriptFormat))},
    "language": _TEXT,
    "stream": {"type": "boolean"},
    "chunking_strategy": _TEXT,
    **{f"{name}[]": _TEXTS for name in LIST_FIELDS},
}


def audio_router(
    speeches: Speeches, transcripts: Transcripts, storage: Storage, settings: Settings
) -> APIRouter:
    """Return the routes of audio."""
    router = APIRouter(tags=["Audio"])
    field = FileField("file", settings.speech.file_limit_bytes, _REMEDY)
    hearing = _Hearing(transcripts, storage, field, settings.heartbeat_s)

    @router.post(
        "/v1/audio/speech",
        summary="Create speech",
        description="The answer is the file, as it is made; with `stream_format: sse`, events.",
        openapi_extra=json_body(SpeechRequest),
    )
    async def create_speech(request: Request) -> Response:
        body = await read_body(request)
        wanted = parse_speech(body)
        return _Streamed(lambda exchange: _speak(exchange, wanted, body))

    async def _speak(exchange: Exchange, wanted: SpeechRequest, body: dict[str, Any]) -> None:
        async with speeches.open(wanted, body) as speech:
            if wanted.stream_format != "sse" or speech.length is None:
                await send_media(exchange, speech.content_type, speech.pieces, speech.headers)
                return
            async with aclosing(speech_events(speech, wanted.input)) as events:
                stream = EventStream(exchange, settings.heartbeat_s, AudioFraming())
                await stream.answer(nullcontext(AudioEvents(events, speech.headers)))

    @router.post(
        "/v1/audio/transcriptions",
        summary="Create transcription",
        description="With `stream`, and a format that is no subtitles, the answer is events.",
        openapi_extra=_form(_TRANSCRIPTION),
    )
    async def create_transcription(request: Request) -> Response:
        return _Heard(hearing, "transcriptions")

    @router.post(
        "/v1/audio/translations",
        summary="Create translation",
        description="Into English.",
        openapi_extra=_form(_TRANSLATION),
    )
    async def create_translation(request: Request) -> Response:
        return _Heard(hearing, "translations")

    return router


def _form(properties: Mapping[str, object]) -> dict[str, Any]:
    schema = {"type": "object", "required": ["file"], "properties": properties}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


class _Streamed(Response):
    """An answer that is written while it is made, and ends when the client leaves."""

    def __init__(self, work: Callable[[Exchange], Awaitable[None]]) -> None:
        super().__init__()
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        exchange = Exchange(scope, receive, send)
        await exchange.until_disconnect(lambda: self._work(exchange))


@dataclass(frozen=True, slots=True)
class _Hearing:
    """What the answers to recordings share."""

    transcripts: Transcripts
    storage: Storage
    field: FileField
    heartbeat_s: float


class _Heard(Response):
    """The words of a recording, which is on the disk as long as it is needed."""

    def __init__(self, hearing: _Hearing, task: AudioTask) -> None:
        super().__init__()
        self._hearing = hearing
        self._task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the form, and send what is heard in its file."""
        hearing = self._hearing
        async with hearing.storage.blobs.writing() as writer:
            form = await read_form(
                Request(scope, receive), hearing.field, writer.write, LIST_FIELDS
            )
            wanted = _wanted(self._task, form)
            filename = _filename(form)
            blob = await writer.finish()
            recording = Recording(blob.temporary, filename, form.fields, form.lists)
            exchange = Exchange(scope, receive, send)
            await exchange.until_disconnect(lambda: self._answer(exchange, wanted, recording))

    async def _answer(
        self, exchange: Exchange, wanted: TranslationRequest, recording: Recording
    ) -> None:
        async with self._hearing.transcripts.open(self._task, wanted, recording) as opened:
            if isinstance(opened, ForeignTranscript):
                answer = opened.answer
                await send_media(exchange, answer.content_type, answer.pieces, opened.headers)
            elif isinstance(wanted, TranscriptionRequest) and wanted.stream:
                async with aclosing(transcript_events(opened, wanted)) as events:
                    stream = EventStream(exchange, self._hearing.heartbeat_s, AudioFraming())
                    await stream.answer(nullcontext(AudioEvents(events, opened.headers)))
            else:
                body = await _rendered(opened, wanted)
                kind = content_type(wanted.response_format)
                await send_whole(exchange, kind, body, opened.headers)


def _wanted(task: AudioTask, form: Form) -> TranslationRequest:
    if task == "translations":
        return parse_translation(form.fields)
    lists: Mapping[str, Sequence[str]] = form.lists
    return parse_transcription(form.fields, lists)


def _filename(form: Form) -> str:
    """Return the name of a form's file. Raises InvalidRequest for one that is not there."""
    if form.file is None:
        raise MissingParameter("file")
    if form.file.size_bytes == 0:
        raise InvalidValue("file", "it is empty")
    return form.file.filename or "audio"


async def _rendered(opened: OpenedTranscript, wanted: TranslationRequest) -> bytes:
    segments = [segment async for segment in opened.segments]
    if isinstance(wanted, TranscriptionRequest):
        rendered = render_transcription(opened.heard, segments, wanted)
    else:
        rendered = render_translation(opened.heard, segments, wanted)
    return rendered.encode() if isinstance(rendered, str) else msgspec.json.encode(rendered)
