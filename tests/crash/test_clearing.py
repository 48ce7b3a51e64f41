"""Whenever the server is killed while it clears away, what was deleted goes and the rest stays."""

import random
import time
from pathlib import Path

import httpx2
from tests.cli.running import WAIT_S, Workplace
from tests.crash.nursery import Life, Nursery
from tests.crash.reading import (
    add_documents,
    answer,
    chunks_without_file,
    documents,
    filenames_with,
    indexed_words,
    is_read,
    last_word,
    rows,
    upload,
    words_to_index,
)
from tests.databases import Database

_KILLS = 4
_CLEARING_S = 1.0
_LOOK_EVERY_S = 0.05
_GONE = ("long-0.txt", "long-1.txt")
"""Of their hundreds of chunks some are deleted at a time."""
_LEFT = (
    "SELECT count(*) FROM chunks JOIN vector_store_files AS f ON f.seq = file_seq"
    " WHERE f.deleted_at IS NOT NULL OR f.status = 'failed'"
)


def test_a_killed_server_clears_on(
    database: Database, nursery: Nursery, rare_seed: int, tmp_path: Path
) -> None:
    workplace = Workplace(tmp_path)
    if database.url is not None:
        workplace.environment["UNDERSTUDY_DATABASE_URL"] = database.url
    chosen = random.Random(rare_seed)
    with nursery.life(workplace) as server, server.client() as client:
        store, names = add_documents(client)
        spare = answer(client.post("/vector_stores", json={"file_ids": list(names)}))["id"]
        _wait_until_read(server, client, store)
        _wait_until_read(server, client, spare)
        _delete(client, store, spare, names)
        _kill_soon(server, chosen, _CLEARING_S)
    for _ in range(_KILLS):
        with nursery.life(workplace) as server, server.client():
            _kill_soon(server, chosen, _CLEARING_S)
    with nursery.life(workplace) as server, server.client() as client:
        _wait_until_cleared(server, database, workplace)
        assert chunks_without_file(database) == 0
        assert indexed_words(database) == words_to_index(database)
        kept = [name for name in names.values() if name not in _GONE]
        for file_id, name in names.items():
            content = client.get(f"/files/{file_id}/content")
            found = filenames_with(client, store, last_word(name))
            if name in _GONE:
                assert content.status_code == 404
                assert found == []
            else:
                assert content.content == documents()[name]
                assert found == ([name] if name != "broken.pdf" else [])
        assert _blobs(workplace) == len(kept)
        assert server.kill() == []


def _delete(client: httpx2.Client, store: str, spare: str, names: dict[str, str]) -> None:
    """Delete a vector store, files that are in another one, and files that are in none."""
    answer(client.delete(f"/vector_stores/{spare}"))
    for file_id, name in names.items():
        if name in _GONE:
            answer(client.delete(f"/files/{file_id}"))
    for number in range(20):
        file_id = upload(client, f"extra-{number}.txt", b"extra %d" % number)
        answer(client.delete(f"/files/{file_id}"))


def _kill_soon(server: Life, chosen: random.Random, most_s: float) -> None:
    moment_s = chosen.uniform(0, most_s)
    print(f"killed {moment_s:.3f} s after it began to clear away")
    server.live_on(moment_s)
    assert server.kill() == []


def _wait_until_read(server: Life, client: httpx2.Client, store: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not is_read(client, store):
        assert time.monotonic() < deadline_s, server.log
        server.live_on(_LOOK_EVERY_S)


def _wait_until_cleared(server: Life, database: Database, workplace: Workplace) -> None:
    named = "SELECT count(*) FROM blobs"
    deadline_s = time.monotonic() + WAIT_S
    while rows(database, _LEFT) != [(0,)] or rows(database, named) != [(_blobs(workplace),)]:
        assert time.monotonic() < deadline_s, server.log
        server.live_on(_LOOK_EVERY_S)


def _blobs(workplace: Workplace) -> int:
    """Return how many contents are on the disk, without those that are being written."""
    return sum(path.is_file() for path in workplace.data_dir.glob("blobs/[0-9a-f][0-9a-f]/*"))
