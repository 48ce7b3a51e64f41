"""Changes of an instance's memory on the wire: what went, what came, and where it was learned."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

MemoryOperation: TypeAlias = Literal["remember", "forget", "replace", "write", "archive", "undo"]
MemoryAuthor: TypeAlias = Literal["model", "rules", "user"]
LineText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4_000, pattern=r"^[^\x00]*$")]


class ShownBlock(Struct):
    """A block, and how many characters of its limit are used."""

    label: str
    text: str
    limit: int
    characters: int


class Memory(Struct):
    """A memory; `text` holds all blocks, as `memory` of an instance can be written."""

    instance_id: str
    text: str
    blocks: list[ShownBlock]
    object: Literal["character.instance.memory"] = "character.instance.memory"


class MemoryChange(Struct):
    """A change: lines of `block` that went, and those that came.

    `message_id` is the message that it was learned from, where that is stored.
    """

    id: str
    created_at: int
    instance_id: str
    operation: MemoryOperation
    block: str
    removed: list[str]
    added: list[str]
    by: MemoryAuthor
    message_id: str | None = None
    undoes: str | None = None
    undone_by: str | None = None
    object: Literal["character.instance.memory_change"] = "character.instance.memory_change"


class MemoryHit(Struct):
    """A line that a search found; `score` is from 0 to 1."""

    text: str
    score: float
    created_at: int
    change_id: str
    message_id: str | None
    is_remembered: bool
    """Whether a block holds it now."""


class AddMemory(Struct):
    """A request to remember a line, in a block or in the archive."""

    text: LineText
    block: Annotated[str, Meta(max_length=64)] | None = None


class UndoMemory(Struct):
    """A request to take a change back: the one of this id, else the last one."""

    change_id: Annotated[str, Meta(max_length=64)] | None = None


class SearchMemory(Struct):
    """A request to search everything that an instance was ever told."""

    query: Annotated[str, Meta(min_length=1, max_length=4_096)]
    limit: Annotated[int, Meta(ge=1, le=50)] = 10
