"""Instances of characters on the wire, with the blocks of their memory. Pure: knows no store."""

import unicodedata
from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from understudy.errors import InvalidValue
from understudy.wire.base import check_shape
from understudy.wire.characters import ModelName, RequestedVoice, check_model
from understudy.wire.metadata import Metadata

INSTANCE_ID = "inst_"
"""What the ids of instances begin with, and no name may."""
NAME_CHARACTERS = 64
BLOCK_LIMIT = 2_000
"""How many characters a block holds unless it says otherwise."""
LARGEST_BLOCK = 100_000
BLOCKS = 20
RESERVED_LABEL = "archive"
"""Stands for the archive where a block is named, so no block has it."""
_IN_NAMES = "._-"
_WORD_CATEGORIES = frozenset("LMN")
"""Letters, marks that go with them, and numbers."""

Label: TypeAlias = Annotated[str, Meta(pattern=r"^[^\W_][\w-]{0,63}(?!\n)$")]
MemoryText: TypeAlias = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
GivenName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS)]


class MemoryBlock(Struct):
    """A labelled part of a memory; `limit` counts characters of `text`."""

    label: Label
    text: MemoryText = ""
    limit: Annotated[int, Meta(ge=1, le=LARGEST_BLOCK)] = BLOCK_LIMIT


RequestedMemory: TypeAlias = MemoryText | Annotated[list[MemoryBlock], Meta(max_length=BLOCKS)]
"""Blocks, or all of them as one text."""


class CreateInstance(Struct):
    """A request for an instance of a character; voice and model override the character's."""

    name: GivenName
    memory: RequestedMemory | None = None
    voice: RequestedVoice | None = None
    model: ModelName | None = None
    metadata: Metadata | None = None


class ModifyInstance(Struct):
    """What an instance can be changed in; null empties a field, absence leaves it."""

    name: GivenName | UnsetType = UNSET
    memory: RequestedMemory | UnsetType | None = UNSET
    voice: RequestedVoice | UnsetType | None = UNSET
    model: ModelName | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET


class Instance(Struct):
    """An instance; null for voice and model means those of its character."""

    id: str
    created_at: int
    character_id: str
    name: str
    memory: list[MemoryBlock]
    thread_id: str
    voice: str | None = None
    model: str | None = None
    metadata: dict[str, str] = {}
    object: Literal["character.instance"] = "character.instance"


class DeletedInstance(Struct):
    """The answer to the deletion of an instance."""

    id: str
    object: Literal["character.instance.deleted"] = "character.instance.deleted"
    deleted: bool = True


def default_memory() -> list[MemoryBlock]:
    """Return the memory that an instance begins with: of the person, and of everything else."""
    return [MemoryBlock("human"), MemoryBlock("notes")]


def parse_create_instance(body: object) -> CreateInstance:
    """Return a request for an instance. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(body, CreateInstance)
    request.name = checked_name(request.name)
    check_model(request.model)
    if isinstance(request.memory, list):
        check_blocks(request.memory)
    return request


def parse_modify_instance(body: object) -> ModifyInstance:
    """Return what a request changes. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(body, ModifyInstance)
    if request.name is not UNSET:
        request.name = checked_name(request.name)
    check_model(request.model)
    if isinstance(request.memory, list):
        check_blocks(request.memory)
    return request


def checked_name(name: str) -> str:
    """Return an instance's name in its normal form.

    Raises InvalidValue for one that could not stand in `instance:NAME`.
    """
    name = normal_name(name)
    if not all(_is_word(character) or character in _IN_NAMES for character in name):
        raise InvalidValue(
            "name",
            "expected letters and digits of any script, '.', '_' and '-', without spaces, since "
            "the name stands in the model name 'instance:NAME'",
        )
    if not _is_word(name[0]) or name.startswith(INSTANCE_ID):
        raise InvalidValue(
            "name", f"expected a letter or a digit first, and not '{INSTANCE_ID}' as ids have it"
        )
    return name


def normal_name(name: str) -> str:
    """Return a name in the one form that names are stored and found in (NFC)."""
    return unicodedata.normalize("NFC", name)


def check_blocks(blocks: list[MemoryBlock]) -> None:
    """Raise InvalidValue for a label that is there twice, or a text over its block's limit."""
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        if block.label == RESERVED_LABEL:
            raise InvalidValue(
                f"memory[{index}].label", "it stands for the archive: choose another"
            )
        if block.label in seen:
            raise InvalidValue(f"memory[{index}].label", f"'{block.label}' is there twice")
        seen.add(block.label)
        if len(block.text) > block.limit:
            raise InvalidValue(
                f"memory[{index}].text",
                f"it has {len(block.text)} characters, and the block '{block.label}' holds "
                f"{block.limit}: shorten it, or raise the block's limit (at most {LARGEST_BLOCK})",
            )


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in _WORD_CATEGORIES
