"""The protocols that speech engines speak, and the records that pass between them and the rest.

Audio inside is PCM: signed 16-bit little-endian, one channel. `codec` makes files of it.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final, Protocol

SPOKEN_RATE_HZ: Final = 24_000
"""What engines that speak yield, and what `pcm` means to clients."""
HEARD_RATE_HZ: Final = 16_000
"""What engines that transcribe take."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is to be spoken."""

    text: str
    voice: str
    """A voice of OpenAI's by its name, or one of the engine's own."""
    speed: float = 1.0
    """From 0.25 to 4."""
    instructions: str | None = None
    language: str | None = None
    """ISO 639-1; None lets the engine find out from the text."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of an engine."""

    id: str
    languages: tuple[str, ...]
    """ISO 639-1."""


@dataclass(frozen=True, slots=True)
class SpeechCapabilities:
    """What an engine that speaks can do."""

    voices: tuple[Voice, ...]
    languages: tuple[str, ...]
    instructions: bool = False


class SpeechEngine(Protocol):
    """Speaks."""

    name: str

    def capabilities(self) -> SpeechCapabilities:
        """Return what it can do, without starting anything."""
        ...

    def speak(self, utterance: Utterance) -> AsyncGenerator[bytes, None]:
        """Yield PCM at `SPOKEN_RATE_HZ` as it is made; closing the generator ends the work.

        Raises InvalidRequest for what cannot be spoken, NotReady and ProviderFailed.
        """
        ...

    async def aclose(self) -> None:
        """End the processes behind it."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was heard; times from the start of the audio."""

    text: str
    start_s: float
    end_s: float
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech that was heard."""

    text: str
    start_s: float
    end_s: float
    words: tuple[Word, ...] = ()
    speaker: str | None = None
    average_logprob: float | None = None
    no_speech_probability: float | None = None
    compression_ratio: float | None = None
    temperature: float | None = None
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Listening:
    """How audio is to be heard."""

    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0
    translate: bool = False
    """Into English, whatever is spoken."""
    words: bool = False
    """Whether the times of words are wanted."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What comes first from a transcription: facts of the whole."""

    language: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class TranscribeCapabilities:
    """What an engine that transcribes can do."""

    languages: tuple[str, ...] | None
    """ISO 639-1; None means whatever is spoken."""
    translation: bool = False
    word_times: bool = False
    logprobs: bool = False
    prompt: bool = False
    temperature: bool = False
    diarization: bool = False


class TranscribeEngine(Protocol):
    """Transcribes."""

    name: str

    def capabilities(self) -> TranscribeCapabilities:
        """Return what it can do, without starting anything."""
        ...

    def transcribe(
        self, audio: AsyncGenerator[bytes, None], listening: Listening
    ) -> AsyncGenerator[Heard | Segment, None]:
        """Yield one `Heard`, then segments in order, from PCM at `HEARD_RATE_HZ`.

        Closing the generator ends the work. Raises InvalidRequest, NotReady and ProviderFailed.
        """
        ...

    async def aclose(self) -> None:
        """End the processes behind it."""
        ...
