"""What requests of `/v1/audio` may say: speech as JSON, transcriptions and translations as forms.

Pure: knows neither forms as they arrive nor engines. Answers and events are in `transcripts`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar, get_args

from msgspec import Meta, Struct

from understudy.errors import InvalidValue
from understudy.wire.base import check_shape

Choice = TypeVar("Choice", bound=str)
SpeechFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
StreamFormat = Literal["audio", "sse"]
TranslationFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
Granularity = Literal["word", "segment"]

VOICES: Final = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "fable",
    "onyx",
    "nova",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)
"""The names of OpenAI's voices."""

CONTENT_TYPES: Final[Mapping[SpeechFormat, str]] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""The content type of each format; Opus comes in Ogg."""

UPLOAD_LIMIT_BYTES: Final = 25 * 1024**2
LIST_FIELDS: Final = (
    "include",
    "keywords",
    "known_speaker_names",
    "known_speaker_references",
    "languages",
    "timestamp_granularities",
)
"""Fields of a transcription that may come more than once, as `x` or as `x[]`."""

_INPUT_LIMIT_CHARS = 4096
_SPEAKERS_LIMIT = 4
_WHOLE_ONLY = frozenset({"srt", "vtt", "verbose_json"})
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_STRATEGY = "chunking_strategy"
_STRATEGY_FIELDS = ("type", "prefix_padding_ms", "silence_duration_ms", "threshold")
_TRUTH: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}

Milliseconds = Annotated[int, Meta(ge=0, le=60_000)]


class VoiceReference(Struct, frozen=True):
    """A voice named by its id."""

    id: str


class SpeechRequest(Struct, frozen=True):
    """A request for speech; `parse_speech` fills what it leaves out, except model."""

    input: Annotated[str, Meta(min_length=1, max_length=_INPUT_LIMIT_CHARS)]
    voice: str | VoiceReference
    model: str | None = None
    instructions: Annotated[str, Meta(max_length=_INPUT_LIMIT_CHARS)] | None = None
    response_format: SpeechFormat | None = None
    speed: Annotated[float, Meta(ge=0.25, le=4)] | None = None
    stream_format: StreamFormat | None = None

    @property
    def voice_id(self) -> str:
        """The voice's name or id."""
        return self.voice if isinstance(self.voice, str) else self.voice.id

    @property
    def format(self) -> SpeechFormat:
        """The format of the audio: MP3 where nothing is said."""
        return self.response_format or "mp3"


class ServerVad(Struct, frozen=True):
    """How silence is to be found, where the request says so."""

    type: Literal["server_vad"] = "server_vad"
    prefix_padding_ms: Milliseconds = 300
    silence_duration_ms: Milliseconds = 200
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5


@dataclass(frozen=True, slots=True)
class TranslationRequest:
    """What a form asks of a translation; None and empty are what it leaves out."""

    model: str | None
    response_format: TranscriptFormat
    prompt: str | None
    temperature: float


@dataclass(frozen=True, slots=True)
class TranscriptionRequest(TranslationRequest):
    """What a form asks of a transcription."""

    language: str | None = None
    """ISO 639, in lower case."""
    languages: tuple[str, ...] = ()
    granularities: frozenset[Granularity] = frozenset({"segment"})
    logprobs: bool = False
    stream: bool = False
    chunking: Literal["auto"] | ServerVad | None = None
    keywords: tuple[str, ...] = ()
    speaker_names: tuple[str, ...] = ()
    speaker_references: tuple[str, ...] = ()
    """Data URLs."""
    without_effect: tuple[str, ...] = ()
    """Fields that were sent and that this format has no use for."""


def parse_speech(body: object) -> SpeechRequest:
    """Return a parsed body as a request. Raises InvalidRequest that names the field."""
    request = check_shape(body, SpeechRequest)
    if not request.input.strip():
        raise InvalidValue("input", "there is nothing in it to speak")
    if not request.voice_id.strip():
        raise InvalidValue("voice", f"name one, such as '{VOICES[0]}'")
    return request


def parse_translation(fields: Mapping[str, str]) -> TranslationRequest:
    """Return what a form asks. Raises InvalidRequest that names the field."""
    return TranslationRequest(
        model=_given(fields, "model"),
        response_format=_choice(fields, "response_format", get_args(TranslationFormat)),
        prompt=_given(fields, "prompt"),
        temperature=_temperature(fields),
    )


def parse_transcription(
    fields: Mapping[str, str], lists: Mapping[str, Sequence[str]]
) -> TranscriptionRequest:
    """Return what a form asks; `lists` are the values of `LIST_FIELDS`.

    Raises InvalidRequest that names the field.
    """
    response_format = _choice(fields, "response_format", get_args(TranscriptFormat))
    is_stream = _truth(fields, "stream")
    granularities = _granularities(lists)
    useless = {
        "stream": is_stream and response_format in _WHOLE_ONLY,
        "timestamp_granularities": bool(granularities) and response_format != "verbose_json",
    }
    return TranscriptionRequest(
        model=_given(fields, "model"),
        response_format=response_format,
        prompt=_given(fields, "prompt"),
        temperature=_temperature(fields),
        language=_language(fields.get("language", ""), "language"),
        languages=_languages(lists),
        granularities=granularities or frozenset({"segment"}),
        logprobs=_wants_logprobs(lists, response_format),
        stream=is_stream and response_format not in _WHOLE_ONLY,
        chunking=_chunking(fields),
        keywords=tuple(lists.get("keywords", ())),
        speaker_names=_speakers(lists, "known_speaker_names"),
        speaker_references=_speakers(lists, "known_speaker_references"),
        without_effect=tuple(name for name, is_useless in useless.items() if is_useless),
    )


def _given(fields: Mapping[str, str], name: str) -> str | None:
    """Return a field's text; forms say nothing by an empty field."""
    return fields.get(name, "").strip() or None


def _choice(fields: Mapping[str, str], name: str, choices: tuple[Choice, ...]) -> Choice:
    """Return what a field chooses, the first of `choices` where it says nothing."""
    text = _given(fields, name) or choices[0]
    for choice in choices:
        if choice == text:
            return choice
    raise InvalidValue(name, f"'{text}' is none of {', '.join(choices)}")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _temperature(fields: Mapping[str, str]) -> float:
    number = _number(_given(fields, "temperature") or "0")
    if number is None or not 0 <= number <= 1:
        raise InvalidValue("temperature", "expected a number from 0 to 1")
    return number


def _truth(fields: Mapping[str, str], name: str) -> bool:
    text = (_given(fields, name) or "false").lower()
    if text not in _TRUTH:
        raise InvalidValue(name, "expected true or false")
    return _TRUTH[text]


def _language(text: str, param: str) -> str | None:
    code = text.strip().lower()
    if code and not _LANGUAGE.fullmatch(code):
        raise InvalidValue(param, f"'{text}' is no code of ISO 639-1, such as 'en'")
    return code or None


def _languages(lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    codes = (_language(text, "languages") for text in lists.get("languages", ()))
    return tuple(code for code in codes if code)


def _granularities(lists: Mapping[str, Sequence[str]]) -> frozenset[Granularity]:
    name = "timestamp_granularities"
    known = get_args(Granularity)
    return frozenset(_choice({name: text}, name, known) for text in lists.get(name, ()))


def _wants_logprobs(lists: Mapping[str, Sequence[str]], response_format: str) -> bool:
    asked = lists.get("include", ())
    for text in asked:
        if text != "logprobs":
            raise InvalidValue("include", f"'{text}' is none of logprobs")
    if asked and response_format != "json":
        raise InvalidValue("include", "log probabilities come with response_format 'json' alone")
    return bool(asked)


def _speakers(lists: Mapping[str, Sequence[str]], name: str) -> tuple[str, ...]:
    values = tuple(lists.get(name, ()))
    if len(values) > _SPEAKERS_LIMIT:
        raise InvalidValue(name, f"there are more than {_SPEAKERS_LIMIT}")
    return values


def _chunking(fields: Mapping[str, str]) -> Literal["auto"] | ServerVad | None:
    """Return how to cut: `auto`, or an object as JSON or as one field for each member."""
    text = _given(fields, _STRATEGY)
    if text == "auto":
        return "auto"
    members = _members(fields) if text is None else _json_object(text)
    if not members:
        return None
    if members.get("type") != "server_vad":
        raise InvalidValue(f"{_STRATEGY}.type", "expected 'server_vad'")
    try:
        return check_shape(members, ServerVad)
    except InvalidValue as error:
        param = f"{_STRATEGY}.{error.param}"
        raise InvalidValue(param, str(error).partition(": ")[2].removesuffix(".")) from None


def _members(fields: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in _STRATEGY_FIELDS:
        text = _given(fields, f"{_STRATEGY}[{name}]")
        if text is not None:
            found[name] = _json_value(text)
    return found


def _json_value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json_object(text: str) -> dict[str, object]:
    value = _json_value(text)
    if not isinstance(value, dict):
        raise InvalidValue(_STRATEGY, "expected 'auto' or an object")
    return value
