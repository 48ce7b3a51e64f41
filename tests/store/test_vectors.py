"""The index of vectors gives what comparing all of them gives, on both databases."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest
from sqlalchemy import delete, func, insert, select, text, update
from tests.databases import Database, PostgresServer

from understudy.errors import NotReady, StartupError
from understudy.store import vectors_postgres, vectors_sqlite
from understudy.store.chunks import NewChunk, delete_chunks, insert_chunks
from understudy.store.db import Store, open_store
from understudy.store.keys import project_id
from understudy.store.schema import chunks, vector_spaces, vector_store_files
from understudy.store.vector_spaces import find_spaces, settle_space
from understudy.store.vectors import VectorIndex, VectorQuery
from understudy.store.vectors_postgres import PostgresVectors
from understudy.store.vectors_sqlite import MappedVectors

pytestmark = pytest.mark.anyio

SIZE = 24
LIMIT = 5
SHOP = "vs_shop"
files = vector_store_files.c


def made_index(store: Store, database: Database) -> VectorIndex:
    if store.dialect == "postgresql":
        return PostgresVectors(store)
    return MappedVectors(store, database.data_dir / "vectors")


@pytest.fixture
async def index(store: Store, database: Database) -> AsyncIterator[VectorIndex]:
    made = made_index(store, database)
    await made.prepare()
    yield made


def unit(seed: int, count: int) -> Any:
    drawn = np.random.default_rng(seed).standard_normal((count, SIZE)).astype("<f4")
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


async def attach(store: Store, store_id: str, name: str, status: str = "in_progress") -> int:
    row = {
        "project_id": await project_id(store),
        "created_at": 0,
        "vector_store_id": store_id,
        "file_id": f"file-{name}",
        "status": status,
        "attributes": {"name": name},
        "chunking": {},
    }
    async with store.write() as connection:
        added = insert(vector_store_files).values(row).returning(vector_store_files.c.seq)
        return (await connection.execute(added)).scalar_one()


async def fill(store: Store, index: VectorIndex, store_id: str, file_seq: int, made: Any) -> None:
    """Store chunks with these vectors and complete the file, as a reader does."""
    new = [
        NewChunk(i, f"chunk {i}", None, None, 1, "chunk", vector.tobytes())
        for i, vector in enumerate(made)
    ]
    async with store.write() as connection:
        await settle_space(connection, store_id, "m", SIZE)
        await delete_chunks(connection, file_seq)
        await insert_chunks(connection, store_id, file_seq, new)
        await index.add(connection, file_seq, 0)
        completed = {"status": "completed", "embedding_model": "m"}
        await connection.execute(
            update(vector_store_files).where(files.seq == file_seq).values(completed)
        )


async def change(store: Store, file_seq: int, **values: Any) -> None:
    async with store.write() as connection:
        await connection.execute(
            update(vector_store_files).where(files.seq == file_seq).values(values)
        )


async def ask(
    index: Any, queries: Any, *store_ids: str, where: Any = None, limit: int = LIMIT
) -> list[tuple[int, float]]:
    async with index.database.read() as connection:
        spaces = await find_spaces(connection, store_ids or (SHOP,))
    return await index.nearest(VectorQuery(spaces, queries, where, limit))


async def by_hand(store: Store, queries: Any, *conditions: Any, limit: int = LIMIT) -> list[int]:
    """Return what comparing every vector gives, best first."""
    wanted = (
        select(chunks.c.seq, chunks.c.embedding)
        .join(vector_store_files, files.seq == chunks.c.file_seq)
        .where(files.status == "completed", files.deleted_at.is_(None), *conditions)
    )
    async with store.read() as connection:
        rows = (await connection.execute(wanted)).all()
    cosines = {
        row.seq: float((np.frombuffer(row.embedding, "<f4") @ queries.T).max()) for row in rows
    }
    return sorted(cosines, key=lambda seq: (-cosines[seq], seq))[:limit]


def seqs(found: Sequence[tuple[int, float]]) -> list[int]:
    return [seq for seq, _ in found]


async def shop(store: Store, index: VectorIndex) -> list[int]:
    """Three files of 40 chunks in one store, and one in another."""
    made = []
    for number, store_id in enumerate([SHOP, SHOP, SHOP, "vs_other"]):
        made.append(await attach(store, store_id, f"f{number}"))
        await fill(store, index, store_id, made[-1], unit(number, 40))
    return made


async def test_the_nearest_are_those_of_every_vector(store: Store, index: VectorIndex) -> None:
    await shop(store, index)
    query = unit(9, 1)
    found = await ask(index, query)
    assert seqs(found) == await by_hand(store, query, files.vector_store_id == SHOP)
    cosines = [cosine for _, cosine in found]
    assert cosines == sorted(cosines, reverse=True)
    assert -1 <= cosines[-1] < cosines[0] <= 1
    both = await ask(index, query, SHOP, "vs_other")
    assert seqs(both) == await by_hand(store, query)
    assert await ask(index, query, "vs_unknown") == []


async def test_several_queries_find_what_is_near_to_any(store: Store, index: VectorIndex) -> None:
    await shop(store, index)
    queries = unit(10, 3)
    found = await ask(index, queries)
    assert seqs(found) == await by_hand(store, queries, files.vector_store_id == SHOP)


async def test_a_condition_chooses_files(store: Store, index: VectorIndex) -> None:
    (first, *_) = await shop(store, index)
    query = unit(11, 1)
    found = await ask(index, query, where=files.seq == first)
    assert seqs(found) == await by_hand(store, query, files.seq == first)
    assert len(await ask(index, query, where=files.seq == first, limit=100)) == 40
    assert await ask(index, query, where=files.seq < 0) == []


@pytest.mark.parametrize(
    "values", [{"deleted_at": 1}, {"status": "in_progress"}, {"status": "failed"}]
)
async def test_files_that_are_not_there_are_not_found(
    store: Store, index: VectorIndex, values: dict[str, Any]
) -> None:
    made = await shop(store, index)
    query = unit(12, 1)
    await ask(index, query)
    await change(store, made[0], **values)
    found = await ask(index, query, limit=500)
    assert len(found) == 80
    assert seqs(found) == await by_hand(store, query, files.vector_store_id == SHOP, limit=500)


async def test_what_is_read_again_replaces_what_was(store: Store, index: VectorIndex) -> None:
    made = await shop(store, index)
    query = unit(13, 1)
    await ask(index, query)
    await change(store, made[1], attempt=7, status="in_progress")
    await fill(store, index, SHOP, made[1], unit(20, 30))
    found = await ask(index, query, limit=500)
    assert len(found) == 110
    assert seqs(found) == await by_hand(store, query, files.vector_store_id == SHOP, limit=500)


async def test_chunks_that_take_the_place_of_others_are_not_mistaken(
    store: Store, index: VectorIndex
) -> None:
    """SQLite gives the highest seqs again once they are free."""
    (*_, last) = await shop(store, index)
    query = unit(14, 1)
    await ask(index, query, "vs_other")
    await change(store, last, deleted_at=1)
    async with store.write() as connection:
        await delete_chunks(connection, last)
    another = await attach(store, "vs_other", "another")
    await fill(store, index, "vs_other", another, unit(21, 40))
    found = await ask(index, query, "vs_other")
    assert seqs(found) == await by_hand(store, query, files.seq == another)


async def test_files_of_any_length_are_read_whole(
    store: Store, index: VectorIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_sqlite, "_ROWS_AT_ONCE", 7)
    monkeypatch.setattr(vectors_sqlite, "_FILES_AT_ONCE", 3)
    for number, count in enumerate([7, 1, 30, 2, 14, 1, 1, 6, 7]):
        file_seq = await attach(store, SHOP, f"f{number}")
        await fill(store, index, SHOP, file_seq, unit(number, count))
    query = unit(22, 1)
    found = await ask(index, query, limit=100)
    assert len(found) == 69
    assert seqs(found) == await by_hand(store, query, limit=100)


async def test_an_index_of_another_process_sees_the_same(
    store: Store, index: VectorIndex, database: Database
) -> None:
    made = await shop(store, index)
    await index.keep_up()
    query = unit(15, 1)
    fresh = made_index(store, database)
    await fresh.prepare()
    assert await ask(fresh, query) == await ask(index, query)
    await change(store, made[0], deleted_at=1)
    later = made_index(store, database)
    await later.prepare()
    await later.keep_up()
    assert seqs(await ask(later, query)) == await by_hand(
        store, query, files.vector_store_id == SHOP
    )


async def test_a_restored_database_finds_no_stale_matrix(tmp_path: Path) -> None:
    """The backup is older than the matrix, and what follows gives the same numbers again."""
    data_dir = tmp_path / "data"
    database = Database("sqlite", None, data_dir)
    async with database.open() as store:
        index = made_index(store, database)
        await index.prepare()
        first = await attach(store, SHOP, "first")
        await fill(store, index, SHOP, first, unit(1, 30))
        with contextlib.closing(sqlite3.connect(data_dir / "understudy.db")) as connection:
            connection.execute(f"VACUUM INTO '{tmp_path / 'backup.db'}'")
        second = await attach(store, SHOP, "second")
        await fill(store, index, SHOP, second, unit(2, 30))
        await index.keep_up()
    for path in data_dir.glob("understudy.db*"):
        path.unlink()
    (tmp_path / "backup.db").rename(data_dir / "understudy.db")
    query = unit(16, 1)
    async with database.open() as store:
        index = made_index(store, database)
        await index.prepare()
        assert len(await ask(index, query, limit=500)) == 30
        again = await attach(store, SHOP, "other")
        assert again == second
        await fill(store, index, SHOP, again, unit(3, 30))
        found = await ask(index, query, limit=500)
        assert seqs(found) == await by_hand(store, query, limit=500)
        assert seqs(found[:3]) == (await by_hand(store, query))[:3]


async def test_damaged_files_are_made_again(tmp_path: Path) -> None:
    database = Database("sqlite", None, tmp_path / "data")
    query = unit(17, 1)
    async with database.open() as store:
        index = made_index(store, database)
        await index.prepare()
        await shop(store, index)
        expected = await ask(index, query)
        for pattern, content in (("*.manifest", b"\x93no"), ("*.f32", b"short")):
            await made_index(store, database).keep_up()
            for path in (database.data_dir / "vectors").glob(pattern):
                path.write_bytes(content)
            fresh = made_index(store, database)
            await fresh.prepare()
            assert await ask(fresh, query) == expected


async def test_a_folder_that_takes_nothing_is_named_and_the_next_search_finds(
    tmp_path: Path,
) -> None:
    database = Database("sqlite", None, tmp_path / "data")
    folder = database.data_dir / "vectors"
    query = unit(23, 1)
    async with database.open() as store:
        index = made_index(store, database)
        await index.prepare()
        made = await shop(store, index)
        folder.write_text("a file where the folder should be")
        with pytest.raises(NotReady, match=str(folder)):
            await ask(index, query)
        folder.unlink()
        expected = await by_hand(store, query, files.vector_store_id == SHOP)
        assert seqs(await ask(index, query)) == expected
        for path in folder.iterdir():
            path.unlink()
        await fill(store, index, SHOP, await attach(store, SHOP, "more"), unit(24, 5))
        with pytest.raises(NotReady):
            await ask(index, query)
        assert len(await ask(index, query, limit=500)) == 40 * (len(made) - 1) + 5


async def test_a_worn_matrix_is_written_anew_and_an_empty_one_goes(tmp_path: Path) -> None:
    database = Database("sqlite", None, tmp_path / "data")
    folder = database.data_dir / "vectors"
    query = unit(18, 1)
    async with database.open() as store:
        index = made_index(store, database)
        await index.prepare()
        large, small = await attach(store, SHOP, "large"), await attach(store, SHOP, "small")
        await fill(store, index, SHOP, large, unit(1, 1_500))
        await fill(store, index, SHOP, small, unit(2, 50))
        await index.keep_up()
        assert [path.stat().st_size for path in folder.glob("*.f32")] == [1_550 * SIZE * 4]
        await change(store, large, deleted_at=1)
        found = await ask(index, query)
        assert seqs(found) == await by_hand(store, query)
        await index.keep_up()
        assert [path.stat().st_size for path in folder.glob("*.f32")] == [50 * SIZE * 4]
        assert await ask(index, query) == found
        await change(store, small, deleted_at=1)
        await index.keep_up()
        assert list(folder.iterdir()) == []


@pytest.mark.xdist_group("postgresql")
async def test_a_graph_is_built_for_many_and_searched(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_postgres, "_GRAPH_FROM", 100)
    monkeypatch.setattr(vectors_postgres, "_EXACT_UP_TO", 60)
    query = unit(19, 1)
    async with postgres_database.open() as store:
        index = PostgresVectors(store)
        await index.prepare()
        (first, *_) = await shop(store, index)
        expected = await ask(index, query)
        await index.keep_up()
        async with store.read() as connection:
            names = await connection.scalars(
                text("SELECT indexname FROM pg_indexes WHERE tablename = 'chunk_vectors'")
            )
            assert f"ix_chunk_vectors_hnsw_{SIZE}" in names.all()
        assert seqs(expected) == await by_hand(store, query, files.vector_store_id == SHOP)
        assert await ask(index, query) == expected
        some = await ask(index, query, where=files.seq != first)
        kept = (files.vector_store_id == SHOP, files.seq != first)
        assert seqs(some) == await by_hand(store, query, *kept)


@pytest.mark.xdist_group("postgresql")
async def test_a_graph_that_was_cut_short_is_built_again(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_postgres, "_GRAPH_FROM", 100)
    name = f"ix_chunk_vectors_hnsw_{SIZE}"
    is_valid = text(f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{name}'::regclass")
    async with postgres_database.open() as store:
        index = PostgresVectors(store)
        await index.prepare()
        await shop(store, index)
        await index.keep_up()
        async with store.write() as connection:
            broken = f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass"
            await connection.execute(text(broken))
        await index.keep_up()
        async with store.read() as connection:
            assert await connection.scalar(is_valid)


@pytest.mark.xdist_group("postgresql")
async def test_what_a_restored_backup_left_out_is_indexed(postgres_database: Database) -> None:
    query = unit(20, 1)
    async with postgres_database.open() as store:
        index = PostgresVectors(store)
        await index.prepare()
        await shop(store, index)
        expected = await ask(index, query)
        async with store.write() as connection:
            await connection.execute(text("DELETE FROM chunk_vectors"))
        fresh = PostgresVectors(store)
        await fresh.prepare()
        await fresh.keep_up()
        assert await ask(fresh, query) == expected


@pytest.mark.xdist_group("postgresql")
async def test_deleted_chunks_take_their_vectors_along(postgres_database: Database) -> None:
    async with postgres_database.open() as store:
        index = PostgresVectors(store)
        await index.prepare()
        await shop(store, index)
        async with store.write() as connection:
            await connection.execute(delete(chunks))
            left = await connection.scalar(text("SELECT count(*) FROM chunk_vectors"))
        assert left == 0


@pytest.mark.xdist_group("postgresql")
async def test_a_server_without_pgvector_is_told_so(
    postgres_database: Database, postgres_server: PostgresServer
) -> None:
    """A role that may not create extensions meets what a server without pgvector answers."""

    async def run(statement: str) -> None:
        await anyio.to_thread.run_sync(postgres_server.run, statement, name)

    async with postgres_database.open():
        pass
    name = str(postgres_database.url).split("/")[3].split("?")[0]
    role = f"plain_{name}"
    await run(f"CREATE ROLE {role} LOGIN")
    await run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        url = postgres_server.url(name, role)
        async with open_store(url, postgres_database.data_dir) as store:
            with pytest.raises(StartupError, match=r"pgvector.*CREATE EXTENSION vector"):
                await PostgresVectors(store).prepare()
    finally:
        await run(f"DROP OWNED BY {role}")
        await run(f"DROP ROLE {role}")


async def test_a_store_keeps_its_first_model(store: Store) -> None:
    async with store.write() as connection:
        first = await settle_space(connection, SHOP, "one", 3)
        second = await settle_space(connection, SHOP, "two", 4)
        count = await connection.scalar(select(func.count()).select_from(vector_spaces))
    assert (first.model, first.dimensions) == (second.model, second.dimensions) == ("one", 3)
    assert count == 1


async def test_searches_find_their_files_while_matrices_are_saved(tmp_path: Path) -> None:
    """A server that starts loads, extends and saves one matrix while files and searches come."""
    database = Database("sqlite", None, tmp_path / "data")
    query = unit(17, 1)
    async with database.open() as store:
        await fill(store, made_index(store, database), SHOP, await attach(store, SHOP, "f"), query)
        for number in range(40):
            await made_index(store, database).keep_up()
            index = made_index(store, database)
            await index.prepare()
            added = [await attach(store, SHOP, f"f{number}-{n}") for n in range(4)]
            async with anyio.create_task_group() as tasks:
                for file_seq in added:
                    tasks.start_soon(index.keep_up)
                    tasks.start_soon(ask, index, query)
                    tasks.start_soon(fill, store, index, SHOP, file_seq, unit(file_seq, 5))
            assert seqs(await ask(index, query)) == await by_hand(store, query)


async def test_the_first_file_of_a_store_is_found_after_an_empty_matrix_went(
    tmp_path: Path,
) -> None:
    database = Database("sqlite", None, tmp_path / "data")
    query = unit(17, 1)
    async with database.open() as store:
        index = made_index(store, database)
        await index.prepare()
        file_seq = await attach(store, SHOP, "first")
        async with store.write() as connection:
            await settle_space(connection, SHOP, "m", SIZE)
        await index.keep_up()
        await fill(store, index, SHOP, file_seq, unit(1, 5))
        assert seqs(await ask(index, query)) == await by_hand(store, query)
