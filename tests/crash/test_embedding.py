"""Whenever the server is killed while it embeds, each chunk has its own vector in the end."""

import random
import struct
import time
from pathlib import Path

import httpx2
import pytest
from tests.cli.running import WAIT_S, Workplace
from tests.crash.nursery import Life, Nursery
from tests.crash.reading import add_documents, documents, is_read, last_word, rows
from tests.databases import Database

from understudy.engines.lexical import embed
from understudy.retrieval.vectors import text_to_embed

_LOOK_EVERY_S = 0.05
_MOST_KILLS = 3
_LIVES_S = 3.0
"""About how long the documents take to be read; by then a server may also be at rest."""
_CHUNKS = (
    "SELECT f.embedding_model, c.heading, c.text, c.embedding FROM chunks AS c"
    " JOIN vector_store_files AS f ON f.seq = c.file_seq"
)
_INDEXED = (
    "SELECT (SELECT count(*) FROM chunks), (SELECT count(*) FROM chunk_vectors AS v"
    " JOIN chunks AS c ON c.seq = v.seq AND c.file_seq = v.file_seq)"
)


def test_a_killed_server_embeds_on(
    database: Database, nursery: Nursery, rare_seed: int, tmp_path: Path
) -> None:
    workplace = Workplace(tmp_path)
    workplace.environment["UNDERSTUDY_RETRIEVAL__EMBEDDING_MODEL"] = "understudy-lexical"
    if database.url is not None:
        workplace.environment["UNDERSTUDY_DATABASE_URL"] = database.url
    chosen = random.Random(rare_seed)
    with nursery.life(workplace) as server, server.client() as client:
        store_id, names = add_documents(client)
        _kill_within(server, chosen)
    for _ in range(chosen.randrange(_MOST_KILLS)):
        with nursery.life(workplace) as server:
            _kill_within(server, chosen)
    with nursery.life(workplace) as server, server.client() as client:
        _wait_until_read(server, client, store_id)
        for name in names.values():
            if name != "broken.pdf":
                assert name in _nearest_filenames(client, store_id, last_word(name))
        _check_vectors(database)
        assert server.kill() == []
    assert len(names) == len(documents())


def _check_vectors(database: Database) -> None:
    found = rows(database, _CHUNKS)
    assert {model for model, *_ in found} == {"understudy-lexical"}
    for _, heading, text, embedding in found:
        expected = embed(text_to_embed(text, heading))
        stored = struct.unpack(f"<{len(expected)}f", embedding)
        assert stored == pytest.approx(expected, abs=1e-6)
    if database.kind == "postgresql":
        ((chunks, indexed),) = rows(database, _INDEXED)
        assert chunks == indexed == len(found)


def _nearest_filenames(client: httpx2.Client, store_id: str, word: str) -> list[str]:
    weights = {"embedding_weight": 1, "text_weight": 0}
    body = {"query": word, "ranking_options": {"hybrid_search": weights}, "max_num_results": 50}
    answer = client.post(f"/vector_stores/{store_id}/search", json=body)
    assert answer.status_code == 200, answer.text
    return [hit["filename"] for hit in answer.json()["data"]]


def _kill_within(server: Life, chosen: random.Random) -> None:
    moment_s = chosen.uniform(0, _LIVES_S)
    print(f"killed {moment_s:.3f} s after the start")
    server.live_on(moment_s)
    assert server.kill() == []


def _wait_until_read(server: Life, client: httpx2.Client, store_id: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not is_read(client, store_id):
        assert time.monotonic() < deadline_s, server.log
        server.live_on(_LOOK_EVERY_S)
