"""Voice turns: what a request says besides its recording, and the events of the answer.

Ours, not OpenAI's. Pure: knows neither forms as they arrive nor engines.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from understudy.errors import InvalidValue, MissingParameter
from understudy.wire.audio import VOICES, SpeechFormat, VoiceReference
from understudy.wire.base import check_shape

_BRACKETED = re.compile(r"(?P<table>\w+)\[(?P<member>\w+)\]")
_NUMBERS = frozenset({("speech", "speed")})
_INSTRUCTIONS_LIMIT_CHARS = 256_000

Name = Annotated[str, Meta(min_length=1)]


class TurnTranscription(Struct, frozen=True):
    """How the recording is heard, in the words of `/v1/audio/transcriptions`."""

    model: Name | None = None
    language: Annotated[str, Meta(pattern="^[A-Za-z]{2,3}$")] | None = None
    prompt: str | None = None


class TurnSpeech(Struct, frozen=True):
    """How the answer is spoken, in the words of `/v1/audio/speech`."""

    model: Name | None = None
    voice: Name | VoiceReference = VOICES[0]
    response_format: SpeechFormat = "mp3"
    speed: Annotated[float, Meta(ge=0.25, le=4)] = 1.0
    instructions: Annotated[str, Meta(max_length=4096)] | None = None

    @property
    def voice_id(self) -> str:
        """The voice's name or id."""
        return self.voice if isinstance(self.voice, str) else self.voice.id


class TurnRequest(Struct, frozen=True):
    """A request for a turn: `model` and `messages`, or an assistant and perhaps its thread."""

    model: Name | None = None
    instructions: Annotated[str, Meta(max_length=_INSTRUCTIONS_LIMIT_CHARS)] | None = None
    messages: list[dict[str, Any]] | None = None
    """What was said before, as chat completions take it."""
    assistant_id: Name | None = None
    thread_id: Name | None = None
    transcription: TurnTranscription = TurnTranscription()
    speech: TurnSpeech = TurnSpeech()


class TurnTranscript(Struct):
    """What was heard; the first event."""

    text: str
    model: str
    language: str | None
    type: Literal["turn.transcript"] = "turn.transcript"


class TurnTextDelta(Struct):
    """More of the answer's text."""

    delta: str
    type: Literal["turn.text.delta"] = "turn.text.delta"


class TurnAudioDelta(Struct):
    """More of the answer's file of audio, in base64."""

    audio: str
    type: Literal["turn.audio.delta"] = "turn.audio.delta"


class TurnLatency(Struct):
    """When each stage was reached, in milliseconds from the recording's arrival."""

    transcript: int
    first_text: int | None
    first_audio: int | None
    text: int
    done: int


class TurnDone(Struct):
    """The whole turn; the last event."""

    transcript: str
    text: str
    status: str
    """As a run's: `requires_action` where an assistant's functions are to be called first."""
    model: str
    speech_model: str
    audio_format: SpeechFormat
    audio_seconds: float
    latency_ms: TurnLatency
    thread_id: str | None = None
    run_id: str | None = None
    type: Literal["turn.done"] = "turn.done"


TurnEvent = TurnTranscript | TurnTextDelta | TurnAudioDelta | TurnDone


def parse_turn(body: object) -> TurnRequest:
    """Return a request. Raises InvalidRequest that names the field."""
    wanted = check_shape(body, TurnRequest)
    if wanted.thread_id is not None and wanted.assistant_id is None:
        raise MissingParameter("assistant_id")
    if wanted.assistant_id is not None and wanted.messages is not None:
        raise InvalidValue("messages", "an assistant's history is its thread: send 'thread_id'")
    return wanted


def body_of_form(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a form as the JSON body that says the same.

    Members of tables come as `speech[voice]`, `messages` as JSON. Raises InvalidValue.
    """
    body: dict[str, Any] = {}
    for name, text in fields.items():
        if not text.strip():
            continue
        if found := _BRACKETED.fullmatch(name):
            table, member = found["table"], found["member"]
            is_number = (table, member) in _NUMBERS
            body.setdefault(table, {})[member] = _json(name, text) if is_number else text
        else:
            body[name] = _json(name, text) if name == "messages" else text
    return body


def _json(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidValue(name, f"expected JSON: {error}") from error
