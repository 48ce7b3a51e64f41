"""Settings come from flag, environment, `.env` and default, in this order; logs go to a file."""

import logging
from pathlib import Path

import pytest

from understudy_apps.configuration import logging_as
from understudy_apps.errors import CannotStart
from understudy_apps.negotiator.settings import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_flag_beats_variable_beats_file_beats_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings.load({"port": None}).port == 8010
    (folder / ".env").write_text("NEGOTIATOR_PORT=1\nNEGOTIATOR_SESSION_DAYS=3\nOTHER=x\n")
    assert Settings.load({}).port == 1
    monkeypatch.setenv("NEGOTIATOR_PORT", "2")
    assert Settings.load({}).port == 2
    settings = Settings.load({"port": 3})
    assert (settings.port, settings.session_days) == (3, 3)
    monkeypatch.setenv("NEGOTIATOR_PORT", "")
    assert Settings.load({}).port == 1


def test_wrong_values_are_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEGOTIATOR_ENVIRONMENT", "s3cret")
    with pytest.raises(CannotStart, match="NEGOTIATOR_ENVIRONMENT") as refused:
        Settings.load({"session_days": 0})
    assert "NEGOTIATOR_SESSION_DAYS" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_secrets_are_not_shown() -> None:
    settings = Settings.load({"api_key": "sk-secret", "database_url": "postgresql://u:secret@h/d"})
    assert "secret" not in repr(settings)
    assert settings.key == "sk-secret"
    assert settings.database == "postgresql://u:secret@h/d"


def test_tests_have_a_database_of_their_own(folder: Path) -> None:
    names = {
        environment: Settings.load({"data_dir": folder, "environment": environment}).database
        for environment in ("development", "production", "test")
    }
    assert names["production"] == names["development"] == f"sqlite:///{folder}/negotiator.db"
    assert names["test"] == f"sqlite:///{folder}/negotiator-test.db"


def test_the_log_file_takes_what_the_level_lets_through(folder: Path) -> None:
    path = folder / "logs" / "app.log"
    log = logging.getLogger("understudy_apps.negotiator.example")
    with logging_as(Settings.load({"log_file": path, "log_level": "WARNING"})):
        log.info("quiet")
        log.warning("loud")
    log.warning("afterwards")
    text = path.read_text(encoding="utf-8")
    assert "loud" in text
    assert "quiet" not in text and "afterwards" not in text


def test_a_log_file_that_cannot_be_written_is_named(folder: Path) -> None:
    (folder / "file").write_text("")
    settings = Settings.load({"log_file": folder / "file" / "app.log"})
    with pytest.raises(CannotStart, match=r"app\.log cannot be written"), logging_as(settings):
        pass
