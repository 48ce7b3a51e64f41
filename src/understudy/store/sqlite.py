"""SQLite behind the store: its engines, the settings of a connection, and what its errors mean."""

import os
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from understudy.errors import StartupError
from understudy.store.sqlite_connection import connect

Synchronous = Literal["NORMAL", "FULL"]

BUSY_TIMEOUT_S = 30
_READERS = 4
_PAUSE_S = 0.02
_IMMEDIATE = {"sqlite_begin": "IMMEDIATE"}


def create_file(path: Path) -> None:
    """Create an empty database file, readable by its owner alone; one that exists must be writable.

    Not for a thread, and an existing file is not opened: closing it would drop the locks that
    SQLite holds on it in this process.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        _check_writable(path)
    except OSError as error:
        raise StartupError(
            f"The database {path} cannot be created ({error.strerror}): its directory must exist "
            "and be writable for the user that runs Understudy."
        ) from error


def enter_wal(path: Path) -> None:
    """Switch the file to WAL, which it remembers; blocks while another process has it locked.

    The switch fails at once, whatever the busy timeout, when others switch at the same time.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE_S)


def reading_engine(path: Path, synchronous: Synchronous) -> AsyncEngine:
    """Return an engine whose connections refuse to write and see one snapshot a transaction."""
    pragmas = (f"synchronous = {synchronous}", "query_only = ON")
    return _engine(path, pragmas, **_queue(_READERS))


def writing_engine(path: Path, synchronous: Synchronous) -> AsyncEngine:
    """Return an engine of one connection, whose transactions hold the write lock while they last.

    SQLite has one writer at a time. Queueing for a connection is fair and wakes at once; queueing
    inside SQLite polls.
    """
    pragmas = (f"synchronous = {synchronous}", "foreign_keys = ON")
    return _engine(path, pragmas, **_queue(1)).execution_options(**_IMMEDIATE)


def migrating_engine(path: Path) -> AsyncEngine:
    """Return an engine for migrations, which rebuild tables and so must not enforce references."""
    return _engine(path, ("synchronous = FULL",), poolclass=NullPool)


def is_transient(error: DBAPIError) -> bool:
    """Tell whether the same transaction may succeed later."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def explain(path: Path, error: BaseException) -> str:
    """Return cause and remedy of an error met while opening the database."""
    cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    match _code(error):
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            remedy = (
                "the file is damaged or is no SQLite database. Restore a backup, or move it away "
                "to start with an empty one"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            remedy = (
                "the file and its directory must be writable for the user that runs Understudy; "
                "change their owner, or choose another directory with --data-dir"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            remedy = (
                f"another process has held its write lock for over {BUSY_TIMEOUT_S} s. End that "
                "process and try again"
            )
        case sqlite3.SQLITE_FULL:
            remedy = "the disk is full. Free some space and try again"
        case _:
            remedy = "restore a backup, or move the file away to start with an empty one"
    return f"The SQLite database {path} cannot be used ({cause}): {remedy}."


def _check_writable(path: Path) -> None:
    effective = os.access in os.supports_effective_ids
    for place in (path, path.parent):
        if not os.access(place, os.R_OK | os.W_OK, effective_ids=effective):
            raise StartupError(
                f"The database {path} cannot be used, since {place} is not writable for the user "
                "that runs Understudy: change its owner, or choose another directory with "
                "--data-dir."
            )


def _queue(connections: int) -> dict[str, Any]:
    return {"pool_size": connections, "max_overflow": 0, "pool_timeout": BUSY_TIMEOUT_S}


def _engine(path: Path, pragmas: tuple[str, ...], **pool: Any) -> AsyncEngine:
    # isolation_level None: the driver starts no transactions of its own, `begin` below does.
    opened = partial(connect, path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        async_creator=opened,
        **pool,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        driver: Any = connection.connection.driver_connection
        driver.begin(kind)

    return engine


def _code(error: BaseException) -> int | None:
    """Return SQLite's primary result code of an error that came from it."""
    original = error.orig if isinstance(error, DBAPIError) else error
    extended = getattr(original, "sqlite_errorcode", None)
    return extended & 0xFF if isinstance(extended, int) else None
