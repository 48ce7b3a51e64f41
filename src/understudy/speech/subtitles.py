"""One list of segments in every shape that a transcription is answered in. Pure."""

import math
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal, assert_never

from msgspec import UNSET

from understudy.speech.base import Heard, Segment, Word
from understudy.wire.audio import TranscriptFormat, TranscriptionRequest, TranslationRequest
from understudy.wire.languages import ENGLISH_NAMES
from understudy.wire.transcripts import (
    DiarizedSegment,
    DiarizedTranscription,
    DurationUsage,
    Logprob,
    Transcription,
    TranscriptionSegment,
    TranscriptionWord,
    VerboseTranscription,
)

Rendered = str | Transcription | VerboseTranscription | DiarizedTranscription

_ONLY_SPEAKER = "A"
_LEAST_PROBABILITY = 1e-10
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH", "THAI", "LAO", "KHMER")
"""How the names of characters begin that are written without spaces between words."""


def render_transcription(
    heard: Heard, segments: Sequence[Segment], request: TranscriptionRequest
) -> Rendered:
    """Return the answer to a transcription: text where its format is plain text."""
    match request.response_format:
        case "json":
            logprobs = logprobs_of(segments) if request.logprobs else UNSET
            return Transcription(text_of(segments), logprobs, _usage(heard))
        case "verbose_json":
            return _verbose(heard, segments, request)
        case "diarized_json":
            return DiarizedTranscription(
                duration=heard.duration_s,
                text=text_of(segments),
                segments=[diarized(number, each) for number, each in enumerate(segments)],
                usage=_usage(heard),
            )
        case "text" | "srt" | "vtt" as plain:
            return _plain(plain, segments)
        case other:
            assert_never(other)


def render_translation(
    heard: Heard, segments: Sequence[Segment], request: TranslationRequest
) -> Rendered:
    """Return the answer to a translation: text where its format is plain text."""
    match request.response_format:
        case "json" | "diarized_json":
            return Transcription(text_of(segments))
        case "verbose_json":
            return VerboseTranscription(
                task="translate",
                language=ENGLISH_NAMES["en"],
                duration=heard.duration_s,
                text=text_of(segments),
                segments=_segments(segments),
            )
        case "text" | "srt" | "vtt" as plain:
            return _plain(plain, segments)
        case other:
            assert_never(other)


def content_type(response_format: TranscriptFormat) -> str:
    """Return the content type of an answer."""
    if response_format in ("text", "srt", "vtt"):
        return "text/plain; charset=utf-8"
    return "application/json"


def text_of(segments: Iterable[Segment]) -> str:
    """Return what was said as one text."""
    text = ""
    for segment in segments:
        text += text_after(text, segment)
    return text


def text_after(text: str, segment: Segment) -> str:
    """Return what a segment adds to the text so far, a space in front where one belongs."""
    more = " ".join(segment.text.split())
    if not text or not more or _is_unspaced(text[-1]) or _is_unspaced(more[0]):
        return more
    return f" {more}"


def srt(segments: Iterable[Segment]) -> str:
    """Return SubRip subtitles, one for each segment with a text."""
    return "".join(
        f"{number}\n{_times(segment, ',')}\n{text.replace('-->', '->')}\n\n"
        for number, (segment, text) in enumerate(_cues(segments), 1)
    )


def vtt(segments: Iterable[Segment]) -> str:
    """Return WebVTT subtitles, one for each segment with a text."""
    return "WEBVTT\n\n" + "".join(
        f"{_times(segment, '.')}\n{_escaped(text)}\n\n" for segment, text in _cues(segments)
    )


def diarized(number: int, segment: Segment) -> DiarizedSegment:
    """Return a segment with its speaker; `number` counts from zero."""
    return DiarizedSegment(
        id=f"seg_{number + 1:03}",
        start=segment.start_s,
        end=segment.end_s,
        text=" ".join(segment.text.split()),
        speaker=segment.speaker or _ONLY_SPEAKER,
    )


def logprobs_of(segments: Iterable[Segment]) -> list[Logprob]:
    """Return how sure the engine is of each word, of those that it is asked about."""
    return [
        _logprob(word.text, word.probability)
        for segment in segments
        for word in segment.words
        if word.probability is not None
    ]


def _plain(response_format: Literal["text", "srt", "vtt"], segments: Sequence[Segment]) -> str:
    match response_format:
        case "text":
            return text_of(segments) + "\n"
        case "srt":
            return srt(segments)
        case "vtt":
            return vtt(segments)


def _verbose(
    heard: Heard, segments: Sequence[Segment], request: TranscriptionRequest
) -> VerboseTranscription:
    has_words = "word" in request.granularities
    return VerboseTranscription(
        task="transcribe",
        language=ENGLISH_NAMES.get(heard.language, heard.language),
        duration=heard.duration_s,
        text=text_of(segments),
        words=[_word(word) for each in segments for word in each.words] if has_words else UNSET,
        segments=_segments(segments) if "segment" in request.granularities else UNSET,
        usage=_usage(heard),
    )


def _segments(segments: Iterable[Segment]) -> list[TranscriptionSegment]:
    return [_segment(number, segment) for number, segment in enumerate(segments)]


def _segment(number: int, segment: Segment) -> TranscriptionSegment:
    return TranscriptionSegment(
        id=number,
        seek=int(segment.start_s * 100),
        start=segment.start_s,
        end=segment.end_s,
        text=segment.text,
        tokens=list(segment.tokens),
        temperature=segment.temperature or 0.0,
        avg_logprob=segment.average_logprob or 0.0,
        compression_ratio=segment.compression_ratio or 0.0,
        no_speech_prob=segment.no_speech_probability or 0.0,
    )


def _word(word: Word) -> TranscriptionWord:
    return TranscriptionWord(word.text.strip(), word.start_s, word.end_s)


def _logprob(token: str, probability: float) -> Logprob:
    return Logprob(token, math.log(max(probability, _LEAST_PROBABILITY)), list(token.encode()))


def _usage(heard: Heard) -> DurationUsage:
    return DurationUsage(math.ceil(heard.duration_s))


def _cues(segments: Iterable[Segment]) -> Iterable[tuple[Segment, str]]:
    """Yield segments with their text in one line, since an empty line would end it."""
    for segment in segments:
        if text := " ".join(segment.text.split()):
            yield segment, text


def _times(segment: Segment, point: str) -> str:
    end_s = max(segment.start_s, segment.end_s)
    return f"{_time(segment.start_s, point)} --> {_time(end_s, point)}"


def _time(moment_s: float, point: str) -> str:
    """Return `HH:MM:SS`, point and milliseconds; hours grow past 99 when they have to."""
    seconds, milliseconds = divmod(max(0, round(moment_s * 1000)), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"


def _escaped(text: str) -> str:
    """Return text as WebVTT writes it: `-->`, too, loses its meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is_unspaced(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_UNSPACED)
