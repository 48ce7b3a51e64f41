"""What an import found, sorted in a temporary database on the disk, so that a thread can be taken
as a whole wherever its parts were found, and memory holds one thread at a time.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from understudy.errors import StartupError
from understudy.interchange.kinds import KINDS, Found, Kind, Place, Unreadable

_TABLE = """
CREATE TABLE found (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    line INTEGER NOT NULL,
    fields BLOB NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX found_of_parent ON found (kind, parent, created_at, position);
"""
_COLUMNS = "kind, id, parent, fields, name, line"
_THREADS = """
SELECT id FROM found WHERE kind = 'thread'
UNION SELECT parent FROM found WHERE kind IN ('thread.message', 'thread.run')
ORDER BY 1
"""
_HOMELESS_STEPS = f"""
SELECT {_COLUMNS} FROM found WHERE kind = 'thread.run.step'
AND parent NOT IN (SELECT id FROM found WHERE kind = 'thread.run') ORDER BY position
"""


class Spool:
    """The objects of an import, each once."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.executescript(_TABLE)

    def add(self, found: Found) -> Unreadable | None:
        """Keep an object; return why not if another one of its id was found before."""
        row = {
            "kind": found.kind,
            "key": _key(found),
            "id": found.id,
            "parent": found.parent,
            "created_at": found.created_at,
            "name": found.place.name,
            "line": found.place.line,
            "fields": msgspec.json.encode(found.fields),
        }
        marks = ", ".join(f":{name}" for name in row)
        added = self._database.execute(
            f"INSERT OR IGNORE INTO found ({', '.join(row)}) VALUES ({marks})", row
        )
        return None if added.rowcount else self._difference(found)

    def count(self) -> dict[Kind, int]:
        """Return how many objects there are of each kind."""
        rows = dict(self._database.execute("SELECT kind, count(*) FROM found GROUP BY kind"))
        return {kind: rows.get(kind, 0) for kind in KINDS}

    def of_kind(self, kind: Kind) -> Iterator[Found]:
        """Yield the objects of a kind, in the order in which they were made."""
        yield from self._select("kind = ?", kind)

    def of_parent(self, kind: Kind, parent: str) -> list[Found]:
        """Return the messages or runs of a thread, or the steps of a run, the oldest first."""
        return list(self._select("kind = ? AND parent = ?", kind, parent))

    def find(self, kind: Kind, id_: str) -> Found | None:
        """Return an object."""
        return next(self._select("kind = ? AND key = ?", kind, id_), None)

    def thread_ids(self) -> Iterator[str]:
        """Yield the ids of threads, those too that only their messages or runs name."""
        for (id_,) in self._database.execute(_THREADS):
            yield id_

    def homeless_steps(self) -> Iterator[Found]:
        """Yield the steps whose runs were not found."""
        for row in self._database.execute(_HOMELESS_STEPS):
            yield _found(row)

    def _select(self, condition: str, *values: str) -> Iterator[Found]:
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM found WHERE {condition} ORDER BY created_at, position", values
        )
        for row in rows:
            yield _found(row)

    def _difference(self, found: Found) -> Unreadable | None:
        """Return the error unless the same object is there already."""
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM found WHERE kind = ? AND key = ?", (found.kind, _key(found))
        ).fetchone()
        first = _found(row)
        if first.fields == found.fields:
            return None
        reason = f"the {found.kind} '{found.id}' is another one in {first.place}, which counts"
        return Unreadable(found.place, reason)


@contextmanager
def open_spool() -> Iterator[Spool]:
    """Open an empty spool in the folder for temporary files, which is gone at the end.

    Raises StartupError when it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="understudy-import-") as folder:
        database = sqlite3.connect(Path(folder, "found.db"), isolation_level=None)
        try:
            with closing(database):
                database.execute("PRAGMA synchronous = OFF")
                database.execute("PRAGMA journal_mode = OFF")
                database.execute("BEGIN")
                yield Spool(database)
        except sqlite3.Error as error:
            raise StartupError(
                f"What was found cannot be sorted in {folder} ({error}): make room, or name "
                "another folder for temporary files with TMPDIR."
            ) from error


def _key(found: Found) -> str:
    """Return what tells an object from others of its kind: a file may be in several stores."""
    return f"{found.parent}/{found.id}" if found.kind == "vector_store.file" else found.id


def _found(row: tuple[Kind, str, str, bytes, str, int]) -> Found:
    kind, id_, parent, fields, name, line = row
    return Found(kind, id_, parent, msgspec.json.decode(fields), Place(name, line))
