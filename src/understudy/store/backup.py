"""Writes database and file contents of a running or resting server into one zip. Blocks.

The archive holds `manifest.json`, `database.sqlite3` and `blobs/SHA256` for every content that the
database names.
"""

import hashlib
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from understudy.errors import StartupError
from understudy.ids import now_s
from understudy.store.blobs import Blobs
from understudy.store.location import Location, PostgresDatabase, SqliteFile
from understudy.store.scratch import scratch_folder

FORMAT = "understudy-backup"
VERSION = 1
MANIFEST = "manifest.json"
DATABASE = "database.sqlite3"
BLOBS = "blobs/"
PIECE_BYTES = 1024**2

Report = Callable[[Literal["database", "files"], int, int], None]
"""Called with what is being copied, how many bytes of it are done, and of how many."""

_ATTEMPTS = 5
"""Snapshots taken before a content that is missing counts as lost."""
_PAGES_A_STEP = 4096
_COUNTED = ("objects", "api_keys", "vector_store_files", "chunks")


class Manifest(msgspec.Struct, kw_only=True):
    """What an archive says of itself."""

    format: str
    version: int
    schema: str
    """The revision of the database's tables."""
    created_at: int
    database_sha256: str
    database_size_bytes: int
    blob_count: int
    blob_size_bytes: int
    rows: dict[str, int] = {}
    """Rows of the larger tables, for whoever looks into an archive."""


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
    that exists, for PostgreSQL, and for damaged data.
    """
    database = sqlite_path(location, data_dir)
    if target.exists():
        raise StartupError(f"{target} exists: name another file, or remove it first.")
    try:
        with _held_snapshot(database, data_dir, report) as snapshot:
            return _write_archive(snapshot, target, report)
    except sqlite3.Error as error:
        raise StartupError(f"The database {database} cannot be read ({error}).") from error
    except OSError as error:
        raise StartupError(
            f"The backup cannot be written ({error.strerror}: {error.filename or target}): choose "
            "a folder that you may write to and that has room."
        ) from error


def sqlite_path(location: Location, data_dir: Path) -> Path:
    """Return the database's file; raises StartupError for PostgreSQL, with what to do there."""
    match location:
        case SqliteFile(path):
            return path
        case PostgresDatabase(name=name):
            raise StartupError(
                f"The state is in PostgreSQL, whose own tools copy it. Back up, the database first:"
                f"\n  pg_dump --format=custom --file=understudy.dump {name}"
                f"\n  tar --create --file=blobs.tar --directory={data_dir} blobs"
                "\nRestore, while no server runs:"
                f"\n  pg_restore --clean --if-exists --dbname={name} understudy.dump"
                f"\n  tar --extract --file=blobs.tar --directory={data_dir}"
            )


def named_blobs(database: sqlite3.Connection) -> dict[str, int]:
    """Return size in bytes by SHA-256 of every content that is referred to."""
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'blobs'").fetchone():
        return {}  # a database from before there were files
    return dict(database.execute("SELECT sha256, size_bytes FROM blobs WHERE refs > 0"))


def revision_of(database: sqlite3.Connection) -> str:
    """Return the revision of the tables; raises sqlite3.Error where there are none of ours."""
    row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def copy_hashed(source: BinaryIO, target: BinaryIO, advance: Callable[[int], None]) -> str:
    """Copy to the end and return the SHA-256; `advance` is told of each piece's bytes."""
    sha256 = hashlib.sha256()
    while piece := source.read(PIECE_BYTES):
        sha256.update(piece)
        target.write(piece)
        advance(len(piece))
    return sha256.hexdigest()


class Tally:
    """Adds up the bytes of the files, and reports the sum."""

    def __init__(self, report: Report, total_bytes: int) -> None:
        self._report = report
        self._total_bytes = total_bytes
        self._done_bytes = 0

    def __call__(self, size_bytes: int) -> None:
        """Count some more."""
        self._done_bytes += size_bytes
        self._report("files", self._done_bytes, self._total_bytes)


@contextmanager
def _held_snapshot(database: Path, data_dir: Path, report: Report) -> Iterator[_Snapshot]:
    """Take a snapshot and links to what it names, so that a sweep takes nothing away from it.

    A content that was swept between the two needs a new snapshot, which no longer names it.
    """
    for _ in range(_ATTEMPTS):
        with scratch_folder(data_dir, "backup") as folder:
            snapshot = _take(database, folder, report)
            missing = _hold(Blobs(data_dir / "blobs"), snapshot)
            if missing is None:
                yield snapshot
                return
    raise StartupError(
        f"The content of a file is missing: {missing}. The data directory is damaged; delete the "
        "files that cannot be read, or restore an earlier backup."
    )


def _take(database: Path, folder: Path, report: Report) -> _Snapshot:
    copy = folder / DATABASE
    with (
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        # Within a transaction every step sees one state; otherwise writers would restart the copy.
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_master").fetchone()
        (page_bytes,) = source.execute("PRAGMA page_size").fetchone()

        def stepped(_status: int, remaining: int, total: int) -> None:
            report("database", (total - remaining) * page_bytes, total * page_bytes)

        source.backup(target, pages=_PAGES_A_STEP, progress=stepped)
        target.execute("PRAGMA journal_mode = DELETE")
        return _Snapshot(copy, named_blobs(target), folder)


def _hold(blobs: Blobs, snapshot: _Snapshot) -> str | None:
    """Link every content into the snapshot's folder, or return the first that is gone."""
    for sha256 in snapshot.blobs:
        try:
            os.link(blobs.path(sha256), snapshot.folder / sha256)
        except FileNotFoundError:
            return sha256
    return None


def _write_archive(snapshot: _Snapshot, target: Path, report: Report) -> Manifest:
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                manifest = _fill(archive, snapshot, report)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link replaces nothing that has come to be there meanwhile.
        os.link(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


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
