"""Who speaks and who transcribes for a model name: an engine of this server's own, or a provider.

Engines are made at first use, and start nothing before they are asked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Final, Generic, Literal, TypeVar

from understudy.engines.base import AudioEngine, ModelInfo
from understudy.engines.registry import EMBEDDED, Registry
from understudy.errors import InvalidRequest, ModelNotFound
from understudy.settings import Settings
from understudy.speech.base import SpeechEngine, TranscribeEngine
from understudy.speech.espeak import EspeakEngine
from understudy.speech.extras import require
from understudy.speech.kokoro import KokoroEngine
from understudy.speech.sphinx import SphinxEngine
from understudy.speech.whisper import WhisperEngine

SPEAKING_MODEL: Final = "understudy-espeak"
TRANSCRIBING_MODEL: Final = "understudy-sphinx"
Kind = Literal["speech", "transcription"]
_Engine = TypeVar("_Engine", SpeechEngine, TranscribeEngine)
_Made = TypeVar("_Made")

_OPENAI: Mapping[Kind, re.Pattern[str]] = {
    "speech": re.compile(r"tts-1(-hd)?(-\d{4})?|gpt-4o-mini-tts(-[\d-]+)?"),
    "transcription": re.compile(
        r"whisper-1|gpt-transcribe(-[\d-]+)?|gpt-4o(-mini)?-transcribe(-diarize)?(-[\d-]+)?"
    ),
}
"""Names of OpenAI's models: aliases of what is configured here."""
_KIND_OF_FAMILY: Mapping[str, Kind] = {
    SPEAKING_MODEL: "speech",
    "kokoro": "speech",
    TRANSCRIBING_MODEL: "transcription",
    "whisper": "transcription",
}
_PUBLISHED_WHISPERS = frozenset(
    f"{size}{language}"
    for size in ("tiny", "base", "small", "medium", "distil-small", "distil-medium")
    for language in ("", ".en")
) | {"large-v1", "large-v2", "large-v3", "large", "turbo", "distil-large-v2", "distil-large-v3"}
"""What may be asked for by name alone; a name of a client's own would be a path or a download."""
_NEEDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    SPEAKING_MODEL: ("speech", ("av", "espeakng_loader")),
    "kokoro": ("kokoro", ("av", "kokoro_onnx")),
    TRANSCRIBING_MODEL: ("speech", ("av", "pocketsphinx")),
    "whisper": ("whisper", ("av", "faster_whisper")),
}
"""The extra of each family, and the packages that it brings."""


@dataclass(frozen=True, slots=True)
class Own(Generic[_Engine]):
    """An engine of this server's own, and the name to show."""

    engine: _Engine
    served: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """A provider's model: the name that it knows it by, and the name to show."""

    engine: AudioEngine
    model: str
    served: str


Speaker = Own[SpeechEngine] | Foreign
Listener = Own[TranscribeEngine] | Foreign


class SpeechModels:
    """The speech engines of one process, and the rules by which model names find them."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry
        self._speaking: dict[str, SpeechEngine] = {}
        self._transcribing: dict[str, TranscribeEngine] = {}

    async def speaker(self, name: str | None) -> Speaker:
        """Return who speaks for `name`; absent, unknown and OpenAI's names mean `tts_model`.

        Raises ModelNotFound for an unknown name when `unknown_model` is "error", InvalidRequest
        when the model does something else or a package is missing.
        """
        default = self._settings.speech.tts_model
        return await self._resolve(name, default, "speech", self._own_speaker)

    async def listener(self, name: str | None) -> Listener:
        """Return who transcribes for `name`, by the same rules and `stt_model`."""
        default = self._settings.speech.stt_model
        return await self._resolve(name, default, "transcription", self._own_listener)

    def models(self) -> list[ModelInfo]:
        """Return the models of this server's own whose packages are there."""
        speech = self._settings.speech
        names = [SPEAKING_MODEL, TRANSCRIBING_MODEL]
        names += [f"whisper/{name}" for name in speech.whisper]
        names += [f"kokoro/{name}" for name in speech.kokoro]
        return [
            ModelInfo(name, EMBEDDED, 0, _KIND_OF_FAMILY[_family(name)])
            for name in names
            if _is_installed(_family(name))
        ]

    async def aclose(self) -> None:
        """End the processes of every engine that was made."""
        for speaking in self._speaking.values():
            await speaking.aclose()
        for transcribing in self._transcribing.values():
            await transcribing.aclose()

    async def _resolve(
        self,
        name: str | None,
        default: str,
        kind: Kind,
        own: Callable[[str], _Made | None],
    ) -> "_Made | Foreign":
        name = self._unaliased(name or default)
        if _OPENAI[kind].fullmatch(name) and name != default:
            name = self._unaliased(default)
        if found := await self._find(name, kind, own):
            return found
        if self._settings.unknown_model == "error":
            raise self._registry.not_found(name)
        if found := await self._find(self._unaliased(default), kind, own):
            return found
        raise ModelNotFound(
            f"The default model for {kind}, '{default}', does not exist. Set speech.tts_model and "
            "speech.stt_model to names that docs/speech.md explains.",
            param="model",
        )

    async def _find(
        self, name: str, kind: Kind, own: Callable[[str], _Made | None]
    ) -> "_Made | Foreign | None":
        bare = name.removeprefix(f"{EMBEDDED}/")
        if (known := _KIND_OF_FAMILY.get(_family(bare))) is not None:
            if known != kind:
                raise _of_another_kind(name, known, kind)
            return own(bare)
        route = await self._registry.find(name)
        if route is None:
            return None
        if not isinstance(route.engine, AudioEngine):
            raise _of_another_kind(name, "chat", kind)
        return Foreign(route.engine, route.model, route.served)

    def _unaliased(self, name: str) -> str:
        while name in self._settings.aliases:
            name = self._settings.aliases[name]
        return name

    def _own_speaker(self, name: str) -> Own[SpeechEngine] | None:
        if (make := self._speaker_maker(name)) is None:
            return None
        _require(name)
        if name not in self._speaking:
            self._speaking[name] = make()
        return Own(self._speaking[name], name)

    def _own_listener(self, name: str) -> Own[TranscribeEngine] | None:
        if (make := self._listener_maker(name)) is None:
            return None
        _require(name)
        if name not in self._transcribing:
            self._transcribing[name] = make()
        return Own(self._transcribing[name], name)

    def _speaker_maker(self, name: str) -> Callable[[], SpeechEngine] | None:
        speech = self._settings.speech
        family, _, member = name.partition("/")
        if name == SPEAKING_MODEL:
            return partial(EspeakEngine, speech.workers)
        if family == "kokoro" and (files := speech.kokoro.get(member)):
            return partial(KokoroEngine, name, files, speech.workers)
        return None

    def _listener_maker(self, name: str) -> Callable[[], TranscribeEngine] | None:
        speech = self._settings.speech
        family, _, member = name.partition("/")
        if name == TRANSCRIBING_MODEL:
            return partial(SphinxEngine, speech.workers)
        known = {model: model for model in _PUBLISHED_WHISPERS} | speech.whisper
        if family == "whisper" and (model := known.get(member)):
            return partial(WhisperEngine, name, model, speech.workers)
        return None


def _family(name: str) -> str:
    return name.partition("/")[0]


def _is_installed(family: str) -> bool:
    return all(find_spec(package) for package in _NEEDS[family][1])


def _require(name: str) -> None:
    """Raise what is missing for a model, and how to install it."""
    extra, packages = _NEEDS[_family(name)]
    for package in packages:
        require(package, extra, name)


def _of_another_kind(name: str, known: str, wanted: Kind) -> InvalidRequest:
    return InvalidRequest(
        f"'{name}' is a model for {known}, not for {wanted}.",
        param="model",
        code="model_kind_mismatch",
    )
