"""A file whose reading always ends in a kill is given up; the files behind it are read."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx2
from tests.cli.running import WAIT_S, Workplace
from tests.crash.nursery import Life, Nursery
from tests.crash.reading import answer, filenames_with, last_word, prose, rows, upload
from tests.databases import Database

_ATTEMPTS = 6
_LONG = 4_000
"""Paragraphs: read for seconds, so that the kill comes before the end."""
_TIMES = 60
"""How often the long text is in one that takes longer to read than a server may take to stop."""
_LOOK_EVERY_S = 0.02
_TRIES = "SELECT tries FROM vector_store_files ORDER BY seq LIMIT 1"
_CHUNKS = "SELECT count(*) FROM chunks"


def test_a_file_that_kills_its_server_is_given_up(
    database: Database, nursery: Nursery, tmp_path: Path
) -> None:
    workplace = _workplace(database, tmp_path)
    with nursery.life(workplace) as server, server.client() as client:
        long = upload(client, "long.txt", prose(_LONG, "long.txt"))
        short = upload(client, "short.txt", prose(3, "short.txt"))
        store = answer(client.post("/vector_stores", json={"file_ids": [long, short]}))["id"]
        _kill_at_try(server, database, 1)
    for tried in range(2, _ATTEMPTS + 1):
        with nursery.life(workplace) as server:
            _kill_at_try(server, database, tried)
    with nursery.life(workplace) as server, server.client() as client:
        _wait(server, lambda: _status(client, store, short) == "completed")
        given_up = answer(client.get(f"/vector_stores/{store}/files/{long}"))
        assert given_up["status"] == "failed"
        assert given_up["last_error"]["code"] == "server_error"
        assert "given up" in given_up["last_error"]["message"]
        assert filenames_with(client, store, last_word("short.txt")) == ["short.txt"]
        # What the attempts left goes.
        _wait(server, lambda: rows(database, _CHUNKS) == [(1,)])

        answer(client.post(f"/vector_stores/{store}/files", json={"file_id": long}))
        _wait(server, lambda: _status(client, store, long) != "in_progress")
        assert _status(client, store, long) == "completed"
        assert filenames_with(client, store, last_word("long.txt")) == ["long.txt"]


def test_an_ordinary_stop_counts_as_no_attempt(
    database: Database, nursery: Nursery, tmp_path: Path
) -> None:
    workplace = _workplace(database, tmp_path)
    with nursery.life(workplace) as server, server.client() as client:
        longest = upload(client, "longest.txt", _TIMES * prose(_LONG, "longest.txt"))
        answer(client.post("/vector_stores", json={"file_ids": [longest]}))
        _wait(server, lambda: rows(database, _TRIES) == [(1,)])
        server.stop()
    left = "SELECT tries, status, lease_owner, lease_until FROM vector_store_files"
    assert rows(database, left) == [(0, "in_progress", None, None)]


def _workplace(database: Database, folder: Path) -> Workplace:
    workplace = Workplace(folder)
    assert workplace.data_dir == database.data_dir
    if database.url is not None:
        workplace.environment["UNDERSTUDY_DATABASE_URL"] = database.url
    return workplace


def _kill_at_try(server: Life, database: Database, tried: int) -> None:
    _wait(server, lambda: rows(database, _TRIES) == [(tried,)])
    assert server.kill() == []


def _status(client: httpx2.Client, store: str, file: str) -> str:
    return str(answer(client.get(f"/vector_stores/{store}/files/{file}"))["status"])


def _wait(server: Life, is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline_s, server.log
        server.live_on(_LOOK_EVERY_S)
