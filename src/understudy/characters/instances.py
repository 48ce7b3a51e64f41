"""Instances of characters: making, changing and deleting them, each with a thread and a memory."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.characters.characters import INSTANCE, characters_of
from understudy.characters.memory import Block, Blocks, from_text
from understudy.errors import Conflict, NotFound
from understudy.ids import new_id, now_s
from understudy.runs.stream import Streams
from understudy.runs.threads import EndedRun, delete_thread, insert_thread
from understudy.store.idempotency import Creation
from understudy.store.objects import Collection, StoredObject
from understudy.store.pages import PageQuery
from understudy.store.schema import objects
from understudy.store.storage import Storage
from understudy.wire.characters import voice_of
from understudy.wire.instances import (
    INSTANCE_ID,
    CreateInstance,
    Instance,
    MemoryBlock,
    ModifyInstance,
    RequestedMemory,
    default_memory,
    normal_name,
)
from understudy.wire.threads import CreateThread

Recorder = Callable[[AsyncConnection, str, Blocks, Blocks], Awaitable[None]]
"""Takes the id of an instance, and its memory before and after."""
MEMORY = "memory"
"""The kind of the rows that tell how a memory came to be; their parent is the instance."""
_PLAIN_FIELDS = ("voice", "model", "metadata")
_AT_ONCE = 100


def instances_of(project_id: str, character_id: str | None = None) -> Collection:
    """Return the instances of a project, or those of one character."""
    return Collection(project_id, INSTANCE, character_id, noun="instance")


def instance_of(stored: StoredObject) -> Instance:
    """Return a stored instance as clients see it."""
    return msgspec.convert(
        {
            **stored.document,
            "id": stored.id,
            "created_at": stored.created_at,
            "character_id": stored.parent,
            "name": stored.name,
        },
        Instance,
    )


async def find_instance(
    connection: AsyncConnection, project_id: str, reference: str, *, for_update: bool = False
) -> StoredObject:
    """Return an instance by its id or by its name. Raises NotFound."""
    instances = instances_of(project_id)
    if not reference.startswith(INSTANCE_ID):
        if (named := await _named(connection, project_id, reference)) is None:
            raise NotFound(f"No instance found with name '{reference}'.", code="not_found")
        reference = named.id
    return await instances.find(connection, reference, for_update=for_update)


class Instances:
    """The instances of one project, found by id or name. Methods raise NotFound."""

    def __init__(
        self, storage: Storage, project_id: str, wake: Callable[[], None], streams: Streams
    ) -> None:
        """`wake` and `streams` are told when a thread goes, as in `Threads`."""
        self._storage = storage
        self._project_id = project_id
        self._instances = instances_of(project_id)
        self._wake = wake
        self._streams = streams

    async def create(
        self, creation: Creation, character_id: str, wanted: CreateInstance
    ) -> Instance:
        """Make an instance with an empty thread. Raises Conflict for a name that is in use."""
        id_ = new_id(INSTANCE_ID)
        thread_id = new_id("thread")
        async with self._storage.database.write() as connection:
            if earlier := await creation.claim(connection, id_):
                return instance_of(await self._instances.find(connection, earlier))
            # Locked, so that it is not deleted before its new instance is there.
            characters = characters_of(self._project_id)
            await characters.find(connection, character_id, for_update=True)
            await self._refuse_taken(connection, wanted.name)
            await insert_thread(connection, self._project_id, thread_id, CreateThread())
            document = {
                "voice": voice_of(wanted.voice),
                "model": wanted.model,
                "metadata": wanted.metadata or {},
                "memory": msgspec.to_builtins(_memory(wanted.memory, default_memory())),
                "thread_id": thread_id,
            }
            made = StoredObject(
                id_, INSTANCE, now_s(), document, parent=character_id, name=wanted.name
            )
            await self._instances.insert(connection, made)
        return instance_of(made)

    async def find(self, reference: str) -> Instance:
        """Return an instance."""
        async with self._storage.database.read() as connection:
            return instance_of(await find_instance(connection, self._project_id, reference))

    async def page(self, query: PageQuery) -> tuple[list[Instance], bool]:
        """Return one page of the project's instances, and whether there are more."""
        async with self._storage.database.read() as connection:
            found = await self._instances.page(connection, query)
        return [instance_of(stored) for stored in found.objects], found.has_more

    async def page_of(self, character_id: str, query: PageQuery) -> tuple[list[Instance], bool]:
        """Return one page of the instances of a character, and whether there are more."""
        async with self._storage.database.read() as connection:
            await characters_of(self._project_id).find(connection, character_id)
            found = await instances_of(self._project_id, character_id).page(connection, query)
        return [instance_of(stored) for stored in found.objects], found.has_more

    async def modify(self, reference: str, wanted: ModifyInstance, record: Recorder) -> Instance:
        """Change what the request names. Raises Conflict for a name that is in use.

        `record` keeps, in the same transaction, how the memory was changed.
        """
        async with self._storage.database.write() as connection:
            was = await find_instance(connection, self._project_id, reference, for_update=True)
            values: dict[str, Any] = {"document": {**was.document, **_plain_values(wanted)}}
            if wanted.memory is not UNSET:
                before = [MemoryBlock(**block) for block in was.document["memory"]]
                memory = _memory(wanted.memory, before)
                values["document"]["memory"] = msgspec.to_builtins(memory)
                await record(connection, was.id, _blocks(before), _blocks(memory))
            if wanted.name is not UNSET and wanted.name != was.name:
                await self._refuse_taken(connection, wanted.name)
                values["name"] = wanted.name
            return instance_of(await self._instances.update(connection, was.id, **values))

    async def delete(self, reference: str) -> tuple[str, int | None]:
        """Delete an instance with its thread and its memory; return its id.

        Beside it, the row number of a run that ended with the thread.
        """
        async with self._storage.database.write() as connection:
            was = await find_instance(connection, self._project_id, reference, for_update=True)
            await self._instances.delete(connection, was.id)
            await _forget(connection, self._project_id, was.id)
            ended = await self._delete_thread(connection, was.document["thread_id"])
        if ended is not None:
            self._streams.publish(ended.run_seq, ended.events)
        self._wake()
        return was.id, None if ended is None else ended.run_seq

    async def delete_of(self, character_id: str) -> list[int]:
        """Delete every instance of a character; return the row numbers of the runs that ended."""
        async with self._storage.database.read() as connection:
            await characters_of(self._project_id).find(connection, character_id)
        ended: list[int] = []
        while found := (await self.page_of(character_id, PageQuery(limit=_AT_ONCE)))[0]:
            for instance in found:
                _, run = await self.delete(instance.id)
                ended += [] if run is None else [run]
        return ended

    async def _delete_thread(self, connection: AsyncConnection, id_: str) -> EndedRun | None:
        try:
            return await delete_thread(connection, self._project_id, id_)
        except NotFound:  # deleted by itself
            return None

    async def _refuse_taken(self, connection: AsyncConnection, name: str) -> None:
        if (other := await _named(connection, self._project_id, name)) is not None:
            raise Conflict(
                f"There is an instance named '{name}' already ({other.id}): choose another name.",
                param="name",
                code="name_in_use",
            )


async def _named(connection: AsyncConnection, project_id: str, name: str) -> StoredObject | None:
    page = await instances_of(project_id).page(
        connection, PageQuery(limit=1), objects.c.name == normal_name(name)
    )
    return page.objects[0] if page.objects else None


async def _forget(connection: AsyncConnection, project_id: str, instance_id: str) -> None:
    """Delete the rows that tell how an instance's memory came to be."""
    await connection.execute(
        update(objects)
        .where(
            objects.c.project_id == project_id,
            objects.c.kind == MEMORY,
            objects.c.parent == instance_id,
            objects.c.deleted_at.is_(None),
        )
        .values(deleted_at=now_s(), document={}, expires_at=None)
    )


def _memory(requested: RequestedMemory | None, was: list[MemoryBlock]) -> list[MemoryBlock]:
    """Return the blocks that a request means. Raises InvalidRequest for texts over their limit."""
    if requested is None:
        return default_memory()
    if isinstance(requested, str):
        written = from_text(requested, _blocks(was))
        return [MemoryBlock(block.label, block.text, block.limit) for block in written]
    return requested


def _blocks(memory: list[MemoryBlock]) -> Blocks:
    return tuple(Block(block.label, block.text, block.limit) for block in memory)


def _plain_values(wanted: ModifyInstance) -> dict[str, Any]:
    given = {name: getattr(wanted, name) for name in _PLAIN_FIELDS}
    given["voice"] = voice_of(given["voice"])
    values = {name: value for name, value in given.items() if value is not UNSET}
    return values | ({"metadata": values["metadata"] or {}} if "metadata" in values else {})
