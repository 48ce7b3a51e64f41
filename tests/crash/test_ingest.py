"""Whenever the server is killed, what was queued is read to its end, each chunk once."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from tests.cli.running import WAIT_S, Workplace
from tests.crash.nursery import Life, Nursery
from tests.crash.reading import (
    Outcome,
    add_documents,
    chunks_without_file,
    documents,
    file_counts,
    filenames_with,
    indexed_words,
    is_read,
    last_word,
    listed_counts,
    outcome,
    words_to_index,
)
from tests.databases import Database

_MOST_KILLS = 3
_LOOK_EVERY_S = 0.05
_WORKERS = "2"


@dataclass(frozen=True)
class Undisturbed:
    """What becomes of the documents when nobody kills the server, and how long it takes."""

    outcome: Outcome
    start_s: float
    read_s: float


@pytest.fixture(scope="session")
def undisturbed(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    workplace = _workplace(tmp_path_factory.mktemp("undisturbed"))
    database = Database("sqlite", None, workplace.data_dir)
    begun_s = time.monotonic()
    with nursery.life(workplace) as server, server.client() as client:
        store_id, names = add_documents(client)
        queued_s = time.monotonic()
        _wait_until_read(server, client, store_id)
        read_s = time.monotonic()
        made = outcome(client, database, store_id, names)
    return Undisturbed(made, queued_s - begun_s, read_s - queued_s)


def test_every_document_is_read_when_nobody_kills(undisturbed: Undisturbed) -> None:
    completed = {name: ("completed", None) for name in documents() if name != "broken.pdf"}
    assert undisturbed.outcome.statuses == {**completed, "broken.pdf": ("failed", "invalid_file")}
    assert undisturbed.outcome.chunks.keys() == completed.keys()
    for name, chunks in undisturbed.outcome.chunks.items():
        assert [position for position, *_ in chunks] == list(range(len(chunks)))
        assert last_word(name) in chunks[-1][3]


def test_a_killed_server_reads_on(
    database: Database, nursery: Nursery, undisturbed: Undisturbed, seed: int, tmp_path: Path
) -> None:
    workplace = _workplace(tmp_path)
    assert workplace.data_dir == database.data_dir
    if database.url is not None:
        workplace.environment["UNDERSTUDY_DATABASE_URL"] = database.url
    chosen = random.Random(seed)
    with nursery.life(workplace) as server, server.client() as client:
        store_id, names = add_documents(client)
        _kill_within(server, chosen, undisturbed.read_s)
    for _ in range(chosen.randrange(_MOST_KILLS)):
        with nursery.life(workplace) as server:
            _kill_within(server, chosen, undisturbed.start_s + undisturbed.read_s)
    with nursery.life(workplace) as server, server.client() as client:
        _wait_until_read(server, client, store_id)
        assert file_counts(client, store_id) == listed_counts(client, store_id)
        found = outcome(client, database, store_id, names)
        assert found.statuses == undisturbed.outcome.statuses
        assert _sizes(found) == _sizes(undisturbed.outcome)
        assert found.chunks == undisturbed.outcome.chunks
        assert chunks_without_file(database) == 0
        assert indexed_words(database) == words_to_index(database)
        for name in undisturbed.outcome.chunks:
            assert filenames_with(client, store_id, last_word(name)) == [name]
        assert server.kill() == []


def _workplace(folder: Path) -> Workplace:
    workplace = Workplace(folder)
    workplace.environment["UNDERSTUDY_RETRIEVAL__WORKERS"] = _WORKERS
    return workplace


def _sizes(made: Outcome) -> dict[str, int]:
    """Return how many chunks each file has: shorter to read than the chunks when they differ."""
    return {name: len(chunks) for name, chunks in made.chunks.items()}


def _kill_within(server: Life, chosen: random.Random, most_s: float) -> None:
    """Kill the server at a moment chosen by chance, and see that no child outlives it."""
    moment_s = chosen.uniform(0, most_s)
    print(f"killed {moment_s:.3f} s of {most_s:.3f} s after the start")
    server.live_on(moment_s)
    assert server.kill() == []


def _wait_until_read(server: Life, client: httpx2.Client, store_id: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not is_read(client, store_id):
        assert time.monotonic() < deadline_s, server.log
        server.live_on(_LOOK_EVERY_S)
