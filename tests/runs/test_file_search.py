"""File search of a run on real stores: which are searched, which files, and what the model gets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import insert, update
from tests.retrieval.test_search import fill
from tests.runs.logs import RUN, output

from understudy.retrieval.vector_stores import NewStore, VectorStores
from understudy.runs.file_search import Options, Wanted, execute, named_files, options
from understudy.store.blobs import Blobs
from understudy.store.db import Store
from understudy.store.keys import project_id
from understudy.store.schema import objects, vector_store_files
from understudy.store.storage import Storage

pytestmark = pytest.mark.anyio

GALICIA = {
    "galicia": ["En Galicia abren ocho domingos.", "La sanción en Galicia es de 3.000 euros."]
}
MADRID = {"madrid": ["En Madrid hay libertad de horario.", "La sanción en Madrid es de 900 euros."]}
QUERIES = ["sanción en euros"]


@pytest.fixture
async def stores(store: Store, tmp_path: Path) -> VectorStores:
    storage = Storage()
    storage.open(store, Blobs(tmp_path / "contents"))
    return VectorStores(storage, await project_id(store), lambda: None)


@pytest.fixture
async def two(store: Store, stores: VectorStores) -> list[str]:
    """The ids of two vector stores, with one file each."""
    ids = [(await stores.create(NewStore())).id for _ in range(2)]
    for id_, texts in zip(ids, (GALICIA, MADRID), strict=True):
        await fill(store, texts, id_)
    chunking = {"max": 800, "overlap": 400}
    async with store.write() as connection:
        await connection.execute(update(vector_store_files).values(chunking=chunking))
    return ids


async def set_columns(store: Store, id_: str, **values: Any) -> None:
    async with store.write() as connection:
        await connection.execute(update(objects).where(objects.c.id == id_).values(**values))


async def attach(store: Store, store_id: str, file_id: str, status: str) -> None:
    row = {"vector_store_id": store_id, "file_id": file_id, "status": status, "created_at": 0}
    row |= {"project_id": await project_id(store), "attributes": {}, "chunking": {}}
    async with store.write() as connection:
        await connection.execute(insert(vector_store_files).values(**row))


async def files_found(stores: VectorStores, wanted: Wanted) -> list[str]:
    found = await execute(stores, wanted, 0)
    return sorted({result["filename"] for result in found.results})


async def test_all_stores_are_searched_together(stores: VectorStores, two: list[str]) -> None:
    found = await execute(stores, Wanted(QUERIES, [*two, *two]), 0)
    assert {result["filename"] for result in found.results} == {"galicia.pdf", "madrid.pdf"}
    assert found.note == ""
    scores = [result["score"] for result in found.results]
    assert scores == sorted(scores, reverse=True)


async def test_a_result_is_what_an_item_holds(stores: VectorStores, two: list[str]) -> None:
    [first, *_] = (await execute(stores, Wanted(["sanción en Madrid"], two), 0)).results
    assert 0 < first.pop("score") <= 1
    assert first == {
        "file_id": "file-madrid",
        "filename": "madrid.pdf",
        "text": MADRID["madrid"][1],
        "page": 2,
        "attributes": {"name": "madrid"},
    }


@pytest.mark.parametrize(
    ("named", "files"),
    [
        ([], ["galicia.pdf", "madrid.pdf"]),
        (["file-madrid"], ["madrid.pdf"]),
        (["file-madrid", "file-galicia"], ["galicia.pdf", "madrid.pdf"]),
        (["file-elsewhere"], ["galicia.pdf", "madrid.pdf"]),
        (["file-elsewhere", "file-galicia"], ["galicia.pdf"]),
    ],
)
async def test_named_files_narrow_the_search_to_those_that_are_attached(
    stores: VectorStores, two: list[str], named: list[str], files: list[str]
) -> None:
    assert await files_found(stores, Wanted(QUERIES, two, named)) == files


async def test_a_named_file_outside_the_stores_is_not_searched(
    stores: VectorStores, two: list[str]
) -> None:
    assert await files_found(stores, Wanted(QUERIES, two[:1], ["file-madrid"])) == ["galicia.pdf"]


async def test_options_bound_what_is_found(stores: VectorStores, two: list[str]) -> None:
    queries = ["sanción en Madrid en euros"]
    every = (await execute(stores, Wanted(queries, two), 0)).results

    async def given(options: Options) -> list[dict[str, Any]]:
        return (await execute(stores, Wanted(queries, two, (), options), 0)).results

    assert len(every) > 1
    assert await given(Options(max_num_results=1)) == every[:1]
    assert await given(Options(score_threshold=every[0]["score"])) == every[:1]
    assert await given(Options(most_tokens=20)) == every[:1]
    [cut] = await given(Options(most_tokens=3))
    assert every[0]["text"].startswith(cut["text"])
    assert 0 < len(cut["text"]) < len(every[0]["text"])


async def test_deleted_and_expired_stores_are_left_out_with_a_note(
    store: Store, stores: VectorStores, two: list[str]
) -> None:
    [galicia, madrid] = two
    await stores.delete(galicia)
    expired = (await stores.create(NewStore(expires_after_days=1))).id
    document = {"name": "", "description": None, "metadata": None, "expires_after_days": 1}
    await set_columns(store, expired, document=document | {"last_active_at": 0})

    found = await execute(stores, Wanted(QUERIES, [galicia, expired, madrid]), 0)
    assert [result["filename"] for result in found.results] == ["madrid.pdf"]
    assert found.note == f"Not searched, since deleted or expired: {galicia}, {expired}."

    found = await execute(stores, Wanted(QUERIES, [galicia]), 0)
    assert (found.results, galicia in found.note) == ([], True)


async def test_without_stores_the_model_is_told(stores: VectorStores) -> None:
    found = await execute(stores, Wanted(QUERIES, []), 0)
    assert (found.results, found.note) == ([], "No documents are attached.")


async def test_another_projects_store_is_not_searched(
    store: Store, stores: VectorStores, two: list[str], tmp_path: Path
) -> None:
    storage = Storage()
    storage.open(store, Blobs(tmp_path / "contents"))
    others = VectorStores(storage, "proj_other", lambda: None)
    assert (await execute(others, Wanted(QUERIES, two), 0)).results == []


async def test_use_keeps_a_store_from_expiring(
    store: Store, stores: VectorStores, two: list[str]
) -> None:
    state = await stores.find(two[0])
    document = {"name": "", "description": None, "metadata": None, "expires_after_days": None}
    await set_columns(store, two[0], document=document | {"last_active_at": 7})
    await execute(stores, Wanted(QUERIES, two), 0)
    assert (await stores.find(two[0])).last_active_at >= state.last_active_at


class Watched(VectorStores):
    """Vector stores that tell when somebody has counted what is unread."""

    counted: anyio.Event

    async def count_unread(self, store_ids: Any) -> int:
        count = await super().count_unread(store_ids)
        self.counted.set()
        return count


async def test_files_that_are_being_read_are_waited_for(
    store: Store, two: list[str], tmp_path: Path
) -> None:
    storage = Storage()
    storage.open(store, Blobs(tmp_path / "contents"))
    watched = Watched(storage, await project_id(store), lambda: None)
    watched.counted = anyio.Event()
    files = vector_store_files
    is_madrid = files.c.file_id == "file-madrid"
    async with store.write() as connection:
        await connection.execute(update(files).where(is_madrid).values(status="in_progress"))

    async def finish() -> None:
        await watched.counted.wait()
        async with store.write() as connection:
            await connection.execute(update(files).where(is_madrid).values(status="completed"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(finish)
        found = await execute(watched, Wanted(["sanción en Madrid"], two), 60)
    assert found.results[0]["filename"] == "madrid.pdf"
    assert found.note == ""


async def test_a_wait_ends_and_says_what_is_missing(
    store: Store, stores: VectorStores, two: list[str]
) -> None:
    await attach(store, two[0], "file-slow", "in_progress")
    await attach(store, two[0], "file-broken", "failed")
    found = await execute(stores, Wanted(QUERIES, two), 0)
    assert len(found.results) == 2
    assert found.note == "Not searched, since still being read: 1 of the documents."


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([{"type": "file_search"}], Options()),
        ([{"type": "retrieval"}], Options()),
        ([{"type": "function"}, {"type": "file_search", "file_search": None}], Options()),
        (
            [{"type": "file_search", "file_search": {"max_num_results": 3}}],
            Options(max_num_results=3),
        ),
        (
            [{"type": "file_search", "file_search": {"ranking_options": {"score_threshold": 0.4}}}],
            Options(score_threshold=0.4),
        ),
    ],
)
async def test_options_are_read_from_the_tool(tools: list[Any], expected: Options) -> None:
    assert options(tools) == expected
    assert replace(expected, max_num_results=20, score_threshold=0.0) == Options()


async def test_files_are_named_in_instructions_and_in_outputs_of_this_run() -> None:
    items = [
        output("c1", '{"file": "file-Bbbb2", "again": "file-Aaaa1"}'),
        output("c2", "read file-Cccc3, please", run="run_before"),
    ]
    assert named_files("Answer from file-Aaaa1.", items, RUN) == ["file-Aaaa1", "file-Bbbb2"]
    assert named_files("profile-based, file- and file-x", [], RUN) == []
