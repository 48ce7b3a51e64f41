"""Characters: making, changing, importing, exporting and deleting them. Knows no HTTP."""

from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.characters.card_files import CardFile, read_card_file, write_card_file
from understudy.characters.lore import Lorebook, read_book
from understudy.errors import Conflict, NotFound
from understudy.ids import derived_id, new_id, now_s
from understudy.retrieval.vector_stores import KIND as VECTOR_STORE
from understudy.store.blobs import Blob, keep, release
from understudy.store.idempotency import Creation
from understudy.store.objects import Collection, StoredObject
from understudy.store.pages import PageQuery
from understudy.store.storage import Storage
from understudy.wire.base import check_shape
from understudy.wire.characters import (
    CardFormat,
    CardVersion,
    Character,
    CreateCharacter,
    ImportedCard,
    ModifyCharacter,
    voice_of,
)

CHARACTER = "character"
"""The kind of the objects that are characters."""
INSTANCE = "instance"
"""The kind of their instances; the parent of one is its character."""
_LORE = "character.lore"
"""The kind of the lorebooks, apart from their characters since only prompts need them."""
_PLAINEST_VERSION: CardVersion = 2
"""What a character is exported as that no card was imported for: most programs read it."""
_NOTES_CHARACTERS = 4_000
"""How much is shown of the notes on a card; its export has all."""
_CARD_FIELDS = (
    "name",
    "description",
    "personality",
    "scenario",
    "system_template",
    "post_history_instructions",
    "greeting",
    "alternate_greetings",
    "example_dialogues",
    "tags",
)
_FIELDS = (*_CARD_FIELDS, "voice", "model", "knowledge", "metadata")
_EMPTY: dict[str, Any] = {
    "alternate_greetings": [],
    "tags": [],
    "knowledge": [],
    "metadata": {},
    "voice": None,
    "model": None,
}
"""What null means where it does not mean an empty text."""


@dataclass(frozen=True, slots=True)
class ExportedCard:
    """A card as a file."""

    name: str
    content: bytes


def characters_of(project_id: str) -> Collection:
    """Return the characters of a project."""
    return Collection(project_id, CHARACTER, noun="character")


def character_of(stored: StoredObject) -> Character:
    """Return a stored character as clients see it."""
    document = {**stored.document, "id": stored.id, "created_at": stored.created_at}
    return msgspec.convert(document, Character)


async def lorebook_of(
    connection: AsyncConnection, project_id: str, character_id: str
) -> Lorebook | None:
    """Return what is used of the lorebook that came with a character's card, if one did."""
    id_ = derived_id("lore", character_id)
    found = await _lorebooks(project_id).find_all(connection, [id_])
    return msgspec.convert(found[id_].document, Lorebook) if id_ in found else None


class Characters:
    """The characters of one project. Methods raise NotFound for what it does not have."""

    def __init__(self, storage: Storage, project_id: str) -> None:
        self._storage = storage
        self._project_id = project_id
        self._characters = characters_of(project_id)

    async def create(self, creation: Creation, wanted: CreateCharacter) -> Character:
        """Make a character. Raises NotFound for a vector store that is not there."""
        id_ = new_id("char")
        async with self._storage.database.write() as connection:
            if earlier := await creation.claim(connection, id_):
                return character_of(await self._characters.find(connection, earlier))
            document = {**_values(wanted), "card": None}
            await self._check_knowledge(connection, document["knowledge"])
            made = StoredObject(id_, CHARACTER, now_s(), document)
            await self._characters.insert(connection, made)
        return character_of(made)

    async def import_card(self, creation: Creation, file: CardFile, blob: Blob) -> Character:
        """Make a character of a card, within the block of the writer that wrote its file.

        Raises InvalidRequest for a card whose fields no character can have.
        """
        id_ = new_id("char")
        wanted = check_shape(dict(file.card.fields), CreateCharacter)
        document = {**_values(wanted), "card": {**_told(file), "sha256": blob.sha256}}
        await self._storage.blobs.place(blob)
        async with self._storage.database.write() as connection:
            if earlier := await creation.claim(connection, id_):
                return character_of(await self._characters.find(connection, earlier))
            await keep(connection, self._storage.blobs, blob)
            made = StoredObject(id_, CHARACTER, now_s(), document)
            await self._characters.insert(connection, made)
            await self._keep_lore(connection, id_, read_book(file.card.book))
        return character_of(made)

    async def find(self, id_: str) -> Character:
        """Return a character."""
        async with self._storage.database.read() as connection:
            return character_of(await self._characters.find(connection, id_))

    async def page(self, query: PageQuery) -> tuple[list[Character], bool]:
        """Return one page of the characters, and whether there are more."""
        async with self._storage.database.read() as connection:
            found = await self._characters.page(connection, query)
        return [character_of(stored) for stored in found.objects], found.has_more

    async def modify(self, id_: str, wanted: ModifyCharacter) -> Character:
        """Change what the request names. Raises NotFound for a vector store that is not there."""
        values = _values(wanted)
        async with self._storage.database.write() as connection:
            was = await self._characters.find(connection, id_, for_update=True)
            await self._check_knowledge(connection, values.get("knowledge", []))
            document = {**was.document, **values}
            return character_of(await self._characters.update(connection, id_, document=document))

    async def delete(self, id_: str) -> None:
        """Delete a character and its card. Raises Conflict while it has instances."""
        async with self._storage.database.write() as connection:
            was = await self._characters.find(connection, id_, for_update=True)
            instances = Collection(self._project_id, INSTANCE, id_)
            found = await instances.page(connection, PageQuery(limit=1))
            if found.objects:
                raise Conflict(
                    f"The character '{id_}' has instances, '{found.objects[0].name}' among them. "
                    "Delete them first, or all at once with '?cascade=true'.",
                    code="character_in_use",
                )
            await self._characters.delete(connection, id_)
            if was.document["card"] is not None:
                await release(connection, [was.document["card"]["sha256"]])
                await self._drop_lore(connection, id_)

    async def export(
        self, id_: str, format_: CardFormat, version: CardVersion | None
    ) -> ExportedCard:
        """Return a character as a card, by default of the version that it was imported in."""
        async with self._storage.database.read() as connection:
            found = await self._characters.find(connection, id_)
        card = found.document["card"]
        imported = None if card is None else await self._file(card["sha256"])
        if version is None:
            version = imported.card.version if imported else _PLAINEST_VERSION
        fields = {name: found.document[name] for name in _CARD_FIELDS}
        content = await anyio.to_thread.run_sync(
            write_card_file, fields, version, format_, imported
        )
        return ExportedCard(f"{found.document['name']}.{format_}", content)

    async def _file(self, sha256: str) -> CardFile:
        """Return the file that a character was imported from."""
        async with self._storage.blobs.reading(sha256) as pieces:
            content = b"".join([piece async for piece in pieces])
        return await anyio.to_thread.run_sync(read_card_file, content)

    async def _check_knowledge(self, connection: AsyncConnection, ids: list[str]) -> None:
        stores = Collection(self._project_id, VECTOR_STORE, noun="vector store")
        found = await stores.find_all(connection, ids)
        for index, id_ in enumerate(ids):
            if id_ not in found:
                message = stores.not_found(id_).message
                raise NotFound(message, param=f"knowledge[{index}]", code="not_found")

    async def _keep_lore(self, connection: AsyncConnection, id_: str, book: Lorebook) -> None:
        if not book.entries:
            return
        lore = StoredObject(
            derived_id("lore", id_), _LORE, now_s(), msgspec.to_builtins(book), parent=id_
        )
        await _lorebooks(self._project_id).insert(connection, lore)

    async def _drop_lore(self, connection: AsyncConnection, id_: str) -> None:
        lorebooks = _lorebooks(self._project_id)
        lore_id = derived_id("lore", id_)
        if await lorebooks.find_all(connection, [lore_id]):
            await lorebooks.delete(connection, lore_id)


def _lorebooks(project_id: str) -> Collection:
    return Collection(project_id, _LORE, noun="lorebook")


def _values(wanted: CreateCharacter | ModifyCharacter) -> dict[str, Any]:
    """Return the fields that a request gives, as they are stored."""
    given = {name: getattr(wanted, name) for name in _FIELDS}
    given["voice"] = voice_of(given["voice"])
    return {
        name: _EMPTY.get(name, "") if value is None else value
        for name, value in given.items()
        if value is not UNSET
    }


def _told(file: CardFile) -> dict[str, Any]:
    """Return what is told of a card beside the character that was made of it."""
    card = file.card
    about = ImportedCard(
        format=file.format,
        version=card.version,
        nickname=_shown(card.nickname),
        creator=_shown(card.creator),
        creator_notes=_shown(card.creator_notes),
        character_version=_shown(card.character_version),
        lorebook_entries=len(read_book(card.book).entries),
    )
    told: dict[str, Any] = msgspec.to_builtins(about)
    return told


def _shown(text: str) -> str:
    return text.replace("\0", "")[:_NOTES_CHARACTERS]
