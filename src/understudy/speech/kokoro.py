"""Kokoro as a speech engine: which of its voices speaks, how fast, and in which language."""

import os
import zipfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import cached_property
from typing import Final

from understudy.errors import InvalidValue
from understudy.settings.speech import KokoroSettings
from understudy.speech.base import SpeechCapabilities, Utterance, Voice
from understudy.speech.extras import require
from understudy.speech.languages import base_code, language_of
from understudy.speech.workers.frames import Start
from understudy.speech.workers.pool import PoolLimits, WorkerPool
from understudy.speech.workers.work import KokoroWork

_IDLE_S: Final = 1_800.0
_SLOWEST: Final = 0.5
_FASTEST: Final = 2.0
_ENGLISH: Final = {
    "alloy": "af_alloy",
    "ash": "am_michael",
    "ballad": "bm_george",
    "cedar": "am_puck",
    "coral": "af_bella",
    "echo": "am_echo",
    "fable": "bm_fable",
    "marin": "af_heart",
    "nova": "af_nova",
    "onyx": "am_onyx",
    "sage": "af_sarah",
    "shimmer": "af_sky",
    "verse": "am_fenrir",
}
"""OpenAI's names to the voices of Kokoro 1.0; the second letter of those is the gender."""
_ESPEAK_LANGUAGES: Final = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "p": "pt-br",
}
"""The first letter of a voice's name to the language in which it was trained."""
_LETTERS: Final = {"en": "ab", "es": "e", "fr": "f", "hi": "h", "it": "i", "pt": "p"}


class KokoroEngine:
    """Speaks with one Kokoro model, in its own processes."""

    def __init__(
        self, name: str, files: KokoroSettings, workers: int, threads: int | None = None
    ) -> None:
        """`name` is what requests call it."""
        self.name = name
        self._voices_path = files.voices
        start = Start(
            engine="kokoro",
            model={"path": str(files.model), "voices": str(files.voices)},
            threads=threads or max(1, (os.cpu_count() or 1) // workers),
            idle_s=_IDLE_S,
            parent=0,
        )
        self._pool = WorkerPool(self.name, start, PoolLimits(workers))

    def capabilities(self) -> SpeechCapabilities:
        """Return OpenAI's voices, then those in the file."""
        languages = tuple(_LETTERS)
        return SpeechCapabilities(
            voices=(
                *(Voice(name, languages) for name in _ENGLISH),
                *(Voice(name, _languages_of(name)) for name in self._available),
            ),
            languages=languages,
        )

    async def speak(self, utterance: Utterance) -> AsyncGenerator[bytes, None]:
        """Yield PCM; nothing for a text without anything to pronounce."""
        require("kokoro_onnx", "kokoro", self.name)
        work = work_for(utterance, self._available)
        async with aclosing(self._pool.run(work)) as results:
            async for pcm in results:
                assert isinstance(pcm, bytes)
                yield pcm

    async def aclose(self) -> None:
        """End its processes."""
        await self._pool.aclose()

    @cached_property
    def _available(self) -> tuple[str, ...]:
        """The names in the file of voices; a file that cannot be read is the worker's to report."""
        try:
            with zipfile.ZipFile(self._voices_path) as archive:
                names = archive.namelist()
        except (OSError, zipfile.BadZipFile):
            return ()
        return tuple(sorted(name.removesuffix(".npy") for name in names))


def work_for(utterance: Utterance, available: Sequence[str]) -> KokoroWork:
    """Return what Kokoro is to do. Raises InvalidValue for an unknown voice or language."""
    language = base_code(utterance.language or language_of(utterance.text))
    if language not in _LETTERS:
        raise InvalidValue("language", f"Kokoro speaks {', '.join(_LETTERS)}, not '{language}'")
    voice = _voice(utterance.voice, language, available)
    letter = voice[:1] if voice[:1] in _LETTERS[language] else _LETTERS[language][0]
    speed = min(max(utterance.speed, _SLOWEST), _FASTEST)
    return KokoroWork(
        text=utterance.text,
        voice=voice,
        language=_ESPEAK_LANGUAGES[letter],
        speed=speed,
        tempo=utterance.speed / speed,
    )


def _voice(name: str, language: str, available: Sequence[str]) -> str:
    """Return a voice of the file: the one named, or one for a name of OpenAI's."""
    if name in available:
        return name
    english = _ENGLISH.get(name.lower())
    if english is None:
        raise InvalidValue("voice", f"'{name}' is none of {', '.join((*_ENGLISH, *available))}")
    if language == "en" and (english in available or not available):
        return english
    alike = [voice for voice in available if _suits(voice, language, english[1])]
    native = alike or [voice for voice in available if voice[:1] in _LETTERS[language]]
    choices = native or available or [english]
    return choices[list(_ENGLISH).index(name.lower()) % len(choices)]


def _suits(voice: str, language: str, gender: str) -> bool:
    return voice[:1] in _LETTERS[language] and voice[1:2] == gender


def _languages_of(voice: str) -> tuple[str, ...]:
    return tuple(code for code, letters in _LETTERS.items() if voice[:1] in letters)
