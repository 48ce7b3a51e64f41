"""Reads the settings: flag > environment > `.env` > `understudy.toml` > default.

The only reader of the environment. A bad value stops the start with a StartupError that names the
variable, or the file and line, it came from.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from understudy.errors import StartupError
from understudy.settings import (
    ENV_PREFIX,
    ModelSettings,
    RetrievalSettings,
    Settings,
    TimeoutSettings,
)
from understudy.settings.local import LocalSettings
from understudy.settings.providers import KNOWN_PROVIDERS, ProviderSettings
from understudy.settings.speech import SpeechSettings

SettingPath = tuple[str, ...]
_CONFIG_VARIABLE = f"{ENV_PREFIX}CONFIG"
_CONFIG_REMEDY = f"name an existing file with --config or {_CONFIG_VARIABLE}"
_FIELD_IN_ERROR = re.compile(r'field "(\w+)"')
_TABLES: Mapping[str, type[BaseModel]] = {
    "local": LocalSettings,
    "retrieval": RetrievalSettings,
    "speech": SpeechSettings,
    "timeouts": TimeoutSettings,
    "models": ModelSettings,
    "providers": ProviderSettings,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One place that settings come from, and what it says."""

    name: str
    values: Mapping[str, Any]
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings and, for `config show --origin`, where each value came from."""

    settings: Settings
    origins: Mapping[SettingPath, str]


class _VariablesSource(EnvSettingsSource):
    """Variables as pydantic-settings reads them, from a mapping that is passed in."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = {name.lower(): value for name, value in variables.items()}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables


def load_settings(
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> LoadedSettings:
    """Read every source and return the settings; `flags` that are None count as not given.

    Raises StartupError on values that make no sense and on names that are no setting.
    """
    flags = {name: value for name, value in (flags or {}).items() if value is not None}
    environ = os.environ if environ is None else environ
    folder = folder or Path.cwd()
    env_file = folder / ".env"
    dotenv = _dotenv(env_file)
    config = (
        flags.pop("config", None) or environ.get(_CONFIG_VARIABLE) or dotenv.get(_CONFIG_VARIABLE)
    )
    sources = [
        Source("flag", flags),
        Source("environment", _variables(environ, "the environment")),
        Source(".env", _variables(dotenv, str(env_file)), env_file),
        _toml(Path(str(config)) if config else folder / "understudy.toml", is_named=bool(config)),
    ]
    values = _merge(sources)
    _complete_providers(values, sources, {**dotenv, **environ})
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise StartupError(_explain(error, sources)) from None
    return LoadedSettings(_without_own_address(settings), _origins(sources))


def _without_own_address(settings: Settings) -> Settings:
    """Drop providers that nobody enabled and whose usual address is the one this server takes."""
    others = {
        name: provider
        for name, provider in settings.providers.items()
        if provider.enabled or not settings.is_own_address(provider.base_url)
    }
    return settings.model_copy(update={"providers": others})


def _dotenv(file: Path) -> dict[str, str]:
    try:
        return {name: value for name, value in dotenv_values(file).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"{file} cannot be read: {error}") from error


def _variables(variables: Mapping[str, str], where: str) -> dict[str, Any]:
    for name in variables:
        if name.upper().startswith(ENV_PREFIX) and name.upper() != _CONFIG_VARIABLE:
            _refuse_unknown(name, where)
    try:
        return _VariablesSource(variables)()
    except SettingsError as error:
        field = _FIELD_IN_ERROR.search(str(error))
        name = f"{ENV_PREFIX}{field[1].upper()}" if field else "A variable"
        raise StartupError(
            f"{name} in {where} is not valid JSON ({error.__cause__ or error}). Tables are written "
            'as JSON, such as {"name": "value"}.'
        ) from None


def _refuse_unknown(name: str, where: str) -> None:
    field = name[len(ENV_PREFIX) :].lower().partition("__")[0]
    if field in Settings.model_fields:
        return
    near = difflib.get_close_matches(field, Settings.model_fields, n=1)
    hint = f" Did you mean {ENV_PREFIX}{near[0].upper()}?" if near else ""
    raise StartupError(f"{name} in {where} is no setting.{hint}")


def _toml(file: Path, *, is_named: bool) -> Source:
    if file.is_dir():
        raise StartupError(
            f"The settings file {file} is a folder: {_CONFIG_REMEDY}, or move the folder away."
        )
    if not file.is_file():
        if is_named:
            raise StartupError(f"There is no settings file {file}: {_CONFIG_REMEDY}.")
        return Source(file.name, {}, file)
    try:
        return Source(file.name, tomllib.loads(file.read_text(encoding="utf-8")), file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartupError(f"{file} is not valid TOML: {error}") from error
    except OSError as error:
        raise StartupError(f"{file} cannot be read: {error.strerror}") from error


def _merge(sources: list[Source]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for source in reversed(sources):
        _deep_update(merged, source.values)
    return merged


def _deep_update(target: dict[str, Any], update: Mapping[str, Any]) -> None:
    for name, value in update.items():
        if isinstance(value, Mapping) and isinstance(target.get(name), dict):
            _deep_update(target[name], value)
        else:
            target[name] = _copy(value)


def _copy(value: Any) -> Any:
    return {k: _copy(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _complete_providers(
    values: dict[str, Any], sources: list[Source], variables: Mapping[str, str]
) -> None:
    """Add the providers known by name, fill keys from their variables, decide what is enabled."""
    named = values.get("providers", {})
    if not isinstance(named, dict):
        return
    providers: dict[str, Any] = {}
    for name in [*named, *(known for known in KNOWN_PROVIDERS if known not in named)]:
        provider = _copy(KNOWN_PROVIDERS.get(name, {}))
        if not isinstance(given := named.get(name, {}), dict):
            providers[name] = given
            continue
        _deep_update(provider, given)
        if not provider.get("key") and (key := variables.get(str(provider.get("key_variable")))):
            provider["key"] = key
        provider.setdefault("enabled", name in named)
        providers[name] = provider
    _enable_dashscope(providers, named)
    values["providers"] = providers


def _enable_dashscope(providers: dict[str, Any], named: Mapping[str, Any]) -> None:
    """A DashScope key alone enables the international host, unless the settings name a region."""
    regions = {
        name for name, known in KNOWN_PROVIDERS.items() if known.get("adapter") == "dashscope"
    }
    if providers["dashscope"].get("key") and not regions & set(named):
        providers["dashscope"]["enabled"] = True


def _leaves(values: Mapping[str, Any], path: SettingPath = ()) -> Iterator[SettingPath]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, str(name)))
        else:
            yield (*path, str(name))


def _origins(sources: list[Source]) -> dict[SettingPath, str]:
    origins: dict[SettingPath, str] = {}
    for source in sources:
        for path in _leaves(source.values):
            origins.setdefault(path, source.name)
    return origins


def _explain(error: ValidationError, sources: list[Source]) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        path = tuple(str(part) for part in problem["loc"])
        reason = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            reason = f"is no setting{_suggestion(path)}"
        where = _place(path, sources) if path else ""
        lines.append(f"{where}{'.'.join(path)}: {reason}" if path else reason)
    return "Settings: " + "; ".join(lines)


def _suggestion(path: SettingPath) -> str:
    table = Settings if len(path) == 1 else _TABLES.get(path[0])
    near = difflib.get_close_matches(path[-1], table.model_fields, n=1) if table else []
    return f"; did you mean {near[0]}?" if near else ""


def _place(path: SettingPath, sources: list[Source]) -> str:
    """Say which source set `path`, or the table around it where `path` itself is missing."""
    for length in range(len(path), 0, -1):
        for source in sources:
            if any(_overlap(leaf, path[:length]) for leaf in _leaves(source.values)):
                return _named_place(source, path[:length])
    return ""


def _named_place(source: Source, path: SettingPath) -> str:
    if source.name == "flag":
        return f"--{path[0].replace('_', '-')}: "
    variable = ENV_PREFIX + "__".join(path).upper()
    if source.file is None:
        return f"{variable} in the environment: "
    return f"{source.file}, line {_line(source.file, path, variable)}: "


def _overlap(leaf: SettingPath, path: SettingPath) -> bool:
    return leaf[: len(path)] == path[: len(leaf)]


def _line(file: Path, path: SettingPath, variable: str) -> int:
    """Return the line that sets `path`; the nearest line above it where TOML nests in one line."""
    table: SettingPath = ()
    best = (0, 1)
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        line = text.strip()
        if line.startswith("["):
            table = tuple(part.strip("\"' ") for part in line.strip("[] ").split("."))
            found = table
        else:
            key = line.partition("=")[0].strip().removeprefix("export ")
            found = (*table, *(part.strip("\"' ") for part in key.split(".")))
            if key.upper() == variable:
                return number
        if found == path[: len(found)] and len(found) > best[0]:
            best = (len(found), number)
    return best[1]
