"""Backups taken while clients write and files are read, kills included, bring everything back."""

import hashlib
import random
import subprocess
import time
from pathlib import Path

import httpx2
from tests.cli.running import WAIT_S, Workplace
from tests.crash.nursery import Life, Nursery
from tests.crash.reading import (
    add_documents,
    answer,
    documents,
    filenames_with,
    is_read,
    last_word,
    upload,
)
from tests.databases import Database

_KILLED_BACKUPS = 3
_BACKUP_S = 3.0
_LOOK_EVERY_S = 0.05
_SCORE_DIGITS = 6
"""The digits beyond depend on the order in which a database gives rows to be summed up."""


def test_a_backup_under_writes_comes_back(
    database: Database, nursery: Nursery, rare_seed: int, tmp_path: Path
) -> None:
    workplace, archive = Workplace(tmp_path), tmp_path / "backup.zip"
    if database.url is not None:
        workplace.environment["UNDERSTUDY_DATABASE_URL"] = database.url
    chosen = random.Random(rare_seed)
    with nursery.life(workplace) as server, server.client() as client:
        store, names = add_documents(client)
        for number in range(_KILLED_BACKUPS):
            backup = workplace.start("backup", str(archive))
            upload(client, f"beside-{number}.txt", b"beside %d" % number)
            _kill(backup, chosen.uniform(0, _BACKUP_S))
            archive.unlink(missing_ok=True)
        hashes = _hashes(client)
        backup = workplace.start("backup", str(archive))
        for number in range(20):
            upload(client, f"later-{number}.txt", b"later %d" % number)
        out, err = backup.communicate(timeout=WAIT_S)
        assert (backup.returncode, out) == (0, f"{archive}\n"), err
        _wait_until_read(server, client, store)
        found = _searches(client, store, names)
        assert server.kill() == []
    assert not list(tmp_path.glob(".backup.zip*"))

    # Into another place, always SQLite: an archive is the same whichever database it is from.
    other = Workplace(tmp_path / "other")
    other.folder.mkdir()
    killed = other.start("restore", str(archive), "--force")
    _kill(killed, chosen.uniform(0, _BACKUP_S))
    _restore(other, archive)
    with nursery.life(other) as server:
        _compare(server, store, names, hashes, found)

    # Into the place it came from, which is in use.
    _restore(workplace, archive)
    with nursery.life(workplace) as server:
        _compare(server, store, names, hashes, found)


def _kill(command: "subprocess.Popen[str]", after_s: float) -> None:
    """Kill a command, unless it has ended by then."""
    try:
        command.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        command.kill()
        command.communicate()


def _restore(workplace: Workplace, archive: Path) -> None:
    ran = workplace.run("restore", str(archive), "--force")
    assert ran.code == 0, ran.err


def _compare(
    server: Life,
    store: str,
    names: dict[str, str],
    hashes: dict[str, str],
    found: dict[str, list[tuple[str, float, str]]],
) -> None:
    """See that a server finds every file and content that was there, and the same passages."""
    with server.client() as client:
        restored = _hashes(client)
        assert {id_: restored[id_] for id_ in hashes} == hashes
        _wait_until_read(server, client, store)
        assert _searches(client, store, names) == found
        for name in documents():
            expected = [] if name == "broken.pdf" else [name]
            assert filenames_with(client, store, last_word(name)) == expected
    assert server.kill() == []


def _hashes(client: httpx2.Client) -> dict[str, str]:
    """Return the SHA-256 of every file's content by the file's id."""
    files = answer(client.get("/files"))["data"]
    contents = {file["id"]: client.get(f"/files/{file['id']}/content") for file in files}
    assert {content.status_code for content in contents.values()} == {200}
    return {id_: hashlib.sha256(content.content).hexdigest() for id_, content in contents.items()}


def _searches(
    client: httpx2.Client, store: str, names: dict[str, str]
) -> dict[str, list[tuple[str, float, str]]]:
    """Return what some searches find, in its order: file, score and passage."""
    queries = [*(last_word(name) for name in names.values()), "Which court hears an appeal?"]
    return {query: _found(client, store, query) for query in queries}


def _found(client: httpx2.Client, store: str, query: str) -> list[tuple[str, float, str]]:
    found = answer(client.post(f"/vector_stores/{store}/search", json={"query": query}))["data"]
    return [
        (hit["file_id"], round(hit["score"], _SCORE_DIGITS), hit["content"][0]["text"])
        for hit in found
    ]


def _wait_until_read(server: Life, client: httpx2.Client, store: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not is_read(client, store):
        assert time.monotonic() < deadline_s, server.log
        server.live_on(_LOOK_EVERY_S)
