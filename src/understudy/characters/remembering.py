"""The memory of an instance as it is stored: its blocks, and a row for each change of them.

A change and its row are one transaction, in which the instance is locked. What is worth a change is
decided elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.characters import archive
from understudy.characters.instances import find_instance, instances_of
from understudy.characters.memory import Block, Blocks, Edit, apply, as_text, written
from understudy.characters.memory_changes import (
    ARCHIVED,
    UNDONE,
    Origin,
    change_of,
    changes_of,
    edit_of,
    kept_lines,
    new_change,
)
from understudy.errors import Conflict, NotFound
from understudy.store.objects import StoredObject
from understudy.store.pages import PageQuery
from understudy.store.schema import objects
from understudy.store.storage import Storage
from understudy.wire.memories import Memory, MemoryChange, MemoryHit, ShownBlock

_SEARCHED = 2_000
"""How many of the newest changes a search looks at."""

Decide = Callable[[Blocks], Sequence[Edit]]
"""Says what is to be changed in the blocks as they are now."""


def blocks_of(instance: StoredObject) -> Blocks:
    """Return the blocks of a stored instance."""
    return tuple(Block(**block) for block in instance.document["memory"])


def with_blocks(document: dict[str, Any], blocks: Blocks) -> dict[str, Any]:
    """Return the document of an instance with these blocks."""
    return {**document, "memory": [msgspec.to_builtins(block) for block in blocks]}


class Memories:
    """The memories of one project's instances. Methods raise NotFound for an unknown instance."""

    def __init__(self, storage: Storage, project_id: str) -> None:
        self._storage = storage
        self._project_id = project_id

    async def change(
        self, instance_id: str, decide: Decide, origin: Origin
    ) -> tuple[Blocks, list[MemoryChange]]:
        """Make the edits that `decide` returns; return the blocks after them, and the changes.

        Raises MemoryFull, or Conflict for lines that are not there, and then changes nothing.
        """
        async with self._storage.database.write() as connection:
            was = await find_instance(connection, self._project_id, instance_id, for_update=True)
            blocks = blocks_of(was)
            edits = decide(blocks)
            for edit in edits:
                blocks = apply(blocks, edit)
            if not edits:
                return blocks, []
            rows = [new_change(was.id, edit, origin) for edit in edits]
            await self._write(connection, was, blocks, rows)
        return blocks, [change_of(row) for row in rows]

    async def shown(self, instance_id: str) -> Memory:
        """Return a memory as blocks and as one text."""
        async with self._storage.database.read() as connection:
            was = await find_instance(connection, self._project_id, instance_id)
        blocks = blocks_of(was)
        shown = [ShownBlock(b.label, b.text, b.limit, len(b.text)) for b in blocks]
        return Memory(was.id, as_text(blocks), shown)

    async def record(
        self, connection: AsyncConnection, instance_id: str, before: Blocks, after: Blocks
    ) -> None:
        """Note, in the transaction that does so, that a person wrote `after` for `before`."""
        for edit in written(before, after):
            row = new_change(instance_id, edit, Origin("user"))
            await changes_of(self._project_id, instance_id).insert(connection, row)

    async def undo(self, instance_id: str, change_id: str | None) -> MemoryChange:
        """Take a change back, the last one where none is named; return the change that does.

        Raises Conflict for one that was undone, or whose lines have changed since.
        """
        async with self._storage.database.write() as connection:
            was = await find_instance(connection, self._project_id, instance_id, for_update=True)
            undone = await self._to_undo(connection, was.id, change_id)
            if undone.status == UNDONE:
                raise Conflict(
                    f"The change '{undone.id}' was undone already.", code="already_undone"
                )
            edit = edit_of(undone).inverse()
            blocks = apply(blocks_of(was), edit)
            row = new_change(was.id, edit, Origin("user"), undoes=undone.id)
            await self._write(connection, was, blocks, [row])
            document = {**undone.document, "undone_by": row.id}
            rows = changes_of(self._project_id, was.id)
            await rows.update(connection, undone.id, document=document, status=UNDONE)
        return change_of(row)

    async def page(self, instance_id: str, query: PageQuery) -> tuple[list[MemoryChange], bool]:
        """Return one page of the changes, and whether there are more."""
        async with self._storage.database.read() as connection:
            was = await find_instance(connection, self._project_id, instance_id)
            found = await changes_of(self._project_id, was.id).page(connection, query)
        return [change_of(row) for row in found.objects], found.has_more

    async def learned_from(
        self, instance_id: str, message_id: str, limit: int
    ) -> list[MemoryChange]:
        """Return the newest changes that a message made, in their order."""
        async with self._storage.database.read() as connection:
            found = await changes_of(self._project_id, instance_id).page(
                connection, PageQuery(limit=limit)
            )
        changes = [change_of(row) for row in reversed(found.objects)]
        return [change for change in changes if change.message_id == message_id]

    async def search(self, instance_id: str, query: str, limit: int) -> list[MemoryHit]:
        """Return the lines ever remembered or archived that are about `query`, best first."""
        async with self._storage.database.read() as connection:
            was = await find_instance(connection, self._project_id, instance_id)
            rows = await self._newest(connection, was.id, objects.c.status != UNDONE)
        now = {line for block in blocks_of(was) for line in block.lines}
        lines = {line: row for row in rows for line in kept_lines(row)}
        texts = list(lines)
        return [
            MemoryHit(
                text=texts[place],
                score=round(score, 4),
                created_at=lines[texts[place]].created_at,
                change_id=lines[texts[place]].id,
                message_id=lines[texts[place]].document["message_id"],
                is_remembered=texts[place] in now,
            )
            for place, score in archive.best(query, texts, limit)
        ]

    async def archived(self, instance_id: str, query: str, limit: int) -> list[str]:
        """Return the archived lines that are about `query` and in no block, oldest first."""
        async with self._storage.database.read() as connection:
            was = await find_instance(connection, self._project_id, instance_id)
            rows = await self._newest(connection, was.id, objects.c.status == ARCHIVED)
        now = {line for block in blocks_of(was) for line in block.lines}
        lines = [line for row in reversed(rows) for line in kept_lines(row) if line not in now]
        places = sorted(place for place, _ in archive.best(query, lines, limit))
        return [lines[place] for place in places]

    async def _newest(
        self, connection: AsyncConnection, instance_id: str, wanted: ColumnElement[bool]
    ) -> list[StoredObject]:
        rows = changes_of(self._project_id, instance_id)
        return (await rows.page(connection, PageQuery(limit=_SEARCHED), wanted)).objects

    async def _to_undo(
        self, connection: AsyncConnection, instance_id: str, change_id: str | None
    ) -> StoredObject:
        rows = changes_of(self._project_id, instance_id)
        if change_id is not None:
            return await rows.find(connection, change_id, for_update=True)
        page = await rows.page(connection, PageQuery(limit=1), objects.c.status != UNDONE)
        if not page.objects:
            raise NotFound("The memory has no change that could be undone.", code="not_found")
        return page.objects[0]

    async def _write(
        self,
        connection: AsyncConnection,
        was: StoredObject,
        blocks: Blocks,
        rows: Sequence[StoredObject],
    ) -> None:
        document = with_blocks(was.document, blocks)
        await instances_of(self._project_id).update(connection, was.id, document=document)
        for row in rows:
            await changes_of(self._project_id, was.id).insert(connection, row)
