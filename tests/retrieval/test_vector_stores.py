"""Searching several vector stores that hold the same file."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tests.retrieval.test_search import TEXTS, fill

from understudy.retrieval.search import SearchRequest
from understudy.retrieval.terms import index_terms
from understudy.retrieval.vector_stores import VectorStores
from understudy.store.blobs import Blobs
from understudy.store.chunks import NewChunk, insert_chunks
from understudy.store.db import Store
from understudy.store.keys import project_id
from understudy.store.schema import vector_store_files
from understudy.store.storage import Storage

pytestmark = pytest.mark.anyio

BOTH = ["vs_assistants", "vs_threads"]
ASKED = SearchRequest(("sanción en Galicia o Madrid en euros",))


@pytest.fixture
async def stores(store: Store, tmp_path: Path) -> VectorStores:
    """Two stores: the first has every file, the second those of Galicia and Madrid too."""
    storage = Storage()
    storage.open(store, Blobs(tmp_path / "contents"))
    await fill(store, TEXTS, BOTH[0])
    for name in ("galicia", "madrid"):
        await add_again(store, BOTH[1], name)
    return VectorStores(storage, await project_id(store), lambda: None)


async def add_again(store: Store, store_id: str, name: str) -> None:
    """Put a file that is there into another store, cut alike."""
    texts = TEXTS[name]
    made = [
        NewChunk(i, text, i + 1, name, 9, index_terms(text, name)) for i, text in enumerate(texts)
    ]
    rows = vector_store_files
    async with store.write() as connection:
        was = (
            await connection.execute(select(rows).where(rows.c.file_id == f"file-{name}"))
        ).first()
        assert was is not None
        values = {**was._mapping, "vector_store_id": store_id}
        del values["seq"]
        added = await connection.execute(insert(rows).values(values).returning(rows.c.seq))
        await insert_chunks(connection, store_id, added.scalar_one(), made)


async def test_a_passage_that_two_stores_hold_is_found_once(stores: VectorStores) -> None:
    alone = await stores.search_together(BOTH[:1], ASKED)
    together = await stores.search_together(BOTH, ASKED)
    assert len(alone) > 2
    assert {(r.file_id, r.text) for r in together} == {(r.file_id, r.text) for r in alone}
    assert len(together) == len(alone)
    scores = [result.score for result in together]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_the_limit_counts_different_passages(stores: VectorStores, limit: int) -> None:
    every = await stores.search_together(BOTH, ASKED)
    assert len(every) == 4
    found = await stores.search_together(BOTH, replace(ASKED, max_num_results=limit))
    assert found == every[:limit]


async def test_equal_texts_of_different_files_are_both_found(
    store: Store, stores: VectorStores
) -> None:
    await fill(store, {"copy": TEXTS["madrid"]}, BOTH[1])
    found = await stores.search_together(BOTH, SearchRequest(("sanción en Madrid",)))
    text = TEXTS["madrid"][1]
    assert sorted(r.filename for r in found if r.text == text) == ["copy.pdf", "madrid.pdf"]
