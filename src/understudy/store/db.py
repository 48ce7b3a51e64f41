"""Opens the database and hands out its transactions. Knows nothing of what the tables mean."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from understudy.errors import NotReady, StartupError
from understudy.store import postgres, sqlite
from understudy.store.data_dir import create_data_dir
from understudy.store.location import Location, PostgresDatabase, SqliteFile, locate
from understudy.store.migrate import migrate
from understudy.store.sqlite import Synchronous

_CLOSE_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Store:
    """An open database. Transactions must not be nested: SQLite has a single writer."""

    dialect: Literal["sqlite", "postgresql"]
    reader: AsyncEngine
    writer: AsyncEngine
    is_transient: Callable[[DBAPIError], bool]

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees one snapshot and refuses to write.

        Raises NotReady, here and in `write`, when the database is away or busy.
        """
        with self._reporting():
            async with self.reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end of the block and rolls back on an exception.

        On SQLite it holds the write lock from its first statement; on PostgreSQL rows that are read
        in order to be changed need `with_for_update()`.
        """
        with self._reporting():
            async with self.writer.begin() as connection:
                yield connection

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise NotReady("The database is busy. Try again in a moment.") from error
        except DBAPIError as error:
            if not self.is_transient(error):
                raise
            raise NotReady("The database does not answer. Try again in a moment.") from error


@asynccontextmanager
async def open_store(
    url: str | None, data_dir: Path, *, synchronous: Synchronous = "NORMAL"
) -> AsyncIterator[Store]:
    """Open the database, create or upgrade its tables, and close it at the end of the block.

    Without a URL it is the SQLite file `understudy.db` in `data_dir`. `synchronous` is SQLite's:
    FULL also survives a power cut. Raises a StartupError that names cause and remedy.
    """
    location = locate(url, data_dir)
    if not url:
        create_data_dir(data_dir)
    await _bring_up(location)
    store = _connect(location, synchronous)
    try:
        yield store
    finally:
        with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
            await store.reader.dispose()
            await store.writer.dispose()


async def _bring_up(location: Location) -> None:
    """Create the database file if need be, and run the migrations that are due."""
    try:
        await _migrate(location)
    except NotReady as error:
        raise StartupError(_explain(location, error.__cause__ or error)) from error
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StartupError(_explain(location, error)) from error


async def _migrate(location: Location) -> None:
    engine = await _migrating_engine(location)
    try:
        await migrate(engine)
    finally:
        with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
            await engine.dispose()


async def _migrating_engine(location: Location) -> AsyncEngine:
    match location:
        case SqliteFile(path):
            sqlite.create_file(path)
            await anyio.to_thread.run_sync(sqlite.enter_wal, path)
            return sqlite.migrating_engine(path)
        case PostgresDatabase():
            postgres.require_driver()
            return postgres.migrating_engine(location)


def _connect(location: Location, synchronous: Synchronous) -> Store:
    match location:
        case SqliteFile(path):
            return Store(
                dialect="sqlite",
                reader=sqlite.reading_engine(path, synchronous),
                writer=sqlite.writing_engine(path, synchronous),
                is_transient=sqlite.is_transient,
            )
        case PostgresDatabase():
            engine = postgres.pooled_engine(location)
            return Store(
                dialect="postgresql",
                reader=postgres.reading(engine),
                writer=engine,
                is_transient=postgres.is_transient,
            )


def _explain(location: Location, error: BaseException) -> str:
    match location:
        case SqliteFile(path):
            return sqlite.explain(path, error)
        case PostgresDatabase():
            return postgres.explain(location, error)
