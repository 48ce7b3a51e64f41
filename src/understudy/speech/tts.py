"""One speech: who speaks, text cut into parts, PCM made and encoded as it comes. Knows no HTTP."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from understudy.errors import InvalidValue, UnsupportedParameter
from understudy.speech.base import SpeechEngine, Utterance
from understudy.speech.codec import duration_s, encoded
from understudy.speech.languages import language_of
from understudy.speech.markup import spoken
from understudy.speech.models import Foreign, Speaker, SpeechModels
from understudy.speech.sentences import cut
from understudy.wire.audio import CONTENT_TYPES, VOICES, SpeechFormat, SpeechRequest


@dataclass(slots=True)
class SpokenLength:
    """How much was spoken so far."""

    pcm_bytes: int = 0

    @property
    def seconds(self) -> float:
        """The length as it will be heard."""
        return duration_s(self.pcm_bytes)


@dataclass(frozen=True, slots=True)
class OpenedSpeech:
    """A speech that is being made; `pieces` is its file, never an empty piece."""

    content_type: str
    pieces: AsyncGenerator[bytes, None]
    served: str
    ignored: tuple[str, ...] = ()
    length: SpokenLength | None = None
    """None where a provider speaks: what it sends goes through, events too."""

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that say who spoke, and what had no effect."""
        headers = {"x-understudy-model": self.served}
        if self.ignored:
            headers["x-understudy-ignored"] = ", ".join(self.ignored)
        return headers


class Speeches:
    """Speeches of whichever engine a request's model leads to."""

    def __init__(self, models: SpeechModels) -> None:
        self._models = models

    @asynccontextmanager
    async def open(
        self, wanted: SpeechRequest, body: Mapping[str, object]
    ) -> AsyncIterator[OpenedSpeech]:
        """Open a speech; `body` is the request as it came, which a provider is given.

        Leaving the block ends the work. Raises InvalidRequest, ModelNotFound, and what engines do.
        """
        speaker = await self._models.speaker(wanted.model)
        if isinstance(speaker, Foreign):
            request = {**body, "model": speaker.model}
            async with speaker.engine.speak(request) as answer:
                yield OpenedSpeech(answer.content_type, answer.pieces, speaker.served)
            return
        length = SpokenLength()
        pcm = _counted(_spoken(speaker.engine, wanted), length)
        async with aclosing(encoded(pcm, wanted.format)) as pieces:
            yield OpenedSpeech(
                CONTENT_TYPES[wanted.format],
                pieces,
                speaker.served,
                _without_effect(speaker.engine, wanted),
                length,
            )

    async def voice(self, manner: "Manner") -> "TurnVoice":
        """Return a voice that speaks sentence by sentence; raises as `open` does."""
        speaker = await self._models.speaker(manner.model)
        if not isinstance(speaker, Foreign):
            _check_voice(speaker.engine, manner.voice)
        return TurnVoice(speaker, manner)


@dataclass(frozen=True, slots=True)
class Manner:
    """How the sentences of an answer are to be spoken."""

    model: str | None = None
    voice: str = "alloy"
    audio_format: SpeechFormat = "mp3"
    speed: float = 1.0
    instructions: str | None = None


@dataclass(slots=True)
class TurnVoice:
    """One voice for all the sentences of an answer, in the language of all that was said so far."""

    _speaker: Speaker
    manner: Manner
    length: SpokenLength = field(default_factory=SpokenLength)
    _said: str = ""

    @property
    def served(self) -> str:
        """The model that speaks."""
        return self._speaker.served

    async def speak(self, sentence: str) -> AsyncGenerator[bytes, None]:
        """Yield PCM at `SPOKEN_RATE_HZ`, for the words of a piece of Markdown."""
        if not (words := spoken(sentence)):
            return
        async with aclosing(_counted(self._pcm(words), self.length)) as pcm:
            async for block in pcm:
                yield block

    def _pcm(self, sentence: str) -> AsyncGenerator[bytes, None]:
        if isinstance(self._speaker, Foreign):
            return _foreign_pcm(self._speaker, sentence, self.manner)
        engine = self._speaker.engine
        self._said += f"{sentence}\n"
        return engine.speak(
            Utterance(
                sentence,
                self.manner.voice,
                self.manner.speed,
                self.manner.instructions,
                _language(engine, self._said),
            )
        )


def utterances(engine: SpeechEngine, wanted: SpeechRequest) -> Iterator[Utterance]:
    """Yield the parts of a request's text, all in the language of the whole."""
    language = _language(engine, wanted.input)
    for part in cut(wanted.input):
        yield Utterance(
            part,
            wanted.voice_id,
            1.0 if wanted.speed is None else wanted.speed,
            wanted.instructions,
            language,
        )


async def _spoken(engine: SpeechEngine, wanted: SpeechRequest) -> AsyncGenerator[bytes, None]:
    for utterance in utterances(engine, wanted):
        async with aclosing(engine.speak(utterance)) as blocks:
            async for block in blocks:
                yield block


async def _foreign_pcm(
    speaker: Foreign, sentence: str, manner: Manner
) -> AsyncGenerator[bytes, None]:
    request = {
        "model": speaker.model,
        "input": sentence,
        "voice": manner.voice,
        "speed": manner.speed,
        "instructions": manner.instructions,
        "response_format": "pcm",
    }
    async with speaker.engine.speak(request) as answer:
        if answer.content_type.startswith(("application/json", "text/")):
            raise UnsupportedParameter(
                f"'{speaker.served}' answered '{answer.content_type}' in place of PCM: name "
                "another speech model.",
                param="speech_model",
            )
        async for piece in answer.pieces:
            yield piece


async def _counted(
    pcm: AsyncGenerator[bytes, None], length: SpokenLength
) -> AsyncGenerator[bytes, None]:
    async with aclosing(pcm):
        async for block in pcm:
            length.pcm_bytes += len(block)
            yield block


def _check_voice(engine: SpeechEngine, voice: str) -> None:
    """Raise InvalidValue for a voice that an engine has not, before there is anything to speak."""
    if voice.lower() not in {known.id.lower() for known in engine.capabilities().voices}:
        raise InvalidValue(
            "voice",
            f"'{voice}' is not a voice of '{engine.name}'; it has {', '.join(sorted(VOICES))}, "
            "and its own",
        )


def _language(engine: SpeechEngine, text: str) -> str | None:
    """Return the text's language where the engine speaks it; None leaves it to the engine."""
    found = language_of(text)
    return found if found in engine.capabilities().languages else None


def _without_effect(engine: SpeechEngine, wanted: SpeechRequest) -> tuple[str, ...]:
    has_effect = wanted.instructions is None or engine.capabilities().instructions
    return () if has_effect else ("instructions",)
