"""eSpeak NG as a speech engine: which of its voices speaks, how fast, and in which language.

Nothing of the library, which is under the GPL, is loaded here: it works in a process of its own.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from understudy.errors import InvalidValue
from understudy.speech.base import SpeechCapabilities, Utterance, Voice
from understudy.speech.extras import require
from understudy.speech.languages import base_code, language_of
from understudy.speech.workers.frames import Start
from understudy.speech.workers.pool import PoolLimits, WorkerPool
from understudy.speech.workers.work import EspeakWork

NAME: Final = "understudy-espeak"
OWN_PREFIX: Final = "espeak:"
_IDLE_S: Final = 600.0


class _Timbre(NamedTuple):
    variant: str
    pitch: int = 50
    pitch_range: int = 50


_TIMBRES: Final = {
    "alloy": _Timbre("f5", 40, 45),
    "ash": _Timbre("m1"),
    "ballad": _Timbre("m2", 55, 65),
    "cedar": _Timbre("m4", 45),
    "coral": _Timbre("f1"),
    "echo": _Timbre("m3", 65),
    "fable": _Timbre("m6", 60, 60),
    "marin": _Timbre("f5", 55),
    "nova": _Timbre("f2"),
    "onyx": _Timbre("m8", 40, 40),
    "sage": _Timbre("f3"),
    "shimmer": _Timbre("f4", 60),
    "verse": _Timbre("m7", 55, 70),
}
_LANGUAGES: Final = {
    code: code
    for code in (
        "af am an ar as az ba be bg bn bs ca cs cy da de el eo et eu fa fi ga gd gn gu hi hr "
        "ht hu hy ia id io is it ja ka kk kl kn ko ku ky la lb lt lv mi mk ml mr ms mt my ne nl om "
        "or pa pl pt qu ro ru sd si sk sl sq sr sv sw ta te th ti tk tn tr tt ug uk ur uz vi"
    ).split()
} | {"en": "en-us", "es": "es", "fr": "fr", "he": "he", "nb": "nb", "no": "nb", "zh": "cmn"}
"""ISO 639-1 to eSpeak's own names."""


class EspeakEngine:
    """Speaks with eSpeak NG, in its own processes."""

    name = NAME

    def __init__(self, workers: int) -> None:
        start = Start(engine="espeak", model={}, threads=1, idle_s=_IDLE_S, parent=0)
        self._pool = WorkerPool(NAME, start, PoolLimits(workers))

    def capabilities(self) -> SpeechCapabilities:
        """Return its voices: OpenAI's names, then its own variants."""
        languages = tuple(sorted(_LANGUAGES))
        names = [*sorted(_TIMBRES), *(OWN_PREFIX + name for name in sorted(variants().values()))]
        return SpeechCapabilities(
            voices=tuple(Voice(name, languages) for name in names), languages=languages
        )

    async def speak(self, utterance: Utterance) -> AsyncGenerator[bytes, None]:
        """Yield PCM as it is made; nothing for a text without anything to pronounce."""
        require("espeakng_loader", "speech", NAME)
        async with aclosing(self._pool.run(work_for(utterance))) as results:
            async for pcm in results:
                assert isinstance(pcm, bytes)
                yield pcm

    async def aclose(self) -> None:
        """End its processes."""
        await self._pool.aclose()


def work_for(utterance: Utterance) -> EspeakWork:
    """Return what eSpeak is to do. Raises InvalidValue for an unknown voice or language."""
    timbre = _timbre(utterance.voice)
    language = _espeak_language(utterance.language or language_of(utterance.text))
    return EspeakWork(
        text=_spoken(utterance.text),
        voice=f"{language}+{timbre.variant}",
        pitch=timbre.pitch,
        pitch_range=timbre.pitch_range,
        tempo=utterance.speed,
    )


@lru_cache
def variants() -> dict[str, str]:
    """Return the variants of the installed eSpeak NG, by their names in lower case."""
    package = find_spec("espeakng_loader")
    if package is None or package.origin is None:
        return {}
    folder = Path(package.origin).parent / "espeak-ng-data" / "voices" / "!v"
    return {path.name.lower(): path.name for path in folder.iterdir()}


def _timbre(voice: str) -> _Timbre:
    known = _TIMBRES.get(voice.lower())
    if known is not None:
        return known
    if voice.startswith(OWN_PREFIX):
        variant = variants().get(voice.removeprefix(OWN_PREFIX).lower())
        if variant is not None:
            return _Timbre(variant)
    raise InvalidValue(
        "voice",
        f"'{voice}' is not a voice of '{NAME}'; it has {', '.join(sorted(_TIMBRES))}, and "
        f"'{OWN_PREFIX}VARIANT' for the variants of eSpeak NG, such as '{OWN_PREFIX}klatt4'",
    )


def _espeak_language(tag: str) -> str:
    language = _LANGUAGES.get(base_code(tag))
    if language is None:
        raise InvalidValue("language", f"eSpeak NG does not speak '{tag}'")
    return language


def _spoken(text: str) -> str:
    """Return the text without control characters: eSpeak takes commands after them."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
