"""Which database a URL means. Pure: nothing is opened, created or imported here."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from understudy.errors import StartupError

_ACCEPTED = "Accepted are sqlite:///path/to/file.db and postgresql://user:password@host:5432/name"


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A SQLite database in one file."""

    path: Path

    def __str__(self) -> str:
        return f"the SQLite database {self.path}"


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A PostgreSQL database; `dsn` holds the password and is not for messages."""

    dsn: str = field(repr=False)
    name: str
    server: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"the PostgreSQL database '{self.name}' at {self.server}"


Location = SqliteFile | PostgresDatabase


def locate(url: str | None, data_dir: Path) -> Location:
    """Return the database that `url` names, or the SQLite file of `data_dir` without one.

    A driver in the scheme (`postgresql+asyncpg`) is accepted and ignored. No message quotes the
    URL, which may hold a password.
    """
    if not url:
        return SqliteFile(data_dir / "understudy.db")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise StartupError(
            f"The database URL cannot be read; characters such as / : @ [ in a password must be "
            f"percent-encoded. {_ACCEPTED}."
        ) from error
    scheme = parts.scheme.partition("+")[0]
    if scheme == "sqlite":
        return _sqlite(url)
    if scheme in ("postgresql", "postgres"):
        return _postgres(url, parts, port)
    raise StartupError(f"The database URL has the unknown scheme '{parts.scheme}'. {_ACCEPTED}.")


def _sqlite(url: str) -> SqliteFile:
    path = unquote(url.partition("://")[2].partition("?")[0])
    if not path.startswith("/") or path in ("/", "/:memory:"):
        raise StartupError(
            "The database URL names no SQLite file; write sqlite:///relative/path.db or "
            "sqlite:////absolute/path.db (a database in memory would forget everything)."
        )
    return SqliteFile(Path(path[1:]))


def _postgres(url: str, parts: SplitResult, port: int | None) -> PostgresDatabase:
    return PostgresDatabase(
        dsn="postgresql://" + url.partition("://")[2],
        name=unquote(parts.path.lstrip("/")) or unquote(parts.username or "") or "(default)",
        server=f"{parts.hostname}:{port or 5432}" if parts.hostname else "the local socket",
        password=unquote(parts.password or ""),
    )
