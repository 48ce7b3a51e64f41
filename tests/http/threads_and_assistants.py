"""A server on each database for tests of assistants, threads and messages, and what it is asked.

Every test makes objects of its own, so one server serves a module.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2
import openai
import pytest
from sqlalchemy import select
from tests.http.serving import Served, serve, settings_for
from tests.wire import descriptions

from understudy.ids import new_id, now_s
from understudy.store import runs
from understudy.store.db import Store, open_store
from understudy.store.keys import project_id
from understudy.store.schema import runs as runs_table
from understudy.wire.dialect import Dialect

if TYPE_CHECKING:
    from tests.databases import PostgresServer

T = TypeVar("T")
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Api:
    """A client that speaks one dialect."""

    served: Served
    dialect: Dialect = "v2"
    headers: dict[str, str] = field(default_factory=dict)

    def as_v1(self) -> "Api":
        return Api(self.served, "v1", self.headers)

    def with_headers(self, **headers: str) -> "Api":
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return Api(self.served, self.dialect, {**self.headers, **given})

    def get(self, path: str, **query: Any) -> httpx2.Response:
        return self._send("GET", path, params=query)

    def post(self, path: str, **body: Any) -> httpx2.Response:
        return self._send("POST", path, json=body)

    def delete(self, path: str) -> httpx2.Response:
        return self._send("DELETE", path)

    def _send(self, method: str, path: str, **content: Any) -> httpx2.Response:
        beta = {"OpenAI-Beta": f"assistants={self.dialect}", **self.headers}
        return self.served.client.request(method, f"/v1{path}", headers=beta, **content)

    def assistant(self, **body: Any) -> dict[str, Any]:
        return self.valid("AssistantObject", self.post("/assistants", model="m", **body))

    def thread(self, **body: Any) -> dict[str, Any]:
        return self.valid("ThreadObject", self.post("/threads", **body))

    def message(self, thread: dict[str, Any], content: Any = "Hello", **body: Any) -> Any:
        answer = self.post(
            f"/threads/{thread['id']}/messages", **{"role": "user", "content": content, **body}
        )
        return self.valid("MessageObject", answer)

    def valid(self, schema: str, answer: httpx2.Response) -> dict[str, Any]:
        """Return the answer's object, which must obey OpenAI's description of its dialect."""
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        if descriptions.ARE_PRESENT:
            assert descriptions.errors_of(schema, value, self.dialect) == []
        return value

    def listed(self, path: str, **query: Any) -> list[str]:
        """Return the ids of a page, which must agree with its first_id and last_id."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        ids = [str(item["id"]) for item in page["data"]]
        ends = (ids[0], ids[-1]) if ids else ("", "")
        assert (page["object"], page["first_id"], page["last_id"]) == ("list", *ends)
        return ids

    def upload(self, text: str, name: str = "notes.txt", purpose: str = "assistants") -> str:
        answer = self.served.client.post(
            "/v1/files", files={"file": (name, text.encode())}, data={"purpose": purpose}
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def in_store(self, store_id: str, query: str) -> set[str]:
        """Return the files that a search of a store finds once all of them are read."""
        with openai.OpenAI(base_url=f"{self.served.root}/v1", api_key="any") as client:
            for file in client.vector_stores.files.list(store_id):
                client.vector_stores.files.poll(file.id, vector_store_id=store_id)
            return {result.file_id for result in client.vector_stores.search(store_id, query=query)}


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))],
)
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A client of v2 at a server for the whole module."""
    data_dir = tmp_path_factory.mktemp("data")
    if request.param == "sqlite":
        with serve(settings_for(data_dir)) as served:
            yield Api(served)
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"threads_{next(_NUMBERS)}"
    postgres.run(f"CREATE DATABASE {name}")
    with serve(settings_for(data_dir, database_url=postgres.url(name))) as served:
        yield Api(served)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


def store_of(thread_or_assistant: dict[str, Any]) -> str:
    """Return the id of the only store that an object names."""
    (store_id,) = thread_or_assistant["tool_resources"]["file_search"]["vector_store_ids"]
    return str(store_id)


def in_database(served: Served, work: Callable[[Store], Awaitable[T]]) -> T:
    """Return what `work` returns for the server's database, opened beside the server."""
    url = served.settings.database_url

    async def run() -> T:
        secret = url.get_secret_value() if url else None
        async with open_store(secret, served.settings.data_dir) as store:
            return await work(store)

    return asyncio.run(run())


def waiting_run(served: Served, thread_id: str) -> str:
    """Add a run that waits for outputs, which nobody will send, and return its id."""

    async def insert(store: Store) -> str:
        new = runs.NewRun(
            project_id=await project_id(store),
            id=new_id("run"),
            thread_id=thread_id,
            assistant_id="asst_1",
            status="requires_action",
            created_at=now_s(),
            document={"model": "m"},
            expires_at=now_s() + 600,
        )
        async with store.write() as connection:
            return (await runs.insert(connection, new)).id

    return in_database(served, insert)


def events_of_run(served: Served, run_id: str) -> list[runs.Event]:
    """Return what the readers of a run were sent, also when its thread is gone."""

    async def read(store: Store) -> list[runs.Event]:
        async with store.read() as connection:
            seq = await connection.scalar(select(runs_table.c.seq).where(runs_table.c.id == run_id))
            return await runs.read_events(connection, int(seq or 0), after=0, limit=100)

    return in_database(served, read)
