"""One transcription: who transcribes, what is refused, a recording decoded and heard. No HTTP."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from understudy.engines.base import AudioForm, AudioTask, MediaAnswer
from understudy.errors import ProviderFailed, UnsupportedParameter
from understudy.settings.speech import SpeechSettings
from understudy.speech.base import (
    Heard,
    Listening,
    Segment,
    TranscribeCapabilities,
    TranscribeEngine,
)
from understudy.speech.decoding import Limits, decode
from understudy.speech.models import Foreign, SpeechModels
from understudy.speech.subtitles import text_of
from understudy.wire.audio import TranscriptionRequest, TranslationRequest

_WITH_WHISPER = "name a model such as 'whisper/small' (pip install 'understudy[whisper]')"
_WITH_PROVIDER = "name a provider's model that can, such as 'openai/gpt-4o-transcribe-diarize'"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording on the disk, and how it came: the name and the fields of its form."""

    path: Path
    filename: str = "audio"
    fields: Mapping[str, str] | None = None
    lists: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class OpenedTranscript:
    """Words that are being heard by an engine of this server's own."""

    heard: Heard
    segments: AsyncGenerator[Segment, None]
    served: str
    ignored: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that say who heard, and what had no effect."""
        headers = {"x-understudy-model": self.served}
        if self.ignored:
            headers["x-understudy-ignored"] = ", ".join(self.ignored)
        return headers


@dataclass(frozen=True, slots=True)
class ForeignTranscript:
    """A provider's answer, which goes through as it is."""

    answer: MediaAnswer
    served: str

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that say who heard."""
        return {"x-understudy-model": self.served}


class Transcripts:
    """Transcriptions by whichever engine a request's model leads to."""

    def __init__(self, models: SpeechModels, settings: SpeechSettings) -> None:
        self._models = models
        self._settings = settings

    @asynccontextmanager
    async def open(
        self, task: AudioTask, wanted: TranslationRequest, recording: Recording
    ) -> AsyncIterator[OpenedTranscript | ForeignTranscript]:
        """Open a transcription, or a translation into English; leaving the block ends the work.

        Raises InvalidRequest for what cannot be honoured or read, and what engines raise.
        """
        listener = await self._models.listener(wanted.model)
        if isinstance(listener, Foreign):
            form = _form(listener.model, recording)
            async with listener.engine.transcribe(task, form) as answer:
                yield ForeignTranscript(answer, listener.served)
            return
        engine, served = listener.engine, listener.served
        refuse(task, wanted, engine.capabilities(), served)
        listening = listening_of(task, wanted, engine.capabilities())
        async with aclosing(self._heard(engine, recording.path, listening)) as parts:
            heard = await anext(parts, None)
            if not isinstance(heard, Heard):
                raise ProviderFailed(f"'{served}' heard nothing that makes sense. Try again.")
            async with aclosing(_segments(parts)) as segments:
                ignored = without_effect(wanted, engine.capabilities())
                yield OpenedTranscript(heard, segments, served, ignored)

    async def text(self, wanted: TranscriptionRequest, recording: Recording) -> "HeardText":
        """Return all that is said in a recording."""
        async with self.open("transcriptions", wanted, recording) as opened:
            if isinstance(opened, ForeignTranscript):
                return await _foreign_text(opened)
            segments = [segment async for segment in opened.segments]
            return HeardText(text_of(segments), opened.served, opened.heard.language)

    def _heard(
        self, engine: TranscribeEngine, path: Path, listening: Listening
    ) -> AsyncGenerator[Heard | Segment, None]:
        return engine.transcribe(
            decode(path, Limits(duration_s=self._settings.duration_limit_s)), listening
        )


@dataclass(frozen=True, slots=True)
class HeardText:
    """What was said, and who heard it; a provider may not tell the language."""

    text: str
    served: str
    language: str | None = None


def refuse(
    task: AudioTask, wanted: TranslationRequest, can: TranscribeCapabilities, served: str
) -> None:
    """Raise UnsupportedParameter for what an engine cannot do and a program would miss."""
    missing: list[_Missing] = []
    if task == "translations" and not can.translation:
        missing.append(_Missing("model", "translate", _WITH_WHISPER))
    if wanted.response_format == "diarized_json" and not can.diarization:
        missing.append(_Missing("response_format", "tell speakers apart", _WITH_PROVIDER))
    if isinstance(wanted, TranscriptionRequest):
        missing += _missing_in_transcriptions(wanted, can)
    for one in missing:
        raise UnsupportedParameter(
            f"'{served}' cannot {one.ability}: {one.remedy}.", param=one.param
        )


class _Missing(NamedTuple):
    param: str
    ability: str
    remedy: str


def _missing_in_transcriptions(
    wanted: TranscriptionRequest, can: TranscribeCapabilities
) -> list[_Missing]:
    missing = []
    if wanted.speaker_names and not can.diarization:
        missing.append(_Missing("known_speaker_names", "tell speakers apart", _WITH_PROVIDER))
    if wanted.logprobs and not can.logprobs:
        missing.append(_Missing("include", "tell log probabilities", _WITH_WHISPER))
    if _wants_words(wanted) and not can.word_times:
        missing.append(
            _Missing("timestamp_granularities", "tell the times of words", _WITH_WHISPER)
        )
    return missing


def without_effect(wanted: TranslationRequest, can: TranscribeCapabilities) -> tuple[str, ...]:
    """Return the fields that were sent and change nothing of what this engine hears."""
    ignored = {
        "prompt": bool(wanted.prompt) and not can.prompt,
        "temperature": bool(wanted.temperature) and not can.temperature,
    }
    always: tuple[str, ...] = ()
    if isinstance(wanted, TranscriptionRequest):
        always = wanted.without_effect
        ignored["keywords"] = bool(wanted.keywords) and not can.prompt
        ignored["languages"] = len(wanted.languages) > 1
        # Every engine here finds the pauses itself, by rules of its own.
        ignored["chunking_strategy"] = wanted.chunking not in (None, "auto")
    return (*always, *(name for name, is_ignored in ignored.items() if is_ignored))


def listening_of(
    task: AudioTask, wanted: TranslationRequest, can: TranscribeCapabilities
) -> Listening:
    """Return how an engine is to hear a recording."""
    if not isinstance(wanted, TranscriptionRequest):
        return Listening(
            prompt=wanted.prompt,
            temperature=wanted.temperature,
            translate=task == "translations",
        )
    only = wanted.languages[0] if len(wanted.languages) == 1 else None
    hints = [wanted.prompt, ", ".join(wanted.keywords)] if can.prompt else [wanted.prompt]
    return Listening(
        language=wanted.language or only,
        prompt=" ".join(hint for hint in hints if hint) or None,
        temperature=wanted.temperature,
        words=_wants_words(wanted) or wanted.logprobs,
    )


def _wants_words(wanted: TranscriptionRequest) -> bool:
    return wanted.response_format == "verbose_json" and "word" in wanted.granularities


async def _segments(
    parts: AsyncGenerator[Heard | Segment, None],
) -> AsyncGenerator[Segment, None]:
    async for part in parts:
        if isinstance(part, Segment):
            yield part


def _form(model: str, recording: Recording) -> AudioForm:
    """Return what a provider is sent: the fields as they came, its own name of the model."""
    fields: dict[str, str | list[str]] = {**(recording.fields or {}), "model": model}
    for name, values in (recording.lists or {}).items():
        fields[name] = list(values)
    return AudioForm(recording.path, recording.filename, fields)


async def _foreign_text(opened: ForeignTranscript) -> HeardText:
    body = b"".join([piece async for piece in opened.answer.pieces])
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
        raise ProviderFailed(
            f"'{opened.served}' answered a recording with something that holds no text. "
            "Name another transcription model."
        )
    return HeardText(answer["text"].strip(), opened.served)
