"""Files in vector stores: what is known of each, and the queue of those still to be read.

Every function works within the transaction of its caller. A worker that reads a file holds a lease
and an attempt number; `hold` begins each of its transactions and tells whether both still stand.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.ids import now_s
from understudy.store.pages import Listing, PageQuery
from understudy.store.schema import chunks, vector_store_files

Status = Literal["in_progress", "completed", "failed", "cancelled"]
LEASE_S = 30
_files = vector_store_files.c
_PER_QUERY = 500
"""Ids in one `IN`: SQLite takes no more than 999 parameters in old releases."""


@dataclass(frozen=True, slots=True)
class FileToAdd:
    """A file to be read into a vector store; the chunk sizes are in tokens."""

    file_id: str
    attributes: dict[str, Any]
    max_tokens: int
    overlap_tokens: int
    param: str = "file_id"
    """Where the request names the file, for the error when there is none."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file in a vector store as clients see it."""

    file_id: str
    vector_store_id: str
    status: Status
    created_at: int
    usage_bytes: int
    attributes: dict[str, Any]
    max_tokens: int
    overlap_tokens: int
    last_error: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Job:
    """A file that this process is to read, under its lease."""

    seq: int
    project_id: str
    vector_store_id: str
    file_id: str
    max_tokens: int
    overlap_tokens: int
    owner: str
    attempt: int
    tries: int
    """Which attempt this is since the file was queued, without those that were given back."""


async def add(
    connection: AsyncConnection, project_id: str, store_id: str, files: Sequence[FileToAdd]
) -> None:
    """Queue files; one that is in the store already is read again if it failed or is cut anew."""
    known = {state.file_id: state for state in await find(connection, store_id, ids_of(files))}
    created_at = now_s()
    for file in {file.file_id: file for file in files}.values():
        values: dict[str, Any] = {
            "attributes": file.attributes,
            "chunking": {"max": file.max_tokens, "overlap": file.overlap_tokens},
        }
        was = known.get(file.file_id)
        if was is None:
            await connection.execute(
                vector_store_files.insert().values(
                    project_id=project_id,
                    vector_store_id=store_id,
                    file_id=file.file_id,
                    status="in_progress",
                    created_at=created_at,
                    **values,
                )
            )
            continue
        is_same = (was.max_tokens, was.overlap_tokens) == (file.max_tokens, file.overlap_tokens)
        if not (is_same and was.status in ("in_progress", "completed")):
            values |= _QUEUED
        await connection.execute(
            update(vector_store_files).where(_is(store_id, file.file_id)).values(**values)
        )


_QUEUED = {
    "status": "in_progress",
    "last_error": None,
    "usage_bytes": 0,
    "attempt": _files.attempt + 1,
    "tries": 0,
    "lease_owner": None,
    "lease_until": None,
}


def ids_of(files: Sequence[FileToAdd]) -> list[str]:
    """Return the ids of `files`, each once, in their order."""
    return list(dict.fromkeys(file.file_id for file in files))


async def find(
    connection: AsyncConnection, store_id: str, file_ids: Sequence[str]
) -> list[FileState]:
    """Return those of the files that are in the store."""
    found = []
    for start in range(0, len(file_ids), _PER_QUERY):
        wanted = select(vector_store_files).where(
            _files.vector_store_id == store_id,
            _files.file_id.in_(file_ids[start : start + _PER_QUERY]),
            _files.deleted_at.is_(None),
        )
        found += [_state(row) for row in await connection.execute(wanted)]
    return found


async def page(
    connection: AsyncConnection,
    store_id: str,
    query: PageQuery,
    *conditions: ColumnElement[bool],
) -> tuple[list[FileState], bool]:
    """Return one page of the store's files that meet `conditions`, and whether there are more."""
    listing = Listing(vector_store_files, _files.vector_store_id == store_id, _files.file_id)
    found = await listing.page(connection, query, *conditions)
    return [_state(row) for row in found.rows], found.has_more


def has_status(status: Status) -> ColumnElement[bool]:
    """Return the condition that a file is in `status`."""
    return _files.status == status


def is_one_of(file_ids: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a file is among these."""
    return _files.file_id.in_(file_ids)


async def count(
    connection: AsyncConnection, store_ids: Sequence[str]
) -> dict[str, tuple[Counter[str], int]]:
    """Return, by store, how many files are in each status and how many bytes they use."""
    counted: dict[str, tuple[Counter[str], int]] = {id_: (Counter(), 0) for id_ in store_ids}
    rows = await connection.execute(
        select(
            _files.vector_store_id,
            _files.status,
            func.count(),
            func.sum(_files.usage_bytes),
        )
        .where(_files.vector_store_id.in_(store_ids), _files.deleted_at.is_(None))
        .group_by(_files.vector_store_id, _files.status)
    )
    for store_id, status, files, size_bytes in rows:
        counts, used_bytes = counted[store_id]
        counts[status] = files
        counted[store_id] = counts, used_bytes + int(size_bytes or 0)
    return counted


async def set_attributes(
    connection: AsyncConnection, store_id: str, file_id: str, attributes: dict[str, Any]
) -> None:
    """Replace the attributes of a file in a store."""
    await connection.execute(
        update(vector_store_files).where(_is(store_id, file_id)).values(attributes=attributes)
    )


async def cancel(connection: AsyncConnection, store_id: str, file_ids: Sequence[str]) -> None:
    """Stop what is not read yet of these files."""
    for start in range(0, len(file_ids), _PER_QUERY):
        await connection.execute(
            update(vector_store_files)
            .where(
                _files.vector_store_id == store_id,
                _files.file_id.in_(file_ids[start : start + _PER_QUERY]),
                _files.status == "in_progress",
                _files.deleted_at.is_(None),
            )
            .values(status="cancelled", lease_owner=None, lease_until=None)
        )


async def remove(connection: AsyncConnection, store_id: str, file_id: str | None = None) -> None:
    """Take a file, or all files, out of a store; their chunks go later, and are not found now."""
    where = _files.vector_store_id == store_id if file_id is None else _is(store_id, file_id)
    await connection.execute(
        update(vector_store_files)
        .where(where, _files.deleted_at.is_(None))
        .values(deleted_at=now_s(), lease_owner=None, lease_until=None)
    )


async def release_leases(connection: AsyncConnection, owner: str) -> None:
    """Give back what a dead process of the same name was reading."""
    await connection.execute(
        update(vector_store_files)
        .where(_files.lease_owner == owner)
        .values(lease_owner=None, lease_until=None)
    )


async def give_back(connection: AsyncConnection, owner: str) -> None:
    """Give back what a process reads that is about to end, as if it had not begun."""
    await connection.execute(
        update(vector_store_files)
        .where(_files.lease_owner == owner, _files.status == "in_progress")
        .values(lease_owner=None, lease_until=None, tries=_files.tries - 1)
    )


async def claim(connection: AsyncConnection, owner: str) -> Job | None:
    """Lease the file that has waited longest, or return None."""
    now = now_s()
    oldest = (
        select(_files.seq)
        .where(
            _files.status == "in_progress",
            _files.deleted_at.is_(None),
            or_(_files.lease_until.is_(None), _files.lease_until < now),
        )
        .order_by(_files.seq)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if (seq := await connection.scalar(oldest)) is None:
        return None
    claimed = (
        update(vector_store_files)
        .where(_files.seq == seq)
        .values(
            lease_owner=owner,
            lease_until=now + LEASE_S,
            attempt=_files.attempt + 1,
            tries=_files.tries + 1,
        )
        .returning(vector_store_files)
    )
    return _job((await connection.execute(claimed)).one())


async def hold(connection: AsyncConnection, job: Job, **values: Any) -> bool:
    """Renew the lease and set `values`; tell whether the job is still this worker's."""
    held = (
        update(vector_store_files)
        .where(
            _files.seq == job.seq,
            _files.lease_owner == job.owner,
            _files.attempt == job.attempt,
            _files.status == "in_progress",
            _files.deleted_at.is_(None),
        )
        .values(**{"lease_until": now_s() + LEASE_S, **values})
        .returning(_files.seq)
    )
    return (await connection.execute(held)).first() is not None


async def find_leftovers(connection: AsyncConnection) -> int | None:
    """Return a row whose chunks are to go: it was removed, or was not read to its end."""
    has_chunks = select(chunks.c.seq).where(chunks.c.file_seq == _files.seq).exists()
    is_over = or_(_files.deleted_at.isnot(None), _files.status.in_(("failed", "cancelled")))
    wanted = select(_files.seq).where(is_over, has_chunks).limit(1)
    found = await connection.scalar(wanted)
    return None if found is None else int(found)


def _is(store_id: str, file_id: str) -> ColumnElement[bool]:
    return and_(
        _files.vector_store_id == store_id,
        _files.file_id == file_id,
        _files.deleted_at.is_(None),
    )


def _state(row: Row[Any]) -> FileState:
    return FileState(
        file_id=row.file_id,
        vector_store_id=row.vector_store_id,
        status=row.status,
        created_at=row.created_at,
        usage_bytes=row.usage_bytes,
        attributes=row.attributes,
        max_tokens=row.chunking["max"],
        overlap_tokens=row.chunking["overlap"],
        last_error=row.last_error,
    )


def _job(row: Row[Any]) -> Job:
    return Job(
        seq=row.seq,
        project_id=row.project_id,
        vector_store_id=row.vector_store_id,
        file_id=row.file_id,
        max_tokens=row.chunking["max"],
        overlap_tokens=row.chunking["overlap"],
        owner=row.lease_owner,
        attempt=row.attempt,
        tries=row.tries,
    )
