"""Writes database and file contents of a running or resting server into one archive. Blocks."""

import errno
import glob
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
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
from understudy.store.lock import try_lock
from understudy.store.postgres_copy import copy_out
from understudy.store.scratch import scratch_folder

_ATTEMPTS = 5
"""Snapshots taken before a content that is missing counts as lost."""
_PAGES_A_STEP = 4096
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS})
"""What file systems of memory sticks answer."""
_COUNTED = ("objects", "api_keys", "vector_store_files", "chunks")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    database: Path
    blobs: dict[str, int]
    """Size in bytes by SHA-256."""
    folder: Path
    """Links to these contents, which outlast their deletion."""


def back_up(location: Location, data_dir: Path, target: Path, report: Report) -> Manifest:
    """Write the archive `target`, readable by its owner alone, and return its manifest.

    A server may go on writing meanwhile. Raises StartupError, and leaves no file then, for a target
    that exists, and for damaged data.
    """
    if target.exists():
        raise StartupError(f"{target} exists: name another file, or remove it first.")
    try:
        with _held_snapshot(location, data_dir, report) as snapshot:
            return _write_archive(snapshot, target, report)
    except sqlite3.Error as error:
        raise StartupError(f"The database cannot be read, {location} ({error}).") from error
    except OSError as error:
        raise StartupError(
            f"The backup cannot be written ({error.strerror}: {error.filename or target}): choose "
            "a folder that you may write to and that has room."
        ) from error


@contextmanager
def _held_snapshot(location: Location, data_dir: Path, report: Report) -> Iterator[_Snapshot]:
    """Take a snapshot and links to what it names, so that a sweep takes nothing away from it.

    A content that was swept between the two needs a new snapshot, which no longer names it.
    """
    for _ in range(_ATTEMPTS):
        with scratch_folder(data_dir, "backup") as folder:
            snapshot = _take(location, folder, report)
            missing = _hold(Blobs(data_dir / "blobs"), snapshot)
            if missing is None:
                yield snapshot
                return
    raise StartupError(
        f"The content of a file is missing: {missing}. The data directory is damaged; delete the "
        "files that cannot be read, or restore an earlier backup."
    )


def _take(location: Location, folder: Path, report: Report) -> _Snapshot:
    copy = folder / DATABASE
    match location:
        case SqliteFile(path):
            _copy_sqlite(path, copy, report)
        case PostgresDatabase():
            copy_out(location, copy, report)
    with closing(sqlite3.connect(copy)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        return _Snapshot(copy, named_blobs(database), folder)


def _copy_sqlite(path: Path, copy: Path, report: Report) -> None:
    with (
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        # Within a transaction every step sees one state; otherwise writers would restart the copy.
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_master").fetchone()
        (page_bytes,) = source.execute("PRAGMA page_size").fetchone()

        def stepped(_status: int, remaining: int, total: int) -> None:
            report("database", (total - remaining) * page_bytes, total * page_bytes)

        source.backup(target, pages=_PAGES_A_STEP, progress=stepped)


def _hold(blobs: Blobs, snapshot: _Snapshot) -> str | None:
    """Link every content into the snapshot's folder, or return the first that is gone."""
    for sha256 in snapshot.blobs:
        try:
            os.link(blobs.path(sha256), snapshot.folder / sha256)
        except FileNotFoundError:
            return sha256
    return None


def _write_archive(snapshot: _Snapshot, target: Path, report: Report) -> Manifest:
    _remove_abandoned(target)
    partial = target.with_name(f".{target.name}.{os.getpid()}.{now_s()}.partial")
    try:
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            try_lock(descriptor)  # tells others that this one is not abandoned
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                manifest = _fill(archive, snapshot, report)
            file.flush()
            os.fsync(descriptor)
        _name(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _remove_abandoned(target: Path) -> None:
    """Remove what killed backups to the same name have left."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.partial"):
        with path.open("r+b") as file:
            is_abandoned = try_lock(file.fileno())
        if is_abandoned:
            path.unlink(missing_ok=True)


def _name(partial: Path, target: Path) -> None:
    """Give the archive its name; unlike a rename, a link replaces nothing that is there by now."""
    try:
        os.link(partial, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        partial.rename(target)


def _fill(archive: zipfile.ZipFile, snapshot: _Snapshot, report: Report) -> Manifest:
    total_bytes = sum(snapshot.blobs.values())
    advance = Tally(report, total_bytes)
    database_sha256 = _add(archive, snapshot.database, DATABASE, lambda _: None)
    for sha256 in snapshot.blobs:
        if _add(archive, snapshot.folder / sha256, BLOBS + sha256, advance) != sha256:
            raise StartupError(
                f"The content {sha256} is damaged on the disk: delete the file it belongs to, or "
                "restore an earlier backup."
            )
    with closing(sqlite3.connect(snapshot.database)) as database:
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            schema=revision_of(database),
            created_at=now_s(),
            database_sha256=database_sha256,
            database_size_bytes=snapshot.database.stat().st_size,
            blob_count=len(snapshot.blobs),
            blob_size_bytes=total_bytes,
            rows=_count_rows(database),
        )
    archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def _add(archive: zipfile.ZipFile, source: Path, name: str, advance: Callable[[int], None]) -> str:
    with source.open("rb") as file, archive.open(name, "w", force_zip64=True) as member:
        return copy_hashed(file, member, advance)  # type: ignore[arg-type]


def _count_rows(database: sqlite3.Connection) -> dict[str, int]:
    found = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    return {
        table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in _COUNTED
        if table in found
    }
