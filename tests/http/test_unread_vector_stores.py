"""Vector stores over HTTP while their files wait to be read: nothing here reads them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from tests.http.serving import error_of, settings_for

from understudy.api.files import files_router
from understudy.api.http.gate import Gate
from understudy.api.http.trace import Trace
from understudy.api.http.unknown import UnknownRoutes
from understudy.api.vector_stores import vector_stores_router
from understudy.store.blobs import Blobs
from understudy.store.db import open_store
from understudy.store.keys import KeyRing, project_id
from understudy.store.storage import Storage

pytestmark = pytest.mark.anyio

STORES = "/v1/vector_stores"


class Idle:
    """Vector stores over HTTP in a server that never reads a file."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.wakes = 0

    def wake(self) -> None:
        self.wakes += 1

    async def upload(self, count: int) -> list[str]:
        """Send files and return their ids."""
        ids = []
        for n in range(count):
            form: Any = {"file": (f"{n}.txt", b"text")}
            made = await self.http.post("/v1/files", files=form, data={"purpose": "assistants"})
            ids.append(made.json()["id"])
        return ids

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.http.post(STORES + path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def idle(tmp_path: Path) -> AsyncIterator[Idle]:
    settings, storage, app = settings_for(tmp_path), Storage(), FastAPI()
    gate = Gate(app, settings)
    async with open_store(None, tmp_path) as store:
        storage.open(store, Blobs(tmp_path / "blobs"))
        gate.open(KeyRing(store), await project_id(store))
        transport = httpx2.ASGITransport(Trace(gate))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            idle = Idle(http)
            app.include_router(files_router(storage, settings))
            app.include_router(vector_stores_router(storage, idle.wake))
            UnknownRoutes(app, []).install()
            yield idle


async def test_who_polls_is_told_when_to_ask_again(idle: Idle) -> None:
    (file_id,) = await idle.upload(1)
    store = await idle.post("")
    batch = await idle.post(f"/{store['id']}/file_batches", file_ids=[file_id])
    batch_at = f"{STORES}/{store['id']}/file_batches/{batch['id']}"
    for path in (batch_at, f"{STORES}/{store['id']}/files/{file_id}"):
        answer = await idle.http.get(path)
        assert answer.json()["status"] == "in_progress"
        assert answer.headers["openai-poll-after-ms"] == "200"
    await idle.http.post(f"{batch_at}/cancel")
    assert "openai-poll-after-ms" not in (await idle.http.get(batch_at)).headers


async def test_readers_are_woken(idle: Idle) -> None:
    one, two, three = await idle.upload(3)
    store = await idle.post("", file_ids=[one])
    assert store["status"] == "in_progress"
    wakes = [idle.wakes]
    await idle.post(f"/{store['id']}/files", file_id=two)
    wakes.append(idle.wakes)
    await idle.post(f"/{store['id']}/file_batches", file_ids=[three])
    wakes.append(idle.wakes)
    assert 0 < wakes[0] < wakes[1] < wakes[2]


async def test_a_batch_is_cancelled(idle: Idle) -> None:
    ids = await idle.upload(3)
    store = await idle.post("", file_ids=ids[:1])
    at = f"/{store['id']}/file_batches"
    batch = await idle.post(at, file_ids=ids[1:])
    assert (batch["status"], batch["file_counts"]["in_progress"]) == ("in_progress", 2)
    cancelled = await idle.post(f"{at}/{batch['id']}/cancel")
    assert cancelled["status"] == "cancelled"
    assert cancelled["file_counts"] == {
        "in_progress": 0,
        "completed": 0,
        "failed": 0,
        "cancelled": 2,
        "total": 2,
    }
    files = f"{STORES}/{store['id']}/files"
    for status, expected in (("in_progress", ids[:1]), ("cancelled", ids[:0:-1]), ("failed", [])):
        listed = (await idle.http.get(f"{files}?filter={status}")).json()["data"]
        assert [file["id"] for file in listed] == expected


async def test_a_file_that_is_not_read_has_no_content(idle: Idle) -> None:
    (file_id,) = await idle.upload(1)
    store = await idle.post("", file_ids=[file_id])
    answer = await idle.http.get(f"{STORES}/{store['id']}/files/{file_id}/content")
    assert error_of(answer, 400)["code"] == "file_not_ready"
