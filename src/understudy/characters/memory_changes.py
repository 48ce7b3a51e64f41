"""The rows that tell how a memory came to be: one for each change, with who made it and why."""

from dataclasses import dataclass

import msgspec

from understudy.characters.instances import MEMORY
from understudy.characters.memory import ARCHIVE, Edit
from understudy.ids import new_id, now_s
from understudy.store.objects import Collection, StoredObject
from understudy.wire.memories import MemoryAuthor, MemoryChange

UNDONE = "undone"
"""The status of a change that was taken back, and of what took it back."""
ARCHIVED = "archived"
"""The status of a change that put lines into the archive, by which these are found."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who changes a memory, and the stored message that made them, where there is one."""

    by: MemoryAuthor
    message_id: str | None = None


def changes_of(project_id: str, instance_id: str) -> Collection:
    """Return the changes of an instance's memory."""
    return Collection(project_id, MEMORY, instance_id, noun="memory change")


def new_change(
    instance_id: str, edit: Edit, origin: Origin, undoes: str | None = None
) -> StoredObject:
    """Return the row of a change; `undoes` is the id of the one that it takes back."""
    document = {
        "operation": edit.operation,
        "block": edit.block,
        "removed": list(edit.removed),
        "added": list(edit.added),
        "place": edit.place,
        "by": origin.by,
        "message_id": origin.message_id,
        "undoes": undoes,
        "undone_by": None,
    }
    is_archived = edit.operation == "archive"
    status = UNDONE if undoes else ARCHIVED if is_archived else ""
    id_ = new_id("memory")
    return StoredObject(id_, MEMORY, now_s(), document, parent=instance_id, status=status)


def change_of(row: StoredObject) -> MemoryChange:
    """Return a stored change as clients see it."""
    shown = {name: value for name, value in row.document.items() if name != "place"}
    return msgspec.convert(
        {**shown, "id": row.id, "created_at": row.created_at, "instance_id": row.parent},
        MemoryChange,
    )


def edit_of(row: StoredObject) -> Edit:
    """Return the edit that a stored change made."""
    known = row.document
    return Edit(
        known["operation"],
        known["block"],
        tuple(known["removed"]),
        tuple(known["added"]),
        known["place"],
    )


def kept_lines(row: StoredObject) -> list[str]:
    """Return the lines that a change put into a block or into the archive."""
    is_eviction = row.document["operation"] == "archive" and row.document["block"] != ARCHIVE
    lines: list[str] = row.document["removed"] if is_eviction else row.document["added"]
    return lines
