"""Characters on the wire, and what requests for them may say. Pure: knows neither store nor cards'
files.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from understudy.errors import InvalidValue
from understudy.wire.base import check_shape
from understudy.wire.metadata import Metadata

_NO_NUL = r"^[^\x00]*$"
"""PostgreSQL keeps no NUL."""

NAME_CHARACTERS = 256
TEXT_CHARACTERS = 256_000
GREETINGS = 256
TAGS = 256
KNOWLEDGE = 10
PERSONA_PREFIXES = ("instance:", "character:")
"""What a model's name begins with when a persona answers."""

CharacterName: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=NAME_CHARACTERS, pattern=_NO_NUL)
]
Prose: TypeAlias = Annotated[str, Meta(max_length=TEXT_CHARACTERS, pattern=_NO_NUL)]
Greetings: TypeAlias = Annotated[list[Prose], Meta(max_length=GREETINGS)]
Tag: TypeAlias = Annotated[str, Meta(max_length=256, pattern=_NO_NUL)]
Tags: TypeAlias = Annotated[list[Tag], Meta(max_length=TAGS)]
VoiceName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256, pattern=_NO_NUL)]
ModelName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256, pattern=_NO_NUL)]
StoreId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256, pattern=_NO_NUL)]
Knowledge: TypeAlias = Annotated[list[StoreId], Meta(max_length=KNOWLEDGE)]
CardVersion: TypeAlias = Literal[1, 2, 3]
CardFormat: TypeAlias = Literal["json", "png"]


class VoiceReference(Struct):
    """A voice as newer clients write it."""

    id: VoiceName


RequestedVoice: TypeAlias = VoiceName | VoiceReference


class CreateCharacter(Struct):
    """A request for a character; without a model it answers with the server's default."""

    name: CharacterName
    description: Prose | None = None
    personality: Prose | None = None
    scenario: Prose | None = None
    system_template: Prose | None = None
    post_history_instructions: Prose | None = None
    greeting: Prose | None = None
    alternate_greetings: Greetings | None = None
    example_dialogues: Prose | None = None
    voice: RequestedVoice | None = None
    model: ModelName | None = None
    knowledge: Knowledge | None = None
    tags: Tags | None = None
    metadata: Metadata | None = None


class ModifyCharacter(Struct):
    """What a character can be changed in; null empties a field, absence leaves it."""

    name: CharacterName | UnsetType = UNSET
    description: Prose | UnsetType | None = UNSET
    personality: Prose | UnsetType | None = UNSET
    scenario: Prose | UnsetType | None = UNSET
    system_template: Prose | UnsetType | None = UNSET
    post_history_instructions: Prose | UnsetType | None = UNSET
    greeting: Prose | UnsetType | None = UNSET
    alternate_greetings: Greetings | UnsetType | None = UNSET
    example_dialogues: Prose | UnsetType | None = UNSET
    voice: RequestedVoice | UnsetType | None = UNSET
    model: ModelName | UnsetType | None = UNSET
    knowledge: Knowledge | UnsetType | None = UNSET
    tags: Tags | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET


class ImportedCard(Struct):
    """What is told of the card that a character was imported from; `export` gives it whole."""

    format: CardFormat
    version: CardVersion
    nickname: str = ""
    creator: str = ""
    creator_notes: str = ""
    character_version: str = ""
    lorebook_entries: int = 0


class Character(Struct):
    """A character; texts and lists are empty rather than null."""

    id: str
    created_at: int
    name: str
    description: str = ""
    personality: str = ""
    scenario: str = ""
    system_template: str = ""
    post_history_instructions: str = ""
    greeting: str = ""
    alternate_greetings: list[str] = []
    example_dialogues: str = ""
    voice: str | None = None
    model: str | None = None
    knowledge: list[str] = []
    tags: list[str] = []
    metadata: dict[str, str] = {}
    card: ImportedCard | None = None
    object: Literal["character"] = "character"


class DeletedCharacter(Struct):
    """The answer to the deletion of a character."""

    id: str
    object: Literal["character.deleted"] = "character.deleted"
    deleted: bool = True


def parse_create_character(body: object) -> CreateCharacter:
    """Return a request for a character. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(body, CreateCharacter)
    check_model(request.model)
    return request


def parse_modify_character(body: object) -> ModifyCharacter:
    """Return what a request changes. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(body, ModifyCharacter)
    check_model(request.model)
    return request


def check_model(model: str | UnsetType | None) -> None:
    """Raise InvalidValue for a model that is itself a persona: it could lead back to itself."""
    if isinstance(model, str) and model.startswith(PERSONA_PREFIXES):
        raise InvalidValue("model", "a persona cannot be the model of a persona: name a real model")


def voice_of(requested: object) -> Any:
    """Return a voice by its name, however the request wrote it."""
    return requested.id if isinstance(requested, VoiceReference) else requested
