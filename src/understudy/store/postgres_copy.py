"""A PostgreSQL database as a SQLite file, and such a file as its content. Blocks.

Nothing but the driver is needed: no program of PostgreSQL has to be installed.
"""

from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import anyio
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from understudy.errors import NotReady, StartupError
from understudy.store import postgres
from understudy.store.archive import Report
from understudy.store.db import open_store
from understudy.store.location import PostgresDatabase
from understudy.store.migrations import REVISIONS
from understudy.store.transfer import copy_rows, count_rows, empty_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_Result = TypeVar("_Result")
_OURS = "SELECT version_num FROM alembic_version"
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'understudy' AND pid <> pg_backend_pid()
"""
_OTHERS_MAY_END_S = 5.0
_LOOK_EVERY_S = 0.2
_NAME = "SET application_name = 'understudy copy'"
"""Of our own connections, lest one that has just ended be taken for a server's."""
_LOCK_WAIT = "SET LOCAL lock_timeout = '60s'"


def copy_out(database: PostgresDatabase, file: Path, report: Report) -> None:
    """Write the state of one moment into a new SQLite file. Raises StartupError."""
    _run(database, lambda: _copy_out(database, file, report))


def copy_in(database: PostgresDatabase, file: Path, report: Report) -> None:
    """Replace all rows by those of a SQLite file, in one transaction. Raises StartupError.

    A file of an older release is upgraded on the way. Tables that are not there are created.
    """
    size_bytes = file.stat().st_size
    _run(database, lambda: _copy_in(database, file, lambda rows: _Share(report, size_bytes, rows)))


def has_tables(database: PostgresDatabase) -> bool:
    """Tell whether a server has used the database. Raises StartupError."""
    return _run(database, lambda: _has_tables(database))


def _run(database: PostgresDatabase, work: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    postgres.require_driver()
    try:
        return anyio.run(work)
    except NotReady as error:
        raise StartupError(postgres.explain(database, error.__cause__ or error)) from error
    except (SQLAlchemyError, OSError) as error:
        raise StartupError(postgres.explain(database, error)) from error


async def _copy_out(database: PostgresDatabase, file: Path, report: Report) -> None:
    async with _connected(database, postgres.reading) as source:
        await _require_revision(source, database)
        size = "SELECT pg_database_size(current_database())"
        size_bytes = (await source.execute(text(size))).scalar_one()
        advance = _Share(report, size_bytes, await count_rows(source))
        async with open_store(_url(file), file.parent) as made, made.write() as target:
            await empty_tables(target)
            await copy_rows(source, target, advance)
        report("database", size_bytes, size_bytes)


async def _copy_in(
    database: PostgresDatabase, file: Path, share: "Callable[[int], _Share]"
) -> None:
    async with _connected(database, lambda engine: engine) as target:
        await _refuse_others(target, database)
        await target.commit()
        async with (
            open_store(database.dsn, file.parent),  # creates or upgrades the tables
            open_store(_url(file), file.parent) as given,
            given.read() as source,
        ):
            await target.execute(text(_LOCK_WAIT))
            await empty_tables(target)
            await copy_rows(source, target, share(await count_rows(source)))
        await target.commit()


async def _has_tables(database: PostgresDatabase) -> bool:
    async with _connected(database, postgres.reading) as connection:
        return await _is_ours(connection)


async def _is_ours(connection: "AsyncConnection") -> bool:
    return await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version"))


@asynccontextmanager
async def _connected(
    database: PostgresDatabase, seen: "Callable[[AsyncEngine], AsyncEngine]"
) -> "AsyncIterator[AsyncConnection]":
    """Open one connection without a time limit, whose transaction rolls back at the end."""
    engine = postgres.migrating_engine(database)
    try:
        async with seen(engine).connect() as connection:
            await connection.execute(text(_NAME))
            await connection.commit()
            yield connection
    finally:
        await engine.dispose()


async def _require_revision(source: "AsyncConnection", database: PostgresDatabase) -> None:
    """Refuse a database whose tables are not of this release: a running server may need them."""
    found = await source.scalar(text(_OURS)) if await _is_ours(source) else None
    if found is None:
        raise StartupError(f"There is nothing in {database}: no server has used it yet.")
    if found != REVISIONS[-1]:
        raise StartupError(
            f"The schema of {database} is '{found}' and this release's is '{REVISIONS[-1]}': back "
            "up with the release that serves, or start this one's server once to upgrade it."
        )


async def _refuse_others(target: "AsyncConnection", database: PostgresDatabase) -> None:
    """Refuse a database that others use; a process just killed may still be seen for a moment."""
    with anyio.move_on_after(_OTHERS_MAY_END_S):
        while (await target.execute(text(_OTHERS))).scalar_one():
            await target.rollback()  # what is seen stays the same within a transaction
            await anyio.sleep(_LOOK_EVERY_S)
        return
    raise StartupError(f"A server or a command uses {database}: stop it first.")


class _Share:
    """Reports rows as their share of the database's bytes."""

    def __init__(self, report: Report, size_bytes: int, rows: int) -> None:
        self._report = report
        self._size_bytes = size_bytes
        self._rows = max(rows, 1)
        self._done = 0

    def __call__(self, rows: int) -> None:
        """Count some more rows."""
        self._done += rows
        self._report("database", self._size_bytes * self._done // self._rows, self._size_bytes)


def _url(file: Path) -> str:
    return f"sqlite:///{quote(str(file.absolute()))}"
