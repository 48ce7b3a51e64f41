"""The form of a backup: a zip of `manifest.json`, `database.sqlite3` and `blobs/SHA256` for every
content that the database names, whichever kind of database it came from.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from typing import BinaryIO, Literal

import msgspec

FORMAT = "understudy-backup"
VERSION = 1
MANIFEST = "manifest.json"
DATABASE = "database.sqlite3"
BLOBS = "blobs/"
PIECE_BYTES = 1024**2

Report = Callable[[Literal["database", "files"], int, int], None]
"""Called with what is being copied, how many bytes of it are done, and of how many."""


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
