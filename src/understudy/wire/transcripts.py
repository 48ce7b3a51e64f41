"""What `/v1/audio` answers: transcriptions in each JSON shape, and the events of streams. Pure."""

import base64
import math
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from understudy.wire import tokens

_HEARD_TOKENS_PER_S: Final = 10
_SPOKEN_TOKENS_PER_S: Final = 20
"""Audio has no tokens here; counts are about those that OpenAI's models report."""


class DurationUsage(Struct):
    """Usage by the length of the audio."""

    seconds: float
    type: Literal["duration"] = "duration"


class InputTokenDetails(Struct):
    """Tokens of text and of audio in what was given."""

    text_tokens: int
    audio_tokens: int


class TokenUsage(Struct):
    """Usage by tokens of a transcription."""

    input_tokens: int
    input_token_details: InputTokenDetails
    output_tokens: int
    total_tokens: int
    type: Literal["tokens"] = "tokens"


class SpeechUsage(Struct):
    """Usage by tokens of a speech."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class Logprob(Struct):
    """How sure the engine is of a piece of the text."""

    token: str
    logprob: float
    bytes: list[int]


class Transcription(Struct):
    """The answer in `json`; of a translation, too, which has nothing but its text."""

    text: str
    logprobs: list[Logprob] | UnsetType = UNSET
    usage: DurationUsage | UnsetType = UNSET


class TranscriptionWord(Struct):
    """A word with its times."""

    word: str
    start: float
    end: float


class TranscriptionSegment(Struct):
    """A segment as Whisper tells it; numbers that an engine does not have are zero."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class VerboseTranscription(Struct):
    """The answer in `verbose_json`; `words` and `segments` are there where they were asked for."""

    task: Literal["transcribe", "translate"]
    language: str
    """Its English name, such as `english`."""
    duration: float
    text: str
    words: list[TranscriptionWord] | UnsetType = UNSET
    segments: list[TranscriptionSegment] | UnsetType = UNSET
    usage: DurationUsage | UnsetType = UNSET


class DiarizedSegment(Struct):
    """A segment with its speaker: part of `diarized_json`, and an event of its stream."""

    id: str
    start: float
    end: float
    text: str
    speaker: str
    type: Literal["transcript.text.segment"] = "transcript.text.segment"


class DiarizedTranscription(Struct):
    """The answer in `diarized_json`."""

    duration: float
    text: str
    segments: list[DiarizedSegment]
    usage: DurationUsage
    task: Literal["transcribe"] = "transcribe"


class TextDelta(Struct):
    """More of the text."""

    delta: str
    logprobs: list[Logprob] | UnsetType = UNSET
    segment_id: str | UnsetType = UNSET
    type: Literal["transcript.text.delta"] = "transcript.text.delta"


class TextDone(Struct):
    """The whole text, last in its stream."""

    text: str
    usage: TokenUsage
    logprobs: list[Logprob] | UnsetType = UNSET
    type: Literal["transcript.text.done"] = "transcript.text.done"


class SpeechDelta(Struct):
    """More of the audio, in base64; `speech_delta` makes one."""

    audio: str
    type: Literal["speech.audio.delta"] = "speech.audio.delta"


class SpeechDone(Struct):
    """The end of the audio."""

    usage: SpeechUsage
    type: Literal["speech.audio.done"] = "speech.audio.done"


def speech_delta(audio: bytes) -> SpeechDelta:
    """Return the event of a piece of an encoded speech."""
    return SpeechDelta(base64.b64encode(audio).decode("ascii"))


def speech_usage(text: str, duration_s: float) -> SpeechUsage:
    """Return the usage of a text that was spoken in so many seconds."""
    read, spoken = tokens.count(text), math.ceil(duration_s * _SPOKEN_TOKENS_PER_S)
    return SpeechUsage(read, spoken, read + spoken)


def transcription_usage(prompt: str | None, text: str, duration_s: float) -> TokenUsage:
    """Return the usage of so many seconds in which `text` was heard."""
    asked, heard = tokens.count(prompt or ""), math.ceil(duration_s * _HEARD_TOKENS_PER_S)
    written = tokens.count(text)
    return TokenUsage(
        input_tokens=asked + heard,
        input_token_details=InputTokenDetails(asked, heard),
        output_tokens=written,
        total_tokens=asked + heard + written,
    )
