"""Files are embedded as they are read, and found by their vectors; providers fail as they do."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from sqlalchemy import select, text
from tests.databases import Database
from tests.http.serving import provider_at, settings_for
from tests.upstreams.scripted import ScriptedUpstream, answer, delayed, hang

from understudy.engines.registry import Registry
from understudy.errors import ProviderError
from understudy.ids import now_s
from understudy.retrieval.ingest import Ingest
from understudy.retrieval.search import RankingOptions, SearchRequest, SearchResult
from understudy.retrieval.vector_stores import NewStore, VectorStores
from understudy.retrieval.vectors import Vectors
from understudy.settings import Settings
from understudy.store.blobs import Blobs
from understudy.store.db import Store
from understudy.store.files import Files, NewFile
from understudy.store.keys import project_id
from understudy.store.schema import chunks, vector_store_files
from understudy.store.storage import Storage
from understudy.store.vector_spaces import find_spaces
from understudy.store.vector_store_files import FileState, FileToAdd

pytestmark = pytest.mark.anyio

WAIT_S = 20.0
CAT = "The cat sleeps on the warm roof."
DOG = "The dog guards the old harbour at night."
BY_VECTORS = RankingOptions(lexical_weight=0)
LEXICAL = {"retrieval": {"embedding_model": "understudy-lexical"}}
BUSY = answer({"error": {"message": "slow down"}}, 429)
BROKEN = answer({"error": {"message": "out of order"}}, 500)


class Library:
    """A vector store, and readers that fill it."""

    def __init__(self, storage: Storage, ingest: Ingest, vectors: Vectors, project: str) -> None:
        self.storage = storage
        self.stores = VectorStores(storage, project, ingest.wake, vectors)
        self.files = Files(storage, project)
        self.id = ""

    async def queue(self, content: str) -> str:
        async with self.storage.blobs.writing() as writer:
            await writer.write(content.encode())
            blob = await writer.finish()
            made = await self.files.create(NewFile("text.txt", "assistants"), blob)
        self.id = self.id or (await self.stores.create(NewStore())).id
        await self.stores.add_file(self.id, FileToAdd(made.id, {"id": made.id}, 800, 400))
        return made.id

    async def read(self, content: str) -> FileState:
        """Add a file and return what became of it."""
        file_id = await self.queue(content)
        return await self.until(file_id)

    async def until(self, file_id: str) -> FileState:
        with anyio.fail_after(WAIT_S):
            while True:
                state = await self.stores.find_file(self.id, file_id)
                if state.status != "in_progress":
                    return state
                await anyio.sleep(0.01)

    async def ask(self, query: str, ranking: RankingOptions = BY_VECTORS) -> list[SearchResult]:
        return await self.stores.search(self.id, SearchRequest((query,), ranking=ranking))

    async def spaces(self) -> list[tuple[str, int]]:
        async with self.storage.database.read() as connection:
            return [(s.model, s.dimensions) for s in await find_spaces(connection, [self.id])]


@asynccontextmanager
async def library(store: Store, settings: Settings, store_id: str = "") -> AsyncIterator[Library]:
    """Read files with these settings, as a server does, until the block ends."""
    storage, registry = Storage(), Registry(settings)
    storage.open(store, Blobs(settings.data_dir / "blobs"))
    vectors = Vectors(storage, settings, registry, pauses_s=(0, 0))
    ingest = Ingest(storage, settings, vectors)
    try:
        await ingest.prepare()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ingest.run)
            made = Library(storage, ingest, vectors, await project_id(store))
            made.id = store_id
            yield made
            tasks.cancel_scope.cancel()
    finally:
        await registry.aclose()


def settings_with(database: Database, upstream: ScriptedUpstream, **retrieval: Any) -> Settings:
    return settings_for(
        database.data_dir,
        providers={"up": provider_at(upstream), "other": provider_at(upstream)},
        upstream_retries=0,
        retrieval={"embedding_model": "up/echo-embedding", **retrieval},
    )


def texts(found: list[SearchResult]) -> list[str]:
    return [result.text for result in found]


async def test_what_is_read_is_found_by_its_vectors(store: Store, database: Database) -> None:
    async with library(store, settings_for(database.data_dir, **LEXICAL)) as made:
        assert (await made.read(CAT)).status == "completed"
        assert (await made.read(DOG)).status == "completed"
        found = await made.ask("harbur gard")
        assert texts(found) == [DOG, CAT]
        assert 1 > found[0].score > found[1].score >= 0
        assert await made.ask("harbur gard", RankingOptions(vector_weight=0)) == []
        assert texts(await made.ask("cat", RankingOptions()))[0] == CAT
        assert await made.spaces() == [("understudy-lexical", 384)]


async def test_a_file_that_is_removed_is_not_found(store: Store, database: Database) -> None:
    async with library(store, settings_for(database.data_dir, **LEXICAL)) as made:
        await made.read(CAT)
        gone = await made.read(DOG)
        assert texts(await made.ask("harbour")) == [DOG, CAT]
        await made.stores.remove_file(made.id, gone.file_id)
        assert texts(await made.ask("harbour")) == [CAT]


async def test_a_failure_that_passes_is_waited_out(
    store: Store, database: Database, upstream: ScriptedUpstream
) -> None:
    upstream.play(BUSY, BROKEN)
    async with library(store, settings_with(database, upstream)) as made:
        assert (await made.read(CAT)).status == "completed"
        assert len(upstream.calls) == 3
        (first, *_) = await made.ask(CAT)
        assert (first.text, round(first.score, 4)) == (CAT, 1.0)


async def test_a_file_fails_with_its_provider_and_says_so(
    store: Store, database: Database, upstream: ScriptedUpstream
) -> None:
    upstream.play(BUSY, BUSY, BUSY)
    async with library(store, settings_with(database, upstream)) as made:
        state = await made.read(CAT)
        assert state.status == "failed"
        assert state.last_error is not None
        assert state.last_error["code"] == "server_error"
        assert state.last_error["message"].startswith("The file could not be embedded.")
        assert "slow down" in state.last_error["message"]
        async with store.read() as connection:
            assert (await connection.execute(select(chunks))).all() == []
        assert (await made.read(DOG)).status == "completed"


@pytest.mark.parametrize("model", ["nobody/knows", "understudy-extractive"])
async def test_a_wrong_model_is_named_with_the_setting(
    store: Store, database: Database, model: str
) -> None:
    settings = settings_for(database.data_dir, retrieval={"embedding_model": model})
    async with library(store, settings) as made:
        state = await made.read(CAT)
        assert state.status == "failed"
        assert state.last_error is not None
        assert model in state.last_error["message"]
        assert "retrieval.embedding_model" in state.last_error["message"]


async def test_vectors_of_other_dimensions_are_refused(
    store: Store, database: Database, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    short = answer({"data": [{"index": 0, "embedding": [0.5, 0.5]}], "model": "m"})
    async with library(store, settings_with(database, upstream)) as made:
        await made.read(CAT)
        upstream.play(short)
        state = await made.read(DOG)
        assert state.status == "failed"
        assert state.last_error is not None
        assert "dimensions" in state.last_error["message"]
        upstream.play(short)
        assert texts(await made.ask("cat", RankingOptions())) == [CAT]
        assert "searching by words alone" in caplog.text


async def test_vectors_that_are_no_numbers_fail_the_file(
    store: Store, database: Database, upstream: ScriptedUpstream
) -> None:
    huge = answer({"data": [{"index": 0, "embedding": [1e39, 1.0]}], "model": "m"})
    upstream.play(huge, huge, huge)
    async with library(store, settings_with(database, upstream)) as made:
        state = await made.read(CAT)
    assert state.last_error is not None
    assert "no numbers" in state.last_error["message"]


@pytest.mark.parametrize("failure", [BROKEN, hang()])
async def test_a_search_goes_by_words_while_the_provider_is_away(
    store: Store,
    database: Database,
    upstream: ScriptedUpstream,
    failure: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with library(store, settings_with(database, upstream, embed_query_s=0.2)) as made:
        await made.read(CAT)
        upstream.play(failure)
        assert texts(await made.ask("cat", RankingOptions())) == [CAT]
        assert "searching by words alone" in caplog.text
        upstream.play(failure)
        with pytest.raises(ProviderError):
            await made.ask("cat")


async def test_a_store_keeps_its_model(
    store: Store, database: Database, upstream: ScriptedUpstream
) -> None:
    async with library(store, settings_with(database, upstream)) as made:
        await made.read(CAT)
        store_id = made.id
    changed = settings_with(database, upstream, embedding_model="other/another")
    async with library(store, changed, store_id) as made:
        await made.read(DOG)
        assert texts(await made.ask(DOG))[0] == DOG
        assert await made.spaces() == [("up/echo-embedding", 8)]
    assert {call.json["model"] for call in upstream.calls} == {"echo-embedding"}


async def test_what_was_read_without_a_model_is_embedded_later(
    store: Store, database: Database, upstream: ScriptedUpstream
) -> None:
    async with library(store, settings_for(database.data_dir)) as made:
        await made.read(CAT)
        await made.read("\n\n".join(f"{DOG} {number}" * 40 for number in range(90)))
        store_id = made.id
        assert await made.ask(CAT) == []
    upstream.play(BUSY)
    async with library(store, settings_with(database, upstream), store_id) as made:
        await until_embedded(store)
        assert texts(await made.ask(CAT))[0] == CAT
        async with store.read() as connection:
            count = await connection.scalar(text("SELECT count(*) FROM chunks"))
        assert count is not None
        assert count > 64
        found = await made.stores.search(made.id, SearchRequest((DOG,), 50, ranking=BY_VECTORS))
        assert len(found) == min(50, count)


async def until_embedded(store: Store) -> None:
    lacking = select(vector_store_files.c.seq).where(vector_store_files.c.embedding_model.is_(None))
    with anyio.fail_after(WAIT_S):
        while True:
            async with store.read() as connection:
                if (await connection.execute(lacking)).first() is None:
                    return
            await anyio.sleep(0.01)


async def test_what_is_removed_meanwhile_is_not_stored(
    store: Store, database: Database, upstream: ScriptedUpstream
) -> None:
    upstream.play(delayed(0.2))
    async with library(store, settings_with(database, upstream)) as made:
        file_id = await made.queue(CAT)
        await anyio.to_thread.run_sync(upstream.wait_for_calls, 1)
        await made.stores.remove_file(made.id, file_id)
        await made.read(DOG)
        async with store.read() as connection:
            stored = await connection.scalars(select(chunks.c.text))
            assert stored.all() == [DOG]


async def test_a_reader_that_was_replaced_writes_nothing_more(
    store: Store, database: Database, upstream: ScriptedUpstream
) -> None:
    upstream.play(delayed(0.2))
    async with library(store, settings_with(database, upstream)) as made:
        file_id = await made.queue(CAT)
        await anyio.to_thread.run_sync(upstream.wait_for_calls, 1)
        taken = {"attempt": 5, "lease_owner": "another", "lease_until": now_s() + 600}
        async with store.write() as connection:
            await connection.execute(vector_store_files.update().values(**taken))
        await made.read(DOG)
        assert (await made.stores.find_file(made.id, file_id)).status == "in_progress"
        async with store.read() as connection:
            stored = await connection.scalars(select(chunks.c.text))
            assert stored.all() == [DOG]


async def test_without_the_setting_nothing_is_embedded(
    store: Store, database: Database, upstream: ScriptedUpstream
) -> None:
    async with library(store, settings_with(database, upstream)) as made:
        await made.read(CAT)
        store_id = made.id
    calls = len(upstream.calls)
    without = settings_with(database, upstream, embedding_model=None)
    async with library(store, without, store_id) as made:
        await made.read(DOG)
        assert await made.ask(CAT) == []
        assert texts(await made.ask("cat", RankingOptions())) == [CAT]
    assert len(upstream.calls) == calls


def test_a_server_without_embeddings_does_not_load_what_compares_them() -> None:
    code = "import sys, understudy.server; print([n for n in ('numpy',) if n in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
