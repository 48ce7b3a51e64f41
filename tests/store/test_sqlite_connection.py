"""Closing connections to SQLite while their tasks are cancelled."""

import asyncio
from pathlib import Path

import pytest

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
