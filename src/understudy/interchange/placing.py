"""Objects into the store: what is new is inserted, what is there is compared and stays.

Every function works within the transaction of its caller.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import Conflict
from understudy.ids import now_s
from understudy.interchange.plain import named_store
from understudy.interchange.report import Outcome
from understudy.interchange.shapes import OURS, Fields
from understudy.retrieval.chunk import Chunking
from understudy.retrieval.vector_stores import KIND as VECTOR_STORE
from understudy.runs.tool_resources import Resources
from understudy.store.blobs import NO_CONTENT
from understudy.store.files import KIND as FILE
from understudy.store.objects import Collection, StoredObject, stored
from understudy.store.schema import objects, projects, vector_store_files

_PER_QUERY = 500
"""Ids in one query: databases limit how many."""
_CHANGES_BY_ITSELF = frozenset({OURS, "last_active_at", "expires_at"})
_UNREAD = {
    "code": "invalid_file",
    "message": "The content of the file was not in the import: send the file again.",
}
_members = vector_store_files.c


async def find_rows(
    connection: AsyncConnection, table: Table, project_id: str, ids: Sequence[str]
) -> dict[str, Row[Any]]:
    """Return the rows of a table that have these ids, deleted ones too."""
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(ids), _PER_QUERY):
        wanted = select(table).where(
            table.c.project_id == project_id, table.c.id.in_(ids[start : start + _PER_QUERY])
        )
        found |= {row.id: row for row in await connection.execute(wanted)}
    return found


async def find_object(
    connection: AsyncConnection, project_id: str, made: StoredObject
) -> Row[Any] | None:
    """Return the row with an object's id. Raises Conflict where that means something else here."""
    row = (await find_rows(connection, objects, project_id, [made.id])).get(made.id)
    if row is not None and row.kind != made.kind:
        raise Conflict(f"'{made.id}' is the id of a {row.kind} here")
    if row is None and made.kind == VECTOR_STORE:
        await _refuse_foreign(connection, project_id, made.id)
    return row


async def place_object(
    connection: AsyncConnection,
    project_id: str,
    made: StoredObject,
    show: Callable[[StoredObject], Fields],
) -> Outcome:
    """Insert an object unless its id is there; `show` tells what counts in a comparison.

    Raises Conflict for an id of another kind of object.
    """
    row = await find_object(connection, project_id, made)
    if row is None:
        await Collection(project_id, made.kind, noun=made.kind).insert(connection, made)
        return "new"
    if row.deleted_at is not None:
        return "kept"
    return compared(show(stored(row)), show(made))


def compared(here: Fields, imported: Fields) -> Outcome:
    """Return what becomes of an object that is there."""
    names = (here.keys() | imported.keys()) - _CHANGES_BY_ITSELF
    is_same = all(here.get(name) == imported.get(name) for name in names)
    return "already_there" if is_same else "kept"


async def _refuse_foreign(connection: AsyncConnection, project_id: str, store_id: str) -> None:
    """Raise Conflict for another project's store: its files are found by its id alone."""
    others = select(projects.c.id).where(projects.c.id != project_id)
    wanted = select(objects.c.seq).where(
        objects.c.project_id.in_(others), objects.c.id == store_id, objects.c.kind == VECTOR_STORE
    )
    if (await connection.execute(wanted)).first() is not None:
        raise Conflict("another project has the vector store of this id, and only one can")


# --- files in vector stores -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Member:
    """A file for a vector store."""

    store_id: str
    file_id: str
    created_at: int = field(default_factory=now_s)
    attributes: Fields = field(default_factory=dict)
    chunking: Chunking = field(default_factory=Chunking)


async def place_member(connection: AsyncConnection, project_id: str, member: Member) -> Outcome:
    """Queue a file to be read into a store, unless it is there; a store that is not is made.

    A file without content has failed.
    """
    if not await _is_there(connection, project_id, member.store_id):
        return "kept"
    row = (await connection.execute(select(vector_store_files).where(_is(member)))).first()
    if row is not None:
        return "already_there" if row.attributes == member.attributes else "kept"
    has_content = await _has_content(connection, project_id, member.file_id)
    sizes = {"max": member.chunking.max_tokens, "overlap": member.chunking.overlap_tokens}
    await connection.execute(
        vector_store_files.insert().values(
            project_id=project_id,
            vector_store_id=member.store_id,
            file_id=member.file_id,
            status="in_progress" if has_content else "failed",
            last_error=None if has_content else _UNREAD,
            created_at=member.created_at,
            attributes=member.attributes,
            chunking=sizes,
        )
    )
    return "new"


async def feed(
    connection: AsyncConnection, project_id: str, resources: Resources, file_ids: Iterable[str]
) -> None:
    """Queue those of the files that are there for the store that is searched."""
    wanted = list(dict.fromkeys(file_ids))
    present = await Collection(project_id, FILE).find_all(connection, wanted)
    with suppress(Conflict):  # a store of another project is not searched
        await _is_there(connection, project_id, resources.store_ids[0])
        for file_id in wanted:
            if file_id in present:
                await place_member(connection, project_id, Member(resources.store_ids[0], file_id))


async def queue_again(connection: AsyncConnection, project_id: str, file_id: str) -> None:
    """Queue a file, whose content has come now, in every store where it failed for want of it."""
    await connection.execute(
        update(vector_store_files)
        .where(
            _members.project_id == project_id,
            _members.file_id == file_id,
            _members.status == "failed",
            _members.deleted_at.is_(None),
        )
        .values(status="in_progress", last_error=None, tries=0)
    )


async def _is_there(connection: AsyncConnection, project_id: str, store_id: str) -> bool:
    """Tell whether a store can take files; one that was only named so far is made."""
    made = named_store(store_id)
    row = await find_object(connection, project_id, made)
    if row is None:
        await Collection(project_id, made.kind, noun=made.kind).insert(connection, made)
    return row is None or row.deleted_at is None


async def _has_content(connection: AsyncConnection, project_id: str, file_id: str) -> bool:
    found = await Collection(project_id, FILE).find_all(connection, [file_id])
    return file_id in found and found[file_id].document["sha256"] != NO_CONTENT


def _is(member: Member) -> Any:
    return (
        (_members.vector_store_id == member.store_id)
        & (_members.file_id == member.file_id)
        & _members.deleted_at.is_(None)
    )
