"""A backup or restore that is killed at any of its steps leaves nothing half done."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import anyio.to_thread
import pytest
from tests.databases import Database

from understudy.store.archive import MANIFEST
from understudy.store.backup import back_up
from understudy.store.blobs import Blobs, keep
from understudy.store.keys import create_key, list_keys
from understudy.store.location import locate
from understudy.store.restore import restore
from understudy.store.scratch import sweep_scratch_folders

from .killing_copies import deaths

pytestmark = pytest.mark.anyio

FEWEST_STEPS = 10
State = tuple[list[str], set[bytes]]


def silent(what: str, done_bytes: int, total_bytes: int) -> None:
    """Take a report of progress."""


async def fill(database: Database, name: str) -> None:
    """Put a key and a content of this name into a database."""
    database.data_dir.mkdir(mode=0o700, exist_ok=True)
    blobs = Blobs(database.data_dir / "blobs")
    async with database.open() as store, blobs.writing() as writer:
        await create_key(store, name=name)
        await writer.write(name.encode())
        blob = await writer.finish()
        async with store.write() as connection:
            await keep(connection, blobs, blob)


async def state(database: Database, *contents: str) -> State:
    """Return the names of the keys, and those of the contents that are whole."""
    blobs = Blobs(database.data_dir / "blobs")
    found = set()
    for content in contents:
        path = blobs.path(hashlib.sha256(content.encode()).hexdigest())
        if path.exists():
            found.add(path.read_bytes())
    async with database.open() as store:
        return [key.name for key in await list_keys(store)], found


def left_behind(database: Database) -> list[Path]:
    """Return what is in folders for work in progress, which may be there while they are empty."""
    folders = [*database.data_dir.glob("restore-*"), *database.data_dir.glob("backup-*")]
    return [path for folder in folders for path in folder.iterdir()]


async def copy(work: object, database: Database, archive: Path) -> None:
    location = locate(database.url, database.data_dir)
    await anyio.to_thread.run_sync(work, location, database.data_dir, archive, silent)


async def test_a_killed_restore_leaves_the_old_state_or_the_new(
    database: Database, tmp_path: Path
) -> None:
    archive, old = tmp_path / "backup.zip", tmp_path / "old.zip"
    await fill(database, "new")
    await copy(back_up, database, archive)
    await _begin_anew(database)
    await fill(database, "old")
    await copy(back_up, database, old)
    seen = []
    with deaths("restore", database.url, database.data_dir, archive) as dying:
        for _ in dying:
            names, contents = await state(database, "old", "new")
            assert names in (["old"], ["new"])
            assert names[0].encode() in contents
            seen.append(names[0])
            if names == ["new"]:
                await copy(restore, database, old)
            sweep_scratch_folders(database.data_dir)
            assert left_behind(database) == []
    assert len(seen) > FEWEST_STEPS
    assert seen[0] == "old" and seen[-1] == "new"
    await copy(restore, database, archive)
    assert (await state(database, "new")) == (["new"], {b"new"})


async def test_a_killed_restore_into_nothing_can_be_repeated(
    database: Database, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.zip"
    await fill(database, "new")
    await copy(back_up, database, archive)
    await _begin_anew(database)
    with deaths("restore", database.url, database.data_dir, archive) as dying:
        steps = sum(was_killed for was_killed in dying)
    assert steps > FEWEST_STEPS
    assert (await state(database, "new")) == (["new"], {b"new"})


async def test_a_killed_backup_leaves_no_archive_or_a_whole_one(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    archive = folder / "backup.zip"
    await fill(database, "kept")
    steps = 0
    with deaths("backup", database.url, database.data_dir, archive) as dying:
        for was_killed in dying:
            steps += was_killed
            if archive.exists():
                with zipfile.ZipFile(archive) as made:
                    assert made.testzip() is None
                    assert MANIFEST in made.namelist()
                archive.unlink()
    assert steps > FEWEST_STEPS
    await copy(back_up, database, archive)
    assert [path.name for path in folder.iterdir()] == ["backup.zip"]
    sweep_scratch_folders(database.data_dir)
    assert left_behind(database) == []
    assert (await state(database, "kept")) == (["kept"], {b"kept"})


async def _begin_anew(database: Database) -> None:
    """Empty the data directory, and PostgreSQL's database."""
    shutil.rmtree(database.data_dir)
    database.data_dir.mkdir(mode=0o700)
    if database.url is not None:
        import asyncpg

        connection = await asyncpg.connect(database.url)
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await connection.close()
