"""The local models by name: those of the settings, those installed, and files that the settings
name. No name from a request is ever opened as a path.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from understudy.engines.base import Capabilities, ModelInfo
from understudy.engines.llama import library
from understudy.engines.llama.failures import LOCAL, unusable
from understudy.engines.llama.gguf_file import GgufHeader, UnreadableGguf, read_header
from understudy.engines.llama.requests import CHAT
from understudy.errors import ModelUnusable
from understudy.settings import Settings
from understudy.settings.local import LocalKind, LocalModelSettings

SUFFIX: Final = ".gguf"
_REMEMBERED_S: Final = 2.0
_TOOL_TEMPLATE: Final = "tokenizer.chat_template.tool_use"
"""Some files have a template of its own for requests with tools."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that runs on this machine."""

    name: str
    """What follows `local/`."""
    path: Path
    settings: LocalModelSettings

    @property
    def header(self) -> GgufHeader:
        """What its file says; raises ModelUnusable."""
        try:
            return read_header(self.path)
        except UnreadableGguf as error:
            raise unusable(self.name, str(error)) from error

    @property
    def kind(self) -> LocalKind:
        """What it is for; raises ModelUnusable."""
        return self.settings.kind or self.header.kind


def is_file_name(name: str) -> bool:
    """Tell whether the settings mean a file by the model name."""
    return name.lower().endswith(SUFFIX)


class LocalModels:
    """Finds local models; looks at the disk for installed ones only, and not each time."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data_dir / library.MODELS_FOLDER
        self._configured = settings.local.models
        self._files = dict(_files(settings))
        self._found: dict[str, tuple[float, LocalModel | None]] = {}

    def find(self, name: str) -> LocalModel | None:
        """Return the model of that name, without `local/` before it; None where there is none.

        Raises ModelUnusable for one whose repository is not installed.
        """
        if (own := self._configured.get(name)) is not None:
            return self._of_settings(name, own)
        return self._files.get(name) or self._installed(name)

    def find_file(self, text: str) -> LocalModel | None:
        """Return the model of a file that the settings name with exactly this `text`."""
        if not is_file_name(text):
            return None
        path = _absolute(text)
        return next((model for model in self._files.values() if model.path == path), None)

    def all(self) -> list[LocalModel]:
        """Return every model, in the order of the settings, and then those installed."""
        found = {name: self._of_settings_or_none(name) for name in self._configured}
        found |= {name: model for name, model in self._files.items() if name not in found}
        for file in library.installed(self._folder):
            found.setdefault(file.name, LocalModel(file.name, file.path, _at(file.path)))
        return [model for model in found.values() if model is not None]

    def absent(self) -> dict[str, ModelUnusable]:
        """Return what is to be said of models of the settings that are not installed, by name."""
        names = [name for name in self._configured if self._of_settings_or_none(name) is None]
        return {name: self._not_installed(name) for name in names}

    def preloaded(self) -> list[LocalModel]:
        """Return the models that are to be loaded at the start."""
        return [model for model in self.all() if model.settings.preload]

    def listed(self) -> list[ModelInfo]:
        """Return the models whose files can be read, under the names that the engine takes."""
        return [info for model in self.all() if (info := _info(model)) is not None]

    def _of_settings(self, name: str, own: LocalModelSettings) -> LocalModel:
        if own.path is not None:
            return LocalModel(name, own.path, own)
        installed = self._installed(own.repository or "")
        if installed is None:
            raise self._not_installed(name)
        return LocalModel(name, installed.path, own)

    def _not_installed(self, name: str) -> ModelUnusable:
        repository = self._configured[name].repository
        return unusable(
            name, f"{repository} is not installed: run `understudy models pull {repository}`"
        )

    def _of_settings_or_none(self, name: str) -> LocalModel | None:
        own = self._configured[name]
        if own.path is None and self._installed(own.repository or "") is None:
            return None
        return self._of_settings(name, own)

    def _installed(self, name: str) -> LocalModel | None:
        if "/" not in name:
            return None
        until, model = self._found.get(name, (float("-inf"), None))
        if time.monotonic() < until:
            return model
        file = library.find(self._folder, name)
        model = LocalModel(file.name, file.path, _at(file.path)) if file else None
        self._remember(name, model)
        return model

    def _remember(self, name: str, model: LocalModel | None) -> None:
        if len(self._found) > 1000:  # Names come from requests.
            self._found.clear()
        self._found[name] = (time.monotonic() + _REMEMBERED_S, model)


def capabilities_of(model: LocalModel, context_length: int) -> Capabilities:
    """Return what the engine can do with a model; raises ModelUnusable."""
    tools = _takes_tools(model)
    return replace(CHAT, kind=model.kind, tools=tools, context_length=context_length)


def _takes_tools(model: LocalModel) -> bool:
    """Tell whether the model's chat template shows tools; with any other they would go unseen."""
    file = model.settings.chat_template
    header = model.header
    template = _text_of(file) if file else header.chat_template
    return "tools" in (template or "") or _TOOL_TEMPLATE in header.values


@lru_cache(maxsize=64)
def _text_of(file: Path) -> str:
    """Return a template's text; that it cannot be read is told when the model is loaded."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _info(model: LocalModel) -> ModelInfo | None:
    try:
        created = int(model.path.stat().st_mtime)
        return ModelInfo(model.name, LOCAL, created, model.kind)
    except (OSError, ModelUnusable):
        return None


def _files(settings: Settings) -> Iterator[tuple[str, LocalModel]]:
    """Yield the models of the files that the settings name where a model's name is expected."""
    configured = {model.path: (name, model) for name, model in settings.local.models.items()}
    taken = set(settings.local.models)
    named = (
        settings.default_model,
        settings.default_embedding_model,
        settings.retrieval.embedding_model or "",
        *settings.aliases.values(),
    )
    for path in dict.fromkeys(_absolute(name) for name in named if is_file_name(name)):
        if path in configured:
            name, own = configured[path]
        else:
            name = path.stem if path.stem not in taken else f"{path.parent.name}-{path.stem}"
            own = _at(path)
        taken.add(name)
        yield name, LocalModel(name, path, own)


def _at(path: Path) -> LocalModelSettings:
    return LocalModelSettings(path=path)


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()
