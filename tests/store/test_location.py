from pathlib import Path

import pytest

from understudy.errors import StartupError
from understudy.store.location import PostgresDatabase, SqliteFile, locate

DATA_DIR = Path("/srv/understudy")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (None, "/srv/understudy/understudy.db"),
        ("", "/srv/understudy/understudy.db"),
        ("sqlite:///notes.db", "notes.db"),
        ("sqlite:////var/lib/notes.db", "/var/lib/notes.db"),
        ("sqlite+aiosqlite:////var/lib/a%20b.db", "/var/lib/a b.db"),
    ],
)
def test_sqlite_urls_name_a_file(url: str | None, path: str) -> None:
    assert locate(url, DATA_DIR) == SqliteFile(Path(path))


@pytest.mark.parametrize(
    ("url", "dsn", "name", "server"),
    [
        (
            "postgresql://ann:secret@db.example:6000/chat",
            "postgresql://ann:secret@db.example:6000/chat",
            "chat",
            "db.example:6000",
        ),
        (
            "postgres://ann@db.example/chat?sslmode=require",
            "postgresql://ann@db.example/chat?sslmode=require",
            "chat",
            "db.example:5432",
        ),
        ("postgresql+asyncpg://ann@[::1]", "postgresql://ann@[::1]", "ann", "::1:5432"),
        (
            "postgresql:///chat?host=/run",
            "postgresql:///chat?host=/run",
            "chat",
            "the local socket",
        ),
    ],
)
def test_postgres_urls_reach_the_driver_whole(url: str, dsn: str, name: str, server: str) -> None:
    location = locate(url, DATA_DIR)
    assert isinstance(location, PostgresDatabase)
    assert (location.dsn, location.name, location.server) == (dsn, name, server)


def test_a_password_shows_neither_in_text_nor_in_repr() -> None:
    location = locate("postgresql://ann:p%40ss-word@db.example/chat?password=p%40ss-word", DATA_DIR)
    assert isinstance(location, PostgresDatabase)
    assert location.password == "p@ss-word"
    assert "ss-word" not in str(location) + repr(location)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:secret@db.example/chat",
        "understudy.db",
        "postgresql://ann:secret@db.example:port/chat",
        "postgresql://ann:sec[ret@db.example/chat",
    ],
)
def test_other_urls_are_refused_by_naming_what_is_accepted(url: str) -> None:
    with pytest.raises(StartupError) as refusal:
        locate(url, DATA_DIR)
    assert "sqlite:///path/to/file.db" in refusal.value.message
    assert "postgresql://user:password@host:5432/name" in refusal.value.message
    assert "secret" not in refusal.value.message


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:notes.db"]
)
def test_sqlite_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(StartupError, match="names no SQLite file"):
        locate(url, DATA_DIR)
