import pytest
from sqlalchemy import func, insert, select, text, update

from understudy.store.chunks import (
    Clause,
    NewChunk,
    delete_chunks,
    find_candidates,
    insert_chunks,
    load_chunks,
    prefer_indexes,
)
from understudy.store.db import Store
from understudy.store.keys import project_id
from understudy.store.schema import chunks, objects, vector_store_files
from understudy.store.term_counts import count_terms

pytestmark = pytest.mark.anyio

FIRST, SECOND = "vs_First", "vs_Second"


async def add_file(
    store: Store, vector_store_id: str, file_id: str, *terms: str, status: str = "completed"
) -> int:
    """Store a file whose chunks have these terms, and return its seq."""
    project = await project_id(store)
    made = [NewChunk(i, f"text {i}", i + 1, None, 3, words) for i, words in enumerate(terms)]
    async with store.write() as connection:
        values = {
            "project_id": project,
            "vector_store_id": vector_store_id,
            "file_id": file_id,
            "status": status,
            "created_at": 0,
            "attributes": {"name": file_id},
            "chunking": {},
        }
        added = insert(vector_store_files).values(values).returning(vector_store_files.c.seq)
        file_seq = (await connection.execute(added)).scalar_one()
        await insert_chunks(connection, vector_store_id, file_seq, made)
    return file_seq


async def find(store: Store, *terms: str, stores: tuple[str, ...] = (FIRST,), limit: int = 9):
    clauses = [Clause((term,), 1) for term in terms]
    async with store.read() as connection:
        return [c.terms for c in await find_candidates(connection, stores, clauses, None, limit)]


async def test_a_chunk_is_found_by_its_words_and_by_no_others(store: Store) -> None:
    await add_file(store, FIRST, "file-1", "rojo verde", "azul 1234p56 协商", "")
    assert await find(store, "verde") == ["rojo verde"]
    assert await find(store, "协商") == ["azul 1234p56 协商"]
    assert await find(store, "1234p56") == ["azul 1234p56 协商"]
    assert await find(store, "verd") == []


async def test_chunks_of_another_store_stay_there(store: Store) -> None:
    await add_file(store, FIRST, "file-1", "rojo")
    await add_file(store, SECOND, "file-1", "rojo azul")
    assert await find(store, "rojo") == ["rojo"]
    assert sorted(await find(store, "rojo", stores=(FIRST, SECOND))) == ["rojo", "rojo azul"]
    assert await find(store, "rojo", stores=()) == []


async def test_heavier_chunks_come_first_and_older_ones_break_ties(store: Store) -> None:
    await add_file(store, FIRST, "file-1", "a", "a b", "b", "a b c")
    assert await find(store, "a", "b", "c") == ["a b c", "a b", "a", "b"]
    assert await find(store, "a", "b", "c", limit=2) == ["a b c", "a b"]


async def test_a_clause_of_several_terms_needs_them_all(store: Store) -> None:
    await add_file(store, FIRST, "file-1", "a", "a b", "b")
    async with store.read() as connection:
        found = await find_candidates(connection, [FIRST], [Clause(("a", "b"), 1)], None, 9)
    assert [candidate.terms for candidate in found] == ["a b"]


@pytest.mark.parametrize("status", ["in_progress", "failed", "cancelled"])
async def test_unfinished_files_are_not_found(store: Store, status: str) -> None:
    file_seq = await add_file(store, FIRST, "file-1", "rojo", status=status)
    project = await project_id(store)
    assert await find(store, "rojo") == []
    async with store.read() as connection:
        seq = await connection.scalar(select(chunks.c.seq).where(chunks.c.file_seq == file_seq))
        assert await load_chunks(connection, project, [FIRST], [seq]) == {}


async def test_deleted_files_are_not_found(store: Store) -> None:
    file_seq = await add_file(store, FIRST, "file-1", "rojo")
    async with store.write() as connection:
        gone = update(vector_store_files).where(vector_store_files.c.seq == file_seq)
        await connection.execute(gone.values(deleted_at=1))
    assert await find(store, "rojo") == []


async def test_a_condition_on_files_does_not_cost_results(store: Store) -> None:
    """However many heavier chunks the condition excludes."""
    await add_file(store, FIRST, "file-1", *["a b"] * 30)
    await add_file(store, FIRST, "file-2", "a")
    where = vector_store_files.c.file_id == "file-2"
    clauses = [Clause(("a",), 1), Clause(("b",), 1)]
    async with store.read() as connection:
        found = await find_candidates(connection, [FIRST], clauses, where, 2)
    assert [candidate.terms for candidate in found] == ["a"]


async def test_chunks_are_counted_where_they_are(store: Store) -> None:
    await add_file(store, FIRST, "file-1", "a a", "a b", "a")
    await add_file(store, SECOND, "file-1", "a")
    async with store.read() as connection:
        assert await count_terms(connection, [FIRST], ["a", "b", "c"]) == (3, {"a": 3, "b": 1})
        assert await count_terms(connection, [SECOND], ["a"]) == (1, {"a": 1})


async def test_counts_agree_with_the_chunks_after_any_changes(store: Store) -> None:
    files = [await add_file(store, FIRST, f"file-{i}", "a b", "a c", "b") for i in range(3)]
    async with store.write() as connection:
        await delete_chunks(connection, files[0])
        await delete_chunks(connection, files[1], limit=1)
    with pytest.raises(KeyError):
        async with store.write() as connection:
            await delete_chunks(connection, files[2])
            raise KeyError
    async with store.read() as connection:
        kept = list((await connection.scalars(select(chunks.c.terms))).all())
        counted = await count_terms(connection, [FIRST], ["a", "b", "c"])
    holding = {term: sum(term in terms.split() for terms in kept) for term in "abc"}
    assert counted == (len(kept), holding) == (5, {"a": 3, "b": 3, "c": 2})


async def test_indexes_are_preferred_in_one_transaction_alone(store: Store) -> None:
    if store.dialect == "sqlite":
        async with store.read() as connection:
            await prefer_indexes(connection)
        return
    async with store.reader.connect() as connection:
        async with connection.begin():
            await prefer_indexes(connection)
            assert await connection.scalar(text("SHOW enable_seqscan")) == "off"
            assert await connection.scalar(text("SHOW jit")) == "off"
        async with connection.begin():
            assert await connection.scalar(text("SHOW enable_seqscan")) == "on"
            assert await connection.scalar(text("SHOW jit")) == "on"


async def test_deleted_chunks_leave_no_words_behind(store: Store) -> None:
    doomed = await add_file(store, FIRST, "file-1", "rojo verde", "rojo", "verde")
    await add_file(store, FIRST, "file-2", "rojo azul")
    async with store.write() as connection:
        assert await delete_chunks(connection, doomed, limit=2) == 2
        assert await delete_chunks(connection, doomed) == 1
        assert await delete_chunks(connection, doomed) == 0
        counts = await count_terms(connection, [FIRST], ["rojo", "verde", "azul"])
        assert await connection.scalar(select(func.count()).select_from(chunks)) == 1
        if store.dialect == "sqlite":
            check = "INSERT INTO chunks_fts (chunks_fts) VALUES ('integrity-check')"
            await connection.execute(text(check))
    assert counts == (1, {"rojo": 1, "azul": 1})
    assert await find(store, "rojo", "verde") == ["rojo azul"]


async def test_what_is_rolled_back_is_not_found(store: Store) -> None:
    file_seq = await add_file(store, FIRST, "file-1", "rojo")
    with pytest.raises(KeyError):
        async with store.write() as connection:
            more = [NewChunk(1, "text", None, None, 1, "verde")]
            await insert_chunks(connection, FIRST, file_seq, more)
            raise KeyError
    assert await find(store, "verde") == []


async def test_a_found_chunk_knows_its_file(store: Store) -> None:
    file_seq = await add_file(store, FIRST, "file-1", "rojo", "verde")
    project = await project_id(store)
    async with store.write() as connection:
        values = {
            "project_id": project,
            "id": "file-1",
            "kind": "file",
            "created_at": 0,
            "document": {"filename": "colores.pdf"},
        }
        await connection.execute(insert(objects).values(values))
        rows = await connection.execute(select(chunks.c.seq).where(chunks.c.file_seq == file_seq))
        seqs = list(rows.scalars())
        found = await load_chunks(connection, project, [FIRST], seqs)
        elsewhere = await load_chunks(connection, project, [SECOND], seqs)
        foreign = await load_chunks(connection, "another", [FIRST], seqs)
    last = found[seqs[1]]
    assert (last.file_id, last.filename, last.attributes) == (
        "file-1",
        "colores.pdf",
        {"name": "file-1"},
    )
    assert (last.position, last.page, last.heading, last.text) == (1, 2, None, "text 1")
    assert elsewhere == foreign == {}


async def test_a_chunk_without_its_file_has_no_name(store: Store) -> None:
    await add_file(store, FIRST, "file-1", "rojo")
    project = await project_id(store)
    async with store.read() as connection:
        seq = await connection.scalar(select(chunks.c.seq))
        found = await load_chunks(connection, project, [FIRST], [seq])
    assert found[seq].filename == ""
