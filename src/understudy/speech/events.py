"""The events of speeches and transcriptions that are streamed, as OpenAI's. Knows no framing."""

from collections.abc import AsyncGenerator

from msgspec import UNSET, Struct, UnsetType

from understudy.speech.base import Segment
from understudy.speech.stt import OpenedTranscript
from understudy.speech.subtitles import diarized, logprobs_of, text_after
from understudy.speech.tts import OpenedSpeech
from understudy.wire.audio import TranscriptionRequest
from understudy.wire.transcripts import (
    Logprob,
    SpeechDone,
    TextDelta,
    TextDone,
    speech_delta,
    speech_usage,
    transcription_usage,
)


async def speech_events(speech: OpenedSpeech, text: str) -> AsyncGenerator[Struct, None]:
    """Yield a speech of this server's own as events, its usage last."""
    async for piece in speech.pieces:
        yield speech_delta(piece)
    assert speech.length is not None
    yield SpeechDone(speech_usage(text, speech.length.seconds))


async def transcript_events(
    opened: OpenedTranscript, wanted: TranscriptionRequest
) -> AsyncGenerator[Struct, None]:
    """Yield what is heard as events, segment by segment; the whole text comes last."""
    text, segments = "", []
    async for segment in opened.segments:
        delta = text_after(text, segment)
        text += delta
        segments.append(segment)
        speaking = diarized(len(segments) - 1, segment)
        is_diarized = wanted.response_format == "diarized_json"
        yield TextDelta(
            delta,
            logprobs=_logprobs([segment], wanted),
            segment_id=speaking.id if is_diarized else UNSET,
        )
        if is_diarized:
            yield speaking
    usage = transcription_usage(wanted.prompt, text, opened.heard.duration_s)
    yield TextDone(text, usage, logprobs=_logprobs(segments, wanted))


def _logprobs(segments: list[Segment], wanted: TranscriptionRequest) -> list[Logprob] | UnsetType:
    return logprobs_of(segments) if wanted.logprobs else UNSET
