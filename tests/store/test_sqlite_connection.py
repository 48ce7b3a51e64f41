"""Closing connections to SQLite while their tasks are cancelled."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from understudy.store.db import open_store
from understudy.store.sqlite_connection import connect

pytestmark = pytest.mark.anyio

PATIENCE_S = 30


async def test_a_connection_told_to_stop_while_it_closes_ends_closing(tmp_path: Path) -> None:
    connection = await connect(tmp_path / "a.sqlite3")
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.stop()
    async with asyncio.timeout(PATIENCE_S):
        await closing


async def test_a_close_that_is_cancelled_ends(tmp_path: Path) -> None:
    connection = await connect(tmp_path / "a.sqlite3")
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.stop()
    closing.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait([closing])
    assert closing.cancelled()


async def test_rows_beyond_the_first_come_as_well(tmp_path: Path) -> None:
    numbers = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT i FROM n"
    )
    async with open_store(None, tmp_path) as store, store.read() as connection:
        assert (await connection.scalars(numbers)).all() == list(range(1, 1001))
        streamed = await connection.stream_scalars(numbers)
        assert [number async for number in streamed] == list(range(1, 1001))
        some = await connection.stream_scalars(numbers)
        assert await some.fetchmany(300) == list(range(1, 301))
        assert await some.fetchmany(5) == list(range(301, 306))


async def test_a_transaction_of_no_statement_leaves_nothing_behind(tmp_path: Path) -> None:
    async with open_store(None, tmp_path) as store:
        async with store.write():
            pass
        async with store.write() as connection:
            await connection.execute(text("CREATE TABLE t (n)"))
            await connection.rollback()
        async with store.read() as connection:
            tables = await connection.scalars(text("SELECT name FROM sqlite_master"))
            assert "t" not in tables.all()
