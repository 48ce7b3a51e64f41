"""A folder of its own for every load, and no variable that the test does not name."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from understudy.errors import StartupError
from understudy.settings import Settings
from understudy.settings.load import LoadedSettings, load_settings

Load = Callable[..., LoadedSettings]
Refusal = Callable[..., str]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load settings from the sources that are given, and from nothing else."""

    def load_from(
        toml: str = "",
        dotenv: str = "",
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, object] | None = None,
    ) -> LoadedSettings:
        (tmp_path / "understudy.toml").write_text(toml, encoding="utf-8")
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        return load_settings(flags, environ or {}, tmp_path)

    return load_from


@pytest.fixture
def settings(load: Load) -> Callable[..., Settings]:
    """Return the settings that the given sources lead to."""
    return lambda *args, **sources: load(*args, **sources).settings


@pytest.fixture
def refusal(load: Load) -> Refusal:
    """Return the message with which the given sources are refused."""

    def message(*args: object, **sources: object) -> str:
        with pytest.raises(StartupError) as caught:
            load(*args, **sources)
        return caught.value.message

    return message
