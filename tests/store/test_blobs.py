"""Contents of files: there as long as they are referred to, whoever dies or sweeps meanwhile."""

import collections
import hashlib
import os
import time
from pathlib import Path

import anyio
import pytest
from sqlalchemy import select
from tests.databases import Database
from tests.store.killing import CONTENTS, content_of, deaths

from understudy.errors import NotFound
from understudy.store.blobs import ORPHAN_AGE_S, Blob, Blobs, keep, release, sweep
from understudy.store.db import Store
from understudy.store.schema import blobs as table

pytestmark = pytest.mark.anyio

# FIPS 180-2 and RFC 1321 give both for "abc".
ABC_SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
ABC_MD5 = "900150983cd24fb0d6963f7d28e17f72"


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


async def written(store: Store, blobs: Blobs, content: bytes) -> Blob:
    """Keep a content as a caller does."""
    async with blobs.writing() as writer:
        await writer.write(content)
        blob = await writer.finish()
        await blobs.place(blob)
        async with store.write() as connection:
            await keep(connection, blobs, blob)
    return blob


async def released(store: Store, *hashes: str) -> None:
    async with store.write() as connection:
        await release(connection, hashes)


async def references(store: Store) -> dict[str, int]:
    async with store.read() as connection:
        rows = await connection.execute(select(table.c.sha256, table.c.refs))
        return {row.sha256: row.refs for row in rows}


async def read(blobs: Blobs, sha256: str) -> bytes:
    async with blobs.reading(sha256) as pieces:
        return b"".join([piece async for piece in pieces])


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def make_old(path: Path) -> None:
    old = time.time() - ORPHAN_AGE_S - 1
    os.utime(path, (old, old))


async def test_a_content_is_named_by_its_hash(store: Store, blobs: Blobs) -> None:
    blob = await written(store, blobs, b"abc")
    assert (blob.sha256, blob.md5, blob.size_bytes) == (ABC_SHA256, ABC_MD5, 3)
    assert await read(blobs, ABC_SHA256) == b"abc"
    assert await references(store) == {ABC_SHA256: 1}


async def test_pieces_of_every_size_make_one_content(store: Store, blobs: Blobs) -> None:
    pieces = [b"", b"x" * 3_000_000, b"y", os.urandom(1_048_576), b"z" * 1_048_575, b"end"]
    async with blobs.writing() as writer:
        for piece in pieces:
            await writer.write(piece)
        blob = await writer.finish()
        async with store.write() as connection:
            await keep(connection, blobs, blob)
    whole = b"".join(pieces)
    assert (blob.size_bytes, blob.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert await read(blobs, blob.sha256) == whole


async def test_only_the_owner_may_look(store: Store, blobs: Blobs, tmp_path: Path) -> None:
    await written(store, blobs, b"secret")
    found = [tmp_path / "blobs", *(tmp_path / "blobs").rglob("*")]
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in found}
    assert modes == {True: 0o700, False: 0o600}
    assert {path.stat().st_mode & 0o077 for path in found} == {0}


async def test_what_is_not_kept_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="torn"):
        async with blobs.writing() as writer:
            await writer.write(b"x" * 2_000_000)
            raise RuntimeError("torn")
    async with blobs.writing() as writer:
        await writer.write(b"finished, and then refused")
        await writer.finish()
    assert files_in(tmp_path) == []


async def test_a_content_stays_until_its_last_reference(store: Store, blobs: Blobs) -> None:
    first = await written(store, blobs, b"shared")
    second = await written(store, blobs, b"shared")
    assert first.sha256 == second.sha256
    await released(store, first.sha256)
    await sweep(store, blobs)
    assert await read(blobs, first.sha256) == b"shared"
    await released(store, first.sha256)
    await sweep(store, blobs)
    assert await references(store) == {}
    with pytest.raises(NotFound, match="gone"):
        await read(blobs, first.sha256)


async def test_an_absent_content_is_kept_anew(store: Store, blobs: Blobs) -> None:
    async with blobs.writing() as writer:
        await writer.write(b"abc")
        blob = await writer.finish()
        await blobs.place(blob)
        await blobs.remove(blob.sha256)  # as a sweep may, before the row is there
        async with store.write() as connection:
            await keep(connection, blobs, blob)
    assert await read(blobs, blob.sha256) == b"abc"


async def test_a_sweep_removes_only_old_orphans(store: Store, blobs: Blobs, tmp_path: Path) -> None:
    named = await written(store, blobs, b"named")
    orphans = []
    for content in (b"old", b"young"):
        async with blobs.writing() as writer:
            await writer.write(content)
            blob = await writer.finish()
            await blobs.place(blob)
            orphans.append(blobs.path(blob.sha256))
    old, young = orphans
    make_old(old)
    make_old(blobs.path(named.sha256))
    await sweep(store, blobs)
    assert set(files_in(tmp_path / "blobs")) == {young, blobs.path(named.sha256)}
    assert await references(store) == {named.sha256: 1}


async def test_a_sweep_removes_what_dead_writers_left(
    store: Store, blobs: Blobs, tmp_path: Path
) -> None:
    folder = tmp_path / "blobs" / "tmp"
    async with blobs.writing() as writer:
        await writer.write(b"alive")
        (mine,) = folder.iterdir()
        dead, recent = folder / "dead", folder / "recent"
        dead.write_bytes(b"half")
        recent.write_bytes(b"another process may be at it")
        make_old(mine)
        make_old(dead)
        await sweep(store, blobs)
        assert set(folder.iterdir()) == {mine, recent}


@pytest.mark.parametrize("orphan_age_s", [0, ORPHAN_AGE_S])
async def test_sweeps_lose_no_content_that_is_kept_meanwhile(
    database: Database, tmp_path: Path, orphan_age_s: int
) -> None:
    """Writers keep and release the same few contents while two others sweep without a pause."""
    async with database.open() as store, database.open() as other:
        blobs = Blobs(tmp_path / "blobs")
        async with anyio.create_task_group() as sweepers:

            async def sweep_forever(store: Store) -> None:
                while True:
                    await sweep(store, blobs, orphan_age_s=orphan_age_s)

            async def write_often(store: Store, name: int) -> None:
                for number in range(40):
                    content = b"content %d" % (number % 2)
                    blob = await written(store, blobs, content)
                    assert await read(blobs, blob.sha256) == content, (name, number)
                    await released(store, blob.sha256)

            sweepers.start_soon(sweep_forever, store)
            sweepers.start_soon(sweep_forever, other)
            async with anyio.create_task_group() as writers:
                for name in range(4):
                    writers.start_soon(write_often, (store, other)[name % 2], name)
            sweepers.cancel_scope.cancel()
        await sweep(store, blobs)
        assert await references(store) == {}
        assert files_in(tmp_path / "blobs") == []


async def test_kill_9_between_any_two_steps_loses_nothing(database: Database) -> None:
    blobs = Blobs(database.data_dir / "blobs")
    kept = collections.Counter[str]()
    for number, death in enumerate(deaths("blob", database.url, database.data_dir)):
        count = death.said.count(["kept"]) - death.said.count(["releasing"])
        kept[hashlib.sha256(content_of(number)).hexdigest()] += count
    assert number > 20 and not death.was_killed
    async with database.open() as store:
        await sweep(store, blobs, orphan_age_s=0)
        rows = await references(store)
        assert len(kept) == CONTENTS and all(
            rows[sha256] >= count for sha256, count in kept.items()
        )
        assert min(rows.values()) > 0
        left = {path: path.read_bytes() for path in files_in(database.data_dir / "blobs")}
        assert set(left) == {blobs.path(sha256) for sha256 in rows}
        for path, content in left.items():
            assert blobs.path(hashlib.sha256(content).hexdigest()) == path
