"""Connections to SQLite as SQLAlchemy drives them, with one visit to their thread a statement.

Knows nothing of engines, nor of what is stored.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import aiosqlite

Begin = Literal["DEFERRED", "IMMEDIATE"]
Result = TypeVar("Result")

_ROWS_AT_ONCE = 256
"""Rows that come back with the statement itself."""


async def connect(path: Path, **options: Any) -> "SqliteConnection":
    """Open the database with `options` of `sqlite3.connect`."""
    connection = SqliteConnection(lambda: sqlite3.connect(path, **options), iter_chunk_size=64)
    await connection
    return connection


class SqliteConnection(aiosqlite.Connection):
    """A connection whose transactions begin with their first statement, and that closes once.

    Each visit to the connection's thread costs more than most statements do.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        self._thread.daemon = True
        self._stopped: asyncio.Future[Any] | None = None
        self._due: Begin | None = None

    def begin(self, kind: Begin) -> None:
        """Begin a transaction together with the next statement."""
        self._due = kind

    def cursor(self) -> "_Cursor":  # type: ignore[override]
        """Return a cursor; nothing happens in the thread yet."""
        return _Cursor(self)

    async def commit(self) -> None:
        """Commit the transaction, if there is one."""
        self._due = None
        if self._conn.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        """Roll the transaction back, if there is one."""
        self._due = None
        if self._conn.in_transaction:
            await super().rollback()

    async def visit(self, statement: Callable[[sqlite3.Cursor], object]) -> "_Outcome":
        """Run a statement in the connection's thread, and read the first rows that it returns."""
        due, self._due = self._due, None
        return await self.call(_run, self._conn, due, statement)

    async def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function in the connection's thread."""
        result: Result = await self._execute(function, *arguments)  # type: ignore[no-untyped-call]
        return result

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread behind the connection; resolved once it has closed the database.

        SQLAlchemy closes the connection of a cancelled task gracefully and, when it is cancelled
        again meanwhile, by `stop`. A second word to a thread that has ended would leave a future
        that nobody resolves, and the event loop would wait for it for ever when it ends.
        """
        if self._stopped is None:
            self._stopped = super().stop()
        return self._stopped


@dataclass(slots=True)
class _Outcome:
    """What a statement left behind; `rest` is there while it has more rows."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: list[Any] = field(default_factory=list)
    rest: sqlite3.Cursor | None = None


def _run(
    connection: sqlite3.Connection,
    begin: Begin | None,
    statement: Callable[[sqlite3.Cursor], object],
) -> _Outcome:
    if begin is not None:
        connection.execute(f"BEGIN {begin}")
    cursor = connection.cursor()
    try:
        statement(cursor)
        rows = cursor.fetchmany(_ROWS_AT_ONCE) if cursor.description else []
    except BaseException:
        cursor.close()
        raise
    outcome = _Outcome(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    if len(rows) == _ROWS_AT_ONCE:
        outcome.rest = cursor
    else:
        cursor.close()
    return outcome


class _Cursor:
    """What SQLAlchemy takes for a cursor of the driver: a statement and its result."""

    arraysize = 1

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._outcome = _Outcome()

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """Names of the columns, None where the statement returns no rows."""
        return self._outcome.description

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        return self._outcome.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The row that was inserted last."""
        return self._outcome.lastrowid

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Execute a statement."""
        self._outcome = await self._connection.visit(lambda c: c.execute(sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Execute a statement for each set of parameters."""
        self._outcome = await self._connection.visit(lambda c: c.executemany(sql, parameters))
        return self

    async def fetchall(self) -> list[Any]:
        """Return every row that is left."""
        outcome = self._outcome
        rows, outcome.rows = outcome.rows, []
        if outcome.rest is not None:
            rows += await self._connection.call(outcome.rest.fetchall)
            await self.close()
        return rows

    async def fetchmany(self, size: int = arraysize) -> list[Any]:
        """Return up to `size` rows."""
        outcome = self._outcome
        if len(outcome.rows) < size and outcome.rest is not None:
            missing = max(size, _ROWS_AT_ONCE) - len(outcome.rows)
            outcome.rows += await self._connection.call(outcome.rest.fetchmany, missing)
        rows, outcome.rows = outcome.rows[:size], outcome.rows[size:]
        return rows

    async def fetchone(self) -> Any:
        """Return the next row, None after the last."""
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def __aiter__(self) -> AsyncIterator[Any]:
        while rows := await self.fetchmany(_ROWS_AT_ONCE):
            for row in rows:
                yield row

    async def close(self) -> None:
        """Drop the rows that are left."""
        rest, self._outcome.rest = self._outcome.rest, None
        if rest is not None:
            await self._connection.call(rest.close)
