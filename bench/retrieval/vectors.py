"""`python -m bench.retrieval.vectors`: search by words, by vectors and by both, with an embedding
model; `--speed` how long it takes through HTTP among many chunks, and how many of the ten nearest
are found.
"""

import argparse
import asyncio
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from sqlalchemy import insert, select, text

from bench.processes import cpu_s, free_port, running, wait_until_healthy
from bench.retrieval.documents import documents
from bench.retrieval.evaluate import VECTOR_STORE, ask, corpus_store, figures, threshold
from bench.retrieval.questions import questions
from bench.retrieval.speed import postgres
from understudy.engines.lexical import DEFAULT_DIMENSIONS, embed
from understudy.engines.registry import Registry
from understudy.ids import now_s
from understudy.retrieval.backfill import Backfill
from understudy.retrieval.search import RankingOptions
from understudy.retrieval.vectors import Vectors
from understudy.settings.load import load_settings
from understudy.store.blobs import Blobs
from understudy.store.chunks import NewChunk, insert_chunks
from understudy.store.db import Store, open_store
from understudy.store.keys import project_id
from understudy.store.objects import Collection, StoredObject
from understudy.store.schema import chunks, vector_store_files
from understudy.store.storage import Storage
from understudy.store.vector_spaces import find_spaces, settle_space
from understudy.store.vectors import VectorQuery
from understudy.store.vectors_postgres import PostgresVectors
from understudy.store.vectors_sqlite import MappedVectors

MODEL = "understudy-lexical"
_SIZES = [10_000, 200_000]
_WAYS = {"words": (1.0, 0.0), "vectors": (0.0, 1.0), "both": (1.0, 1.0)}
_TOPICS = 1_000
_WORDS_OF_TOPIC = 60
_VOCABULARY = 20_000
_WORDS_PER_CHUNK = 60
_CHUNKS_PER_FILE = 500
_QUERY_WORDS = 6
_QUERIES = 100
_NEAREST = 10


def main() -> None:
    """Ask the questions, or measure the speed, and print the figures."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="vectors-") as folder:
        run = _speed if options.speed else _quality
        asyncio.run(run(Path(folder), options))


async def _quality(folder: Path, options: argparse.Namespace) -> None:
    made = documents()
    asked = questions(made)
    print(f"{len(asked)} questions, embedded by {options.model}")
    print(f"{'search by':<10} hit@1  hit@5    MRR  no result  answerable under 1 false in 20")
    async with corpus_store(made, folder) as store:
        vectors = await _embedded(store, folder, options.model)
        for way, (words, meaning) in _WAYS.items():
            ranking = RankingOptions(lexical_weight=words, vector_weight=meaning)
            answers = await ask(store, asked, ranking, vectors)
            few = sum(not a.question.has_answer for a in answers) // 20
            f = figures(answers, threshold(answers, few))
            print(
                f"{way:<10} {f.hit_at_1:.3f}  {f.hit_at_5:.3f}  {f.mean_reciprocal_rank:.3f}"
                f"  {f.without_result:>9}  {f.answerable_below:>10} of {f.answerable}"
            )


async def _embedded(store: Store, folder: Path, model: str) -> Vectors:
    """Embed what the store holds, as a server does for files from before it had a model."""
    storage = Storage()
    storage.open(store, Blobs(folder / "blobs"))
    flags = {"data_dir": folder / "data", "retrieval": {"embedding_model": model}}
    settings = load_settings(flags).settings
    vectors = Vectors(storage, settings, Registry(settings))
    await vectors.open()
    backfill = Backfill(storage, vectors)
    while await backfill.step():
        pass
    return vectors


async def _speed(folder: Path, options: argparse.Namespace) -> None:
    print("milliseconds through HTTP: p50 / p95 (CPU of the server, the database's own not)")
    print(f"{'database':<10} {'chunks':>9} {'first':>6}", *(f"{w:>18}" for w in _WAYS), "recall@10")
    for size in options.sizes:
        await _measure(_made(folder / f"sqlite-{size}"), size, None)
        if options.postgres:
            place = _made(folder / f"postgres-{size}")
            async with postgres(place) as url:
                await _measure(place, size, url)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def _measure(folder: Path, size: int, url: str | None) -> None:
    texts = _Texts()
    async with open_store(url, folder / "data") as store:
        index: Any = (
            PostgresVectors(store) if url else MappedVectors(store, folder / "data" / "vectors")
        )
        await index.prepare()
        await _fill(store, texts, size)
        await index.keep_up()
        recall = await _recall(store, index, texts)
    async with _served(folder, url) as (client, pid):
        began = time.perf_counter()
        await _ask(client, "w0x1", 1.0, 1.0)
        first_ms = (time.perf_counter() - began) * 1_000
        shown = []
        for weights in _WAYS.values():
            used_s = cpu_s(pid)
            times_ms = await _times(client, texts, *weights)
            cpu_ms = (cpu_s(pid) - used_s) * 1_000 / len(times_ms)
            shown.append(f"{_p50_p95(times_ms)} ({cpu_ms:.1f})")
    name = "postgresql" if url else "sqlite"
    columns = " ".join(f"{column:>18}" for column in shown)
    print(f"{name:<10} {size:>9} {first_ms:>6.0f} {columns} {recall:>9.3f}", flush=True)


class _Texts:
    """Texts of topics: half of a text's words belong to its topic, the others are anyone's."""

    def __init__(self) -> None:
        drawn = random.Random(7)
        self.words = [f"{drawn.randrange(16**6):06x}x{i}" for i in range(_VOCABULARY)]
        self.vectors = np.array([embed(word) for word in self.words], dtype=np.float32)
        self._common = list(itertools.accumulate(1 / (i + 10) for i in range(_VOCABULARY)))
        self._topics = [drawn.sample(range(_VOCABULARY), _WORDS_OF_TOPIC) for _ in range(_TOPICS)]
        self._drawn = drawn

    def draw(self, count: int) -> list[int]:
        """Return the numbers of the words of one text."""
        topic = self._drawn.choice(self._topics)
        common = self._drawn.choices(range(_VOCABULARY), cum_weights=self._common, k=count // 2)
        return common + self._drawn.choices(topic, k=count - count // 2)

    def embedding(self, numbers: Sequence[int]) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """Return about what the embedded model gives for the text, in a hundredth of the time."""
        vector = self.vectors[numbers].sum(axis=0)
        return vector / np.linalg.norm(vector)

    def query(self) -> str:
        """Return a question about one topic."""
        return " ".join(self.words[number] for number in self.draw(_QUERY_WORDS))


async def _fill(store: Store, texts: _Texts, size: int) -> None:
    project = await project_id(store)
    made = StoredObject(
        VECTOR_STORE,
        "vector_store",
        now_s(),
        {
            "name": "",
            "description": None,
            "metadata": None,
            "expires_after_days": None,
            "last_active_at": now_s(),
        },
    )
    async with store.write() as connection:
        await Collection(project, "vector_store", noun="vector store").insert(connection, made)
        await settle_space(connection, VECTOR_STORE, MODEL, DEFAULT_DIMENSIONS)
    for number in range(size // _CHUNKS_PER_FILE):
        attached = {"vector_store_id": VECTOR_STORE, "file_id": f"file-{number}"}
        rest = {"status": "completed", "attributes": {"part": number % 10}, "chunking": {}}
        owner = {"project_id": project, "created_at": now_s(), "embedding_model": MODEL}
        async with store.write() as connection:
            added = insert(vector_store_files).values(**owner, **attached, **rest)
            row = await connection.execute(added.returning(vector_store_files.c.seq))
            await insert_chunks(connection, VECTOR_STORE, row.scalar_one(), list(_chunks(texts)))
    if store.dialect == "postgresql":
        await _index_at_once(store)


def _chunks(texts: _Texts) -> Iterator[NewChunk]:
    for position in range(_CHUNKS_PER_FILE):
        numbers = texts.draw(_WORDS_PER_CHUNK)
        words = " ".join(texts.words[number] for number in numbers)
        embedding = texts.embedding(numbers).tobytes()
        yield NewChunk(position, words, 1, None, _WORDS_PER_CHUNK, words, embedding)


async def _index_at_once(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("ANALYZE"))


async def _recall(store: Store, index: Any, texts: _Texts) -> float:
    """Return which share of the nearest chunks the index finds."""
    async with store.read() as connection:
        rows = (await connection.execute(select(chunks.c.seq, chunks.c.embedding))).all()
        (space,) = await find_spaces(connection, [VECTOR_STORE])
    seqs = np.array([row.seq for row in rows])
    matrix = np.frombuffer(b"".join(row.embedding for row in rows), "<f4").reshape(len(rows), -1)
    found = 0
    for _ in range(_QUERIES):
        query = np.array([embed(texts.query())], dtype=np.float32)
        best = set(seqs[np.argsort(-(matrix @ query[0]))[:_NEAREST]].tolist())
        nearest = await index.nearest(VectorQuery([space], query, None, 100))
        found += len(best & {seq for seq, _ in nearest[:_NEAREST]})
    return found / (_QUERIES * _NEAREST)


@asynccontextmanager
async def _served(folder: Path, url: str | None) -> AsyncIterator[tuple[httpx2.AsyncClient, int]]:
    port = free_port()
    data = folder / "data"
    command = [
        sys.executable, "-m", "understudy", "serve", f"--port={port}", f"--data-dir={data}",
    ]  # fmt: skip
    environ = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSTUDY_")}
    environ["UNDERSTUDY_RETRIEVAL__EMBEDDING_MODEL"] = MODEL
    if url is not None:
        environ["UNDERSTUDY_DATABASE_URL"] = url
    with running(command, folder, environ) as process:
        wait_until_healthy(process, port, "/health")
        root = f"http://127.0.0.1:{port}/v1"
        async with httpx2.AsyncClient(base_url=root, trust_env=False, timeout=60) as client:
            yield client, process.pid


async def _ask(client: httpx2.AsyncClient, query: str, words: float, vectors: float) -> int:
    weights = {"text_weight": words, "embedding_weight": vectors}
    body = {"query": query, "ranking_options": {"hybrid_search": weights}}
    answer = await client.post(f"/vector_stores/{VECTOR_STORE}/search", json=body)
    return len(answer.raise_for_status().json()["data"])


async def _times(
    client: httpx2.AsyncClient, texts: _Texts, words: float, vectors: float
) -> list[float]:
    times_ms = []
    for _ in range(_QUERIES):
        query = texts.query()
        began = time.perf_counter()
        found = await _ask(client, query, words, vectors)
        times_ms.append((time.perf_counter() - began) * 1_000)
        assert found, query
    return times_ms


def _p50_p95(times_ms: list[float]) -> str:
    return f"{statistics.median(times_ms):.1f}/{statistics.quantiles(times_ms, n=20)[-1]:.1f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.retrieval.vectors", description=__doc__)
    parser.add_argument("--model", default=MODEL, help="the embedding model of the questions")
    parser.add_argument("--speed", action="store_true", help="measure speed instead of quality")
    parser.add_argument("--postgres", action="store_true", help="measure PostgreSQL as well")
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, help="chunks in a store")
    return parser.parse_args()


if __name__ == "__main__":
    main()
