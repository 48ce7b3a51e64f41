import subprocess
import sys
from collections import Counter

import anyio
import pytest
from sqlalchemy import func, select
from tests.databases import Database

from understudy.store.db import Store
from understudy.store.schema import chunk_terms, chunks
from understudy.store.term_counts import add_counts, count_terms, subtract_counts

pytestmark = pytest.mark.anyio

FIRST, SECOND = "vs_First", "vs_Second"
TERMS = ["rojo", "verde", "azul", "协商", "1234p56"]
# Two tasks add chunks to one store and take some out again for ever, and say so after each.
CHANGE_FOREVER = """
import itertools, pathlib, sys
import anyio
from understudy.store.chunks import NewChunk, delete_chunks, insert_chunks
from understudy.store.db import open_store

async def change(store, first):
    for number in itertools.count(first, 2):
        words = [f"every n{number} n{i}" for i in range(number, number + 9)]
        made = [NewChunk(i, "text", None, None, 3, terms) for i, terms in enumerate(words)]
        async with store.write() as connection:
            await insert_chunks(connection, "vs_First", number, made)
        async with store.write() as connection:
            await delete_chunks(connection, number, limit=5)
        print(number, flush=True)

async def main(url, data_dir, first):
    async with open_store(url or None, pathlib.Path(data_dir)) as store:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(change, store, int(first))
            tasks.start_soon(change, store, int(first) + 1)

anyio.run(main, *sys.argv[1:])
"""


async def counts(
    store: Store, *stores: str, terms: list[str] = TERMS
) -> tuple[int, dict[str, int]]:
    async with store.read() as connection:
        return await count_terms(connection, stores, terms)


async def test_a_chunk_counts_once_for_each_term_it_holds(store: Store) -> None:
    async with store.write() as connection:
        await add_counts(connection, FIRST, ["rojo rojo verde", "rojo 协商", "1234p56", ""])
        await add_counts(connection, FIRST, ["rojo"])
    assert await counts(store, FIRST) == (5, {"rojo": 3, "verde": 1, "协商": 1, "1234p56": 1})


async def test_each_store_has_counts_of_its_own_and_several_add_up(store: Store) -> None:
    async with store.write() as connection:
        await add_counts(connection, FIRST, ["rojo"])
        await add_counts(connection, SECOND, ["rojo azul", "azul"])
    assert await counts(store, FIRST) == (1, {"rojo": 1})
    assert await counts(store, FIRST, SECOND) == (3, {"rojo": 2, "azul": 2})
    assert await counts(store, "vs_Third") == (0, {})
    assert await counts(store) == (0, {})


async def test_no_term_asked_still_counts_the_chunks(store: Store) -> None:
    async with store.write() as connection:
        await add_counts(connection, FIRST, ["rojo", "verde"])
    assert await counts(store, FIRST, terms=[]) == (2, {})


async def test_what_is_taken_out_leaves_no_row_behind(store: Store) -> None:
    async with store.write() as connection:
        await add_counts(connection, FIRST, ["rojo verde", "rojo"])
        await add_counts(connection, SECOND, ["verde"])
        await subtract_counts(connection, FIRST, ["rojo verde"])
    assert await counts(store, FIRST) == (1, {"rojo": 1})
    async with store.write() as connection:
        await subtract_counts(connection, FIRST, ["rojo"])
        left = await connection.scalar(
            select(func.count()).where(chunk_terms.c.vector_store_id == FIRST)
        )
    assert left == 0
    assert await counts(store, SECOND) == (1, {"verde": 1})


async def test_what_is_rolled_back_does_not_count(store: Store) -> None:
    with pytest.raises(KeyError):
        async with store.write() as connection:
            await add_counts(connection, FIRST, ["rojo"])
            raise KeyError
    assert await counts(store, FIRST) == (0, {})


async def test_readers_of_one_store_do_not_block_each_other_for_ever(store: Store) -> None:
    """Each counts twice in a transaction, in opposite order of their terms."""

    async def add(*batches: list[str]) -> None:
        for _ in range(20):
            async with store.write() as connection:
                for batch in batches:
                    await add_counts(connection, FIRST, batch)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(add, ["rojo"], ["azul"])
            tasks.start_soon(add, ["azul"], ["rojo"])
    assert await counts(store, FIRST) == (80, {"rojo": 40, "azul": 40})


def killed_after(database: Database, changes: int, first: int) -> None:
    arguments = [database.url or "", str(database.data_dir), str(first)]
    command = [sys.executable, "-c", CHANGE_FOREVER, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert all(process.stdout.readline() for _ in range(changes))
        process.kill()
    assert process.returncode == -9


async def test_counts_agree_with_the_chunks_after_kill_9(database: Database) -> None:
    for attempt in range(3):
        killed_after(database, changes=5 + attempt, first=1_000 * attempt)
        async with database.open() as store, store.read() as connection:
            kept = list((await connection.scalars(select(chunks.c.terms))).all())
            rows = await connection.execute(select(chunk_terms.c.term, chunk_terms.c.chunks))
            counted = dict(rows.all())
        expected = Counter(term for terms in kept for term in {"", *terms.split()})
        assert len(kept) >= 20 * (attempt + 1)
        assert counted == expected
