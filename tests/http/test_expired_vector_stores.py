"""A vector store that has expired: it says so, can be read and deleted, and takes nothing more."""

from pathlib import Path
from typing import Any

import anyio
import openai
import pytest
from sqlalchemy import update
from tests.http.fixtures import ServeWith
from tests.http.serving import Served

from understudy.store.db import open_store
from understudy.store.schema import objects

DAY_S = 86_400


def rest(data_dir: Path, store_id: str, days: int) -> None:
    """Let a store have been used last so many days ago."""

    async def rest_in_database() -> None:
        async with open_store(None, data_dir) as store, store.write() as connection:
            is_it = objects.c.id == store_id
            document = (await connection.execute(objects.select().where(is_it))).one().document
            before = document["last_active_at"] - days * DAY_S
            changed = {**document, "last_active_at": before}
            await connection.execute(update(objects).where(is_it).values(document=changed))

    anyio.run(rest_in_database)


def made(client: openai.OpenAI) -> tuple[str, str]:
    """Return the ids of a store that lives for two days, and of the file in it."""
    life: Any = {"anchor": "last_active_at", "days": 2}
    store = client.vector_stores.create(expires_after=life)
    file = client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("cat.txt", b"The cat sleeps.")
    )
    assert file.status == "completed"
    return store.id, file.id


def client_of(server: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.root}/v1", api_key="any", max_retries=0)


def test_an_expired_store_takes_and_finds_nothing(serve_with: ServeWith) -> None:
    with serve_with() as server, client_of(server) as client:
        stores = client.vector_stores
        store_id, file_id = made(client)
        rest(server.settings.data_dir, store_id, days=2)
        expired = stores.retrieve(store_id)
        assert expired.status == "expired"
        assert expired.last_active_at is not None
        assert expired.expires_at == expired.last_active_at + 2 * DAY_S
        assert [store.status for store in stores.list()] == ["expired"]
        for call in (
            lambda: stores.search(store_id, query="cat"),
            lambda: stores.update(store_id, name="x"),
            lambda: stores.files.create(store_id, file_id=file_id),
            lambda: stores.file_batches.create(store_id, file_ids=[file_id]),
        ):
            with pytest.raises(openai.BadRequestError, match="2 days after its last use") as caught:
                call()
            assert caught.value.code == "vector_store_expired"
        assert stores.delete(store_id).deleted
        assert client.files.retrieve(file_id).filename == "cat.txt"


def test_use_keeps_a_store_alive(serve_with: ServeWith) -> None:
    with serve_with() as server, client_of(server) as client:
        store_id, _ = made(client)
        rest(server.settings.data_dir, store_id, days=1)
        rested = client.vector_stores.retrieve(store_id)
        assert rested.status == "completed"
        assert len(client.vector_stores.search(store_id, query="cat").data) == 1
        used = client.vector_stores.retrieve(store_id)
        assert used.expires_at is not None and rested.expires_at is not None
        assert used.expires_at >= rested.expires_at + DAY_S
