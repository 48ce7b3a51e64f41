"""Backups of a real data directory, and what a restore makes of good and of bad archives."""

import errno
import hashlib
import json
import os
import sqlite3
import stat
import warnings
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from understudy.errors import StartupError
from understudy.ids import now_s
from understudy.store.archive import DATABASE, MANIFEST
from understudy.store.backup import back_up
from understudy.store.blobs import Blobs, keep
from understudy.store.db import Store, open_store
from understudy.store.keys import create_key, list_keys, project_id
from understudy.store.location import SqliteFile, locate
from understudy.store.lock import try_lock
from understudy.store.restore import is_occupied, restore
from understudy.store.runs import NewRun, claim, insert

# ruff: noqa: ASYNC240 - the work under test blocks as well

pytestmark = pytest.mark.anyio

CONTENTS = (b"first content", b"second content\n" * 100_000, b"")
HASHES = {hashlib.sha256(content).hexdigest(): content for content in CONTENTS}


def silent(what: str, done_bytes: int, total_bytes: int) -> None:
    """Take a report of progress."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "backup.zip"


async def add_contents(store: Store, place: Path, *contents: bytes) -> None:
    blobs = Blobs(place / "blobs")
    for content in contents:
        async with blobs.writing() as writer:
            await writer.write(content)
            blob = await writer.finish()
            async with store.write() as connection:
                await keep(connection, blobs, blob)


async def fill(place: Path) -> None:
    async with open_store(None, place) as store:
        await create_key(store, name="kept")
        await add_contents(store, place, *CONTENTS)


def back_up_from(place: Path, archive: Path) -> None:
    back_up(locate(None, place), place, archive, silent)


def restore_to(place: Path, archive: Path) -> None:
    place.mkdir(mode=0o700, exist_ok=True)
    restore(locate(None, place), place, archive, silent)


async def key_names(place: Path) -> list[str]:
    async with open_store(None, place) as store:
        return [key.name for key in await list_keys(store)]


def contents_of(place: Path) -> dict[str, bytes]:
    files = (path for path in (place / "blobs").rglob("*") if path.is_file())
    return {path.parent.name + path.name: path.read_bytes() for path in files}


async def test_a_backup_brings_back_database_and_contents(
    tmp_path: Path, place: Path, archive: Path
) -> None:
    await fill(place)
    back_up_from(place, archive)
    other = tmp_path / "other"
    restore_to(other, archive)
    assert await key_names(other) == ["kept"]
    assert contents_of(other) == HASHES
    assert stat.S_IMODE((other / "understudy.db").stat().st_mode) == 0o600
    assert {path.name for path in other.iterdir()} <= {"understudy.db", "blobs"}


async def test_work_that_was_under_way_is_taken_up_at_once(
    tmp_path: Path, place: Path, archive: Path
) -> None:
    async with open_store(None, place) as store:
        run = NewRun(
            project_id=await project_id(store),
            id="run_1",
            thread_id="thread_1",
            assistant_id="asst_1",
            status="in_progress",
            created_at=now_s(),
            document={},
            lease_owner="the server that was backed up",
        )
        async with store.write() as connection:
            await insert(connection, run)
    back_up_from(place, archive)
    other = tmp_path / "other"
    restore_to(other, archive)
    async with open_store(None, other) as store, store.write() as connection:
        claimed = await claim(connection, "the restored one", ["in_progress"], 1)
    assert [one.id for one in claimed] == ["run_1"]


async def test_the_archive_says_what_it_holds(place: Path, archive: Path) -> None:
    await fill(place)
    back_up_from(place, archive)
    with zipfile.ZipFile(archive) as found:
        manifest = json.loads(found.read(MANIFEST))
        database = found.read(DATABASE)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert manifest["format"] == "understudy-backup"
    assert manifest["blob_count"] == len(CONTENTS)
    assert manifest["blob_size_bytes"] == sum(map(len, CONTENTS))
    assert manifest["database_sha256"] == hashlib.sha256(database).hexdigest()
    assert manifest["rows"]["api_keys"] == 1
    assert sorted(path.name for path in archive.parent.iterdir()) == ["backup.zip", "data"]
    assert not list(place.glob("backup-*"))


async def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(
    tmp_path: Path, place: Path, archive: Path
) -> None:
    await fill(place)
    async with open_store(None, place) as store:
        back_up_from(place, archive)
        await create_key(store, name="later")
    other = tmp_path / "other"
    restore_to(other, archive)
    assert await key_names(other) == ["kept"]
    assert await key_names(place) == ["kept", "later"]


async def test_a_content_deleted_during_the_backup_is_still_in_it(
    tmp_path: Path, place: Path, archive: Path
) -> None:
    await fill(place)

    def delete_then(what: str, done_bytes: int, total_bytes: int) -> None:
        if what == "files":
            for sha256 in HASHES:
                Blobs(place / "blobs").path(sha256).unlink(missing_ok=True)

    back_up(locate(None, place), place, archive, delete_then)
    other = tmp_path / "other"
    restore_to(other, archive)
    assert contents_of(other) == HASHES


async def test_a_content_swept_after_the_snapshot_leads_to_a_new_snapshot(
    tmp_path: Path, place: Path, archive: Path
) -> None:
    await fill(place)
    swept, *rest = sorted(HASHES)

    def sweep_once(what: str, done_bytes: int, total_bytes: int) -> None:
        # The last step of the copy: what it read is what the snapshot names.
        path = Blobs(place / "blobs").path(swept)
        if what == "database" and done_bytes == total_bytes and path.exists():
            with closing(sqlite3.connect(place / "understudy.db")) as database, database:
                database.execute("DELETE FROM blobs WHERE sha256 = ?", (swept,))
            path.unlink()

    back_up(locate(None, place), place, archive, sweep_once)
    other = tmp_path / "other"
    restore_to(other, archive)
    assert sorted(contents_of(other)) == rest


@pytest.mark.parametrize("harm", ["lost", "changed"])
async def test_damaged_contents_are_told_and_leave_no_archive(
    place: Path, archive: Path, harm: str
) -> None:
    await fill(place)
    path = Blobs(place / "blobs").path(hashlib.sha256(CONTENTS[0]).hexdigest())
    path.unlink() if harm == "lost" else path.write_bytes(b"First content")
    with pytest.raises(StartupError, match=r"missing|damaged"):
        back_up_from(place, archive)
    assert [path.name for path in archive.parent.iterdir()] == ["data"]


async def test_an_existing_file_is_not_replaced(place: Path, archive: Path) -> None:
    await fill(place)
    archive.write_text("mine")
    with pytest.raises(StartupError, match="exists"):
        back_up_from(place, archive)
    assert archive.read_text() == "mine"


async def test_what_a_killed_backup_left_goes_and_one_at_work_stays(
    place: Path, archive: Path
) -> None:
    await fill(place)
    left = archive.with_name(".backup.zip.7.1.partial")
    left.write_bytes(b"half an archive")
    at_work = archive.with_name(".backup.zip.8.1.partial")
    with at_work.open("wb") as file:
        assert try_lock(file.fileno())
        back_up_from(place, archive)
    assert not left.exists()
    assert at_work.exists()


async def test_a_disk_without_links_takes_a_backup(
    place: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(place)
    link = os.link

    def link_within_the_data(source: Path, target: Path) -> None:
        if target == archive:
            raise OSError(errno.EPERM, "Operation not permitted", str(target))
        link(source, target)

    monkeypatch.setattr("understudy.store.backup.os.link", link_within_the_data)
    back_up_from(place, archive)
    assert sorted(path.name for path in archive.parent.iterdir()) == ["backup.zip", "data"]
    assert zipfile.is_zipfile(archive)


# --- archives that are refused ----------------------------------------------------------------


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write the archive anew with other members."""
    with zipfile.ZipFile(archive) as found:
        members = {name: found.read(name) for name in found.namelist()}
    change(members)
    with zipfile.ZipFile(archive, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)


def _with_parent_name(members: dict[str, bytes]) -> None:
    members["../outside"] = b"x"


def _with_absolute_name(members: dict[str, bytes]) -> None:
    members["/tmp/outside"] = b"x"


def _with_nested_parent(members: dict[str, bytes]) -> None:
    members["blobs/../../outside"] = b"x"


def _without_manifest(members: dict[str, bytes]) -> None:
    del members[MANIFEST]


def _without_a_content(members: dict[str, bytes]) -> None:
    del members[next(name for name in members if name.startswith("blobs/"))]


def _with_a_changed_content(members: dict[str, bytes]) -> None:
    name = f"blobs/{hashlib.sha256(CONTENTS[0]).hexdigest()}"
    members[name] = members[name].upper()


def _with_a_changed_database(members: dict[str, bytes]) -> None:
    members[DATABASE] = members[DATABASE][:-1] + b"\xff"


def _changed_manifest(members: dict[str, bytes], **fields: object) -> None:
    members[MANIFEST] = json.dumps({**json.loads(members[MANIFEST]), **fields}).encode()


def _of_a_newer_version(members: dict[str, bytes]) -> None:
    _changed_manifest(members, version=99)


def _with_another_revision(members: dict[str, bytes]) -> None:
    _changed_manifest(members, schema="9999")


def _with_rotten_pages(members: dict[str, bytes]) -> None:
    pages = bytearray(members[DATABASE])
    pages[4096 * 3 : 4096 * 6] = b"\x55" * (4096 * 3)
    members[DATABASE] = bytes(pages)
    _changed_manifest(members, database_sha256=hashlib.sha256(pages).hexdigest())


def _with_content_that_nothing_names(members: dict[str, bytes]) -> None:
    members[f"blobs/{hashlib.sha256(b'stray').hexdigest()}"] = b"stray"
    said = json.loads(members[MANIFEST])
    _changed_manifest(
        members,
        blob_count=said["blob_count"] + 1,
        blob_size_bytes=said["blob_size_bytes"] + len(b"stray"),
    )


BAD = (
    _with_parent_name,
    _with_absolute_name,
    _with_nested_parent,
    _without_manifest,
    _without_a_content,
    _with_a_changed_content,
    _with_a_changed_database,
    _of_a_newer_version,
    _with_another_revision,
    _with_rotten_pages,
    _with_content_that_nothing_names,
)


@pytest.mark.parametrize("change", BAD, ids=lambda change: change.__name__.strip("_"))
async def test_a_bad_archive_changes_nothing(
    tmp_path: Path, place: Path, archive: Path, change: Callable[[dict[str, bytes]], None]
) -> None:
    await fill(place)
    back_up_from(place, archive)
    rewritten(archive, change)
    other = tmp_path / "other"
    async with open_store(None, other) as store:
        await create_key(store, name="old")
        await add_contents(store, other, b"old content")
    with pytest.raises(StartupError, match="nothing was changed"):
        restore_to(other, archive)
    assert await key_names(other) == ["old"]
    assert list(contents_of(other).values()) == [b"old content"]
    assert {path.name for path in other.iterdir()} <= {
        "understudy.db",
        "understudy.db-wal",
        "understudy.db-shm",
        "blobs",
    }
    assert not (tmp_path / "outside").exists()


async def test_links_and_double_names_are_refused(place: Path, archive: Path) -> None:
    await fill(place)
    back_up_from(place, archive)
    link = zipfile.ZipInfo(f"blobs/{'a' * 64}")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as made:
        made.writestr(link, "/etc/passwd")
    with pytest.raises(StartupError, match="link"):
        restore_to(place, archive)
    with warnings.catch_warnings(), zipfile.ZipFile(archive, "a") as made:
        warnings.simplefilter("ignore")
        made.writestr(MANIFEST, "{}")
    with pytest.raises(StartupError, match="twice"):
        restore_to(place, archive)


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_zip_is_refused(place: Path, archive: Path, content: bytes) -> None:
    archive.write_bytes(content)
    with pytest.raises(StartupError, match="no zip file"):
        restore_to(place, archive)
    assert list(place.iterdir()) == []


async def test_more_than_the_disk_holds_is_refused(
    place: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(place)
    back_up_from(place, archive)
    full = type("Usage", (), {"free": 1024**2})()
    monkeypatch.setattr("understudy.store.restore.shutil.disk_usage", lambda _: full)
    with pytest.raises(StartupError, match="make room"):
        restore_to(place, archive)


async def test_an_old_log_is_not_read_into_the_restored_database(
    tmp_path: Path, place: Path, archive: Path
) -> None:
    await fill(place)
    back_up_from(place, archive)
    other = tmp_path / "other"
    async with open_store(None, other) as store:
        await create_key(store, name="old")
        # As a killed server leaves it: what was written last is in the log alone.
        wal = (other / "understudy.db-wal").read_bytes()
        main = (other / "understudy.db").read_bytes()
    (other / "understudy.db").write_bytes(main)
    (other / "understudy.db-wal").write_bytes(wal)
    assert wal
    restore_to(other, archive)
    assert not (other / "understudy.db-wal").exists()
    assert await key_names(other) == ["kept"]


async def test_a_damaged_database_is_moved_aside(place: Path, archive: Path) -> None:
    await fill(place)
    back_up_from(place, archive)
    (place / "understudy.db").write_bytes(b"rubbish" * 1000)
    restore_to(place, archive)
    assert await key_names(place) == ["kept"]
    (aside,) = place.glob("understudy.db.damaged-*[0-9]")
    assert aside.read_bytes() == b"rubbish" * 1000


async def test_a_database_elsewhere_is_put_back_there(
    tmp_path: Path, place: Path, archive: Path
) -> None:
    await fill(place)
    back_up_from(place, archive)
    elsewhere = tmp_path / "elsewhere.db"
    other = tmp_path / "other"
    other.mkdir()
    assert not is_occupied(SqliteFile(elsewhere), other)
    restore(SqliteFile(elsewhere), other, archive, silent)
    assert is_occupied(SqliteFile(elsewhere), other)
    async with open_store(f"sqlite:///{elsewhere}", other) as store:
        assert [key.name for key in await list_keys(store)] == ["kept"]
