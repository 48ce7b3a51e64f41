"""Puts a backup back in place: all of it is judged first, and one step makes it count. Blocks.

That step is a rename for SQLite, a commit for PostgreSQL.

The caller holds the data directory's lock. Nothing is extracted by the names in the archive.
"""

import os
import re
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from understudy.errors import StartupError
from understudy.ids import now_s
from understudy.store.archive import (
    BLOBS,
    DATABASE,
    FORMAT,
    MANIFEST,
    VERSION,
    Manifest,
    Report,
    Tally,
    copy_hashed,
    named_blobs,
    revision_of,
)
from understudy.store.blobs import Blobs
from understudy.store.location import Location, PostgresDatabase, SqliteFile
from understudy.store.migrations import REVISIONS
from understudy.store.postgres_copy import copy_in, has_tables
from understudy.store.scratch import scratch_folder

_MANIFEST_LIMIT_BYTES = 1024**2
_RESERVE_BYTES = 16 * 1024**2
"""Of the disk's free space, what a restore leaves alone."""
_BLOB_NAME = re.compile(re.escape(BLOBS) + "[0-9a-f]{64}")
_ENCRYPTED = 0x1
_BESIDE = ("", "-wal", "-shm")
_OURS = frozenset({"serve.lock"})
_LEASED = frozenset({"runs", "vector_store_files"})
"""The tables of work that a lease gives to one process; an older release may lack one."""


def restore(location: Location, data_dir: Path, source: Path, report: Report) -> Manifest:
    """Replace database and file contents by those of the archive `source`; return its manifest.

    Raises StartupError, and leaves everything as it was, for an archive that is not whole or holds
    what no backup holds. Killed at any moment, it leaves the old state or the new one.
    """
    try:
        with (
            zipfile.ZipFile(source) as archive,
            scratch_folder(data_dir, "restore") as folder,
        ):
            manifest = _judge_members(archive, data_dir)
            staged = _Staged(folder)
            staged.fill(archive, manifest, report)
            staged.check(manifest)
            staged.expire_leases()
            staged.add_contents(Blobs(data_dir / "blobs"))
            match location:
                case SqliteFile(path):
                    staged.exchange(path)
                case PostgresDatabase():
                    staged.load_into(location, report)
            return manifest
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise _refused(f"it is no zip file, or a damaged one ({error})") from error
    except sqlite3.Error as error:
        raise _refused(f"its database cannot be read ({error})") from error
    except OSError as error:
        raise StartupError(
            f"The backup cannot be restored ({error.strerror}: {error.filename or source})."
        ) from error


def is_occupied(location: Location, data_dir: Path) -> bool:
    """Tell whether a restore would replace something. Raises StartupError."""
    match location:
        case SqliteFile(path) if path.exists():
            return True
        case PostgresDatabase() if has_tables(location):
            return True
    return data_dir.is_dir() and any(path.name not in _OURS for path in data_dir.iterdir())


class _Staged:
    """An archive's content in a folder beside the data, before it counts."""

    def __init__(self, folder: Path) -> None:
        self._database = folder / DATABASE
        self._blobs = folder / "blobs"
        self._blobs.mkdir(mode=0o700)

    def fill(self, archive: zipfile.ZipFile, manifest: Manifest, report: Report) -> None:
        """Copy every member to a name of our own, and compare its hash."""
        report("database", 0, manifest.database_size_bytes)
        if _copy(archive, DATABASE, self._database, lambda _: None) != manifest.database_sha256:
            raise _refused("its database has not the hash that the manifest names")
        report("database", manifest.database_size_bytes, manifest.database_size_bytes)
        advance = Tally(report, manifest.blob_size_bytes)
        for name in _blob_names(archive):
            sha256 = name.removeprefix(BLOBS)
            if _copy(archive, name, self._blobs / sha256, advance) != sha256:
                raise _refused(f"the content {sha256} has another hash")

    def check(self, manifest: Manifest) -> None:
        """Raise StartupError unless the database is sound and names the contents that are there."""
        with closing(sqlite3.connect(self._database)) as database:
            (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise _refused(f"its database is damaged ({verdict})")
            revision = revision_of(database)
            named = named_blobs(database)
        if revision != manifest.schema or revision not in REVISIONS:
            raise _refused(
                f"its schema is '{revision}', and this release knows up to '{REVISIONS[-1]}': "
                "install the release that wrote it, or a newer one"
            )
        if named != {path.name: path.stat().st_size for path in self._blobs.iterdir()}:
            raise _refused("the contents in it are not those that its database names")

    def expire_leases(self) -> None:
        """Let what was being worked on when the backup was made be taken up at once.

        Its workers belonged to that server; the restored one would wait for them in vain.
        """
        with closing(sqlite3.connect(self._database)) as database, database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema")}
            for table in _LEASED & tables:
                database.execute(
                    f"UPDATE {table} SET lease_until = 0 WHERE lease_until IS NOT NULL"
                )

    def add_contents(self, blobs: Blobs) -> None:
        """Add the contents to those that are there, which disturbs nobody."""
        for staged in self._blobs.iterdir():
            final = blobs.path(staged.name)
            final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.replace(staged, final)
        _sync_disks()

    def exchange(self, database: Path) -> None:
        """Put the database in the place of the one that is there."""
        near = database.with_name(f"{database.name}.restored")
        shutil.copyfile(self._database, near)  # the database may be on another disk
        near.chmod(0o600)
        try:
            _sync_disks()
            _fold_wal(database)
            os.replace(near, database)
        finally:
            near.unlink(missing_ok=True)
        _sync_disks()

    def load_into(self, database: PostgresDatabase, report: Report) -> None:
        """Replace what PostgreSQL holds, in one transaction."""
        copy_in(database, self._database, report)


def _judge_members(archive: zipfile.ZipFile, data_dir: Path) -> Manifest:
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise _refused("a name is in it twice")
    for member in members:
        if member.filename not in (MANIFEST, DATABASE) and not _BLOB_NAME.fullmatch(
            member.filename
        ):
            raise _refused(f"it holds '{member.filename!a}', which no backup holds")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or member.flag_bits & _ENCRYPTED:
            raise _refused(f"'{member.filename}' is a link or is encrypted")
    if not {MANIFEST, DATABASE} <= set(names):
        raise _refused(f"{MANIFEST} or {DATABASE} is missing in it")
    manifest = _read_manifest(archive)
    _judge_sizes(archive, manifest, data_dir)
    return manifest


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    if archive.getinfo(MANIFEST).file_size > _MANIFEST_LIMIT_BYTES:
        raise _refused("its manifest is too long")
    try:
        manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refused(f"its manifest cannot be read ({error})") from error
    if manifest.format != FORMAT:
        raise _refused("its manifest is of something else")
    if manifest.version != VERSION:
        raise _refused(
            f"it is of version {manifest.version} and this release reads version {VERSION}: "
            "install the release that wrote it"
        )
    return manifest


def _judge_sizes(archive: zipfile.ZipFile, manifest: Manifest, data_dir: Path) -> None:
    """Refuse what the manifest does not announce, and what the disk cannot take."""
    blob_sizes = [archive.getinfo(name).file_size for name in _blob_names(archive)]
    database_bytes = archive.getinfo(DATABASE).file_size
    if (len(blob_sizes), sum(blob_sizes), database_bytes) != (
        manifest.blob_count,
        manifest.blob_size_bytes,
        manifest.database_size_bytes,
    ):
        raise _refused("its members are not those that the manifest counts")
    needed_bytes = 2 * database_bytes + sum(blob_sizes)
    free_bytes = shutil.disk_usage(data_dir).free - _RESERVE_BYTES
    if needed_bytes > free_bytes:
        raise StartupError(
            f"The backup needs {needed_bytes // 1024**2} MiB and the disk of {data_dir} has "
            f"{max(free_bytes, 0) // 1024**2} MiB free: make room, or choose another --data-dir."
        )


def _blob_names(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if name.startswith(BLOBS)]


def _copy(archive: zipfile.ZipFile, name: str, target: Path, advance: Callable[[int], None]) -> str:
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with archive.open(name) as member, os.fdopen(descriptor, "wb") as file:
        return copy_hashed(member, file, advance)  # type: ignore[arg-type]


def _fold_wal(database: Path) -> None:
    """Bring the old database into its one file, since its log must not be read into the new one.

    One that is damaged is moved aside with all that belongs to it.
    """
    if not database.exists():
        for suffix in _BESIDE[1:]:
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        return
    try:
        with closing(sqlite3.connect(database)) as old:
            old.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise StartupError(
            f"The database {database} is in use ({error}): end the process that has it open."
        ) from error
    except sqlite3.DatabaseError:
        for suffix in _BESIDE:
            path = database.with_name(database.name + suffix)
            if path.exists():
                path.rename(database.with_name(f"{database.name}.damaged-{now_s()}{suffix}"))


def _sync_disks() -> None:
    """Wait until the disks have what was written; Windows cannot be asked for that."""
    if hasattr(os, "sync"):
        os.sync()


def _refused(reason: str) -> StartupError:
    return StartupError(f"The backup is refused, and nothing was changed: {reason}.")
