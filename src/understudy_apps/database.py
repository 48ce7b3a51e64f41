"""An application's database, SQLite or PostgreSQL: its transactions and its migrations.

Knows nothing of what the tables mean. A database that does not exist is created.
"""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
from sqlalchemy import Connection, ExceptionContext, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from understudy_apps.errors import CannotStart, Unavailable

_BUSY_TIMEOUT_S = 30
_CONNECT_TIMEOUT_S = 10
_COMMAND_TIMEOUT_S = 30
_CLOSE_TIMEOUT_S = 10
_CONNECTIONS = 5
_AWAY = "The database does not answer. Try again in a moment."
_AWAY_CODE = "database_unavailable"

_SERVING = ("foreign_keys = ON", "synchronous = NORMAL")
_MIGRATING = ("foreign_keys = OFF", "synchronous = FULL")
"""A migration rebuilds tables; with references on, dropping the old one would empty others."""

_MIGRATION_LOCK = 5_081_520_833
"""Any number will do, as long as every release uses the same one."""

# SQLSTATE classes of https://www.postgresql.org/docs/current/errcodes-appendix.html: connection,
# rollback, resources, intervention. The same transaction may succeed later.
_TRANSIENT_CLASSES = ("08", "40", "53", "57")


class Database:
    """An application's database; `migrate` comes first, `close` last.

    Transactions must not be nested: SQLite has one writer at a time.
    """

    def __init__(self, url: str) -> None:
        """Take `sqlite:///path/to/file.db` or `postgresql://user:password@host:port/name`.

        Opens nothing. Raises CannotStart for a URL of neither kind.
        """
        self._url = _parse(url)
        self._is_sqlite = self._url.get_backend_name() == "sqlite"
        if self._is_sqlite:
            self._reader = _sqlite_engine(self._path, _CONNECTIONS, "DEFERRED", _SERVING)
            self._writer = _sqlite_engine(self._path, 1, "IMMEDIATE", _SERVING)
        else:
            self._reader = self._writer = _postgres_engine(self._url, _COMMAND_TIMEOUT_S)

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for reading, which sees one snapshot on SQLite.

        Raises Unavailable, here and in `write`, when the database is away or busy.
        """
        with _Reporting():
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end of the block and rolls back on an exception.

        On SQLite it holds the write lock from its first statement; on PostgreSQL rows that are read
        in order to be changed need `with_for_update()`, which SQLite ignores.
        """
        with _Reporting():
            async with self._writer.begin() as connection:
                yield connection

    async def migrate(self, folder: Path) -> None:
        """Create the database if it is missing, and run the Alembic migrations of `folder`.

        Of several processes one runs them and the others wait. Raises CannotStart.
        """
        try:
            await self._create()
            engine = self._migrating_engine()
            try:
                async with engine.begin() as connection:
                    await connection.run_sync(_upgrade, folder)
            finally:
                await engine.dispose()
        except Unavailable as error:
            raise CannotStart(_explain(self._url, error.__cause__ or error)) from error
        except (DBAPIError, sqlite3.Error, OSError) as error:
            raise CannotStart(_explain(self._url, error)) from error

    async def close(self) -> None:
        """Close every connection."""
        with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
            await self._reader.dispose()
            await self._writer.dispose()

    async def _create(self) -> None:
        if self._is_sqlite:
            _create_sqlite(self._path)
        else:
            await _create_postgres(self._url)

    def _migrating_engine(self) -> AsyncEngine:
        if self._is_sqlite:
            return _sqlite_engine(self._path, 1, "IMMEDIATE", _MIGRATING)
        return _postgres_engine(self._url, None)

    @property
    def _path(self) -> Path:
        return Path(self._url.database or "")


def _explain(url: URL, error: BaseException) -> str:
    """Return cause and remedy; never the URL's password."""
    original = error.orig if isinstance(error, DBAPIError) else error
    cause = str(original).partition("\n")[0] or type(original).__name__
    if url.password:
        cause = cause.replace(str(url.password), "***")
    remedy = (
        "the file and its folder must be writable, and the file a SQLite database"
        if url.get_backend_name() == "sqlite"
        else "check that the server runs, and user, password and rights of the database URL"
    )
    return f"The database {url.render_as_string()} cannot be used ({cause}): {remedy}."


class _Reporting:
    """Turns an error that trying again may cure into Unavailable."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and _may_pass(error)):
            raise Unavailable(_AWAY, _AWAY_CODE) from error


def _may_pass(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int):
        return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return (getattr(error.orig, "sqlstate", None) or "").startswith(_TRANSIENT_CLASSES)


def _parse(text_: str) -> URL:
    try:
        url = make_url(text_)
    except ArgumentError as error:
        # The message would quote the URL, which may hold a password.
        raise CannotStart(f"The database URL cannot be read. {_ACCEPTED}") from error
    backend = "postgresql" if url.drivername == "postgres" else url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    if backend == "postgresql" and url.database:
        return url.set(drivername="postgresql")
    raise CannotStart(f"The database URL names no database of a kind that is known. {_ACCEPTED}")


_ACCEPTED = (
    "Accepted are sqlite:///path/to/file.db and postgresql://user:password@host:5432/name, with "
    "special characters of a password percent-encoded."
)


def _sqlite_engine(
    path: Path, connections: int, begin: str, pragmas: tuple[str, ...]
) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        # The driver is to begin no transactions of its own; `_begin` does.
        connect_args={"timeout": _BUSY_TIMEOUT_S, "isolation_level": None},
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_BUSY_TIMEOUT_S,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _set_pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {begin}")

    return engine


def _create_sqlite(path: Path) -> None:
    """Create the file, readable by its owner alone, and switch it to WAL, which it remembers."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _postgres_engine(url: URL, command_timeout_s: int | None) -> AsyncEngine:
    async def connect() -> Any:
        return await _connect(url, command_timeout=command_timeout_s)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=_CONNECTIONS,
        max_overflow=_CONNECTIONS,
        pool_pre_ping=True,
    )

    @event.listens_for(engine.sync_engine, "handle_error")
    def _report_silence(context: ExceptionContext) -> None:
        # asyncpg raises these as they are, and SQLAlchemy wraps only what its driver defines.
        if isinstance(context.original_exception, OSError):
            raise Unavailable(_AWAY, _AWAY_CODE) from context.original_exception

    return engine


async def _connect(url: URL, **options: Any) -> Any:
    try:
        import asyncpg
    except ImportError as error:
        raise CannotStart(
            "The database URL names PostgreSQL, whose driver is not installed: "
            "pip install 'understudy[postgres]'."
        ) from error
    # asyncpg reads the URL as libpq does: ?sslmode=require, ?host=/socket/dir, PGPASSWORD.
    dsn = url.render_as_string(hide_password=False)
    try:
        return await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT_S, **options)
    except asyncpg.InvalidCatalogNameError:
        raise
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unavailable(_AWAY, _AWAY_CODE) from error


async def _create_postgres(url: URL) -> None:
    """Create the database if its server has none of that name."""
    import asyncpg

    try:
        await (await _connect(url)).close()
        return
    except asyncpg.InvalidCatalogNameError:
        pass
    connection = await _connect(url, database="postgres")
    try:
        name = str(url.database).replace('"', '""')
        await connection.execute(f'CREATE DATABASE "{name}"')
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        pass  # Another process was faster.
    finally:
        await connection.close()


def _upgrade(connection: Connection, folder: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise CannotStart(
            f"A newer release wrote the database ({error}). Install that release, or restore a "
            "backup from before the upgrade."
        ) from error
