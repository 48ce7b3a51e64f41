"""Assistants: making, changing and deleting them, with what they search and the files of v1."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import InvalidValue, NotFound
from understudy.ids import new_id, now_s
from understudy.runs.tool_resources import (
    Document,
    Named,
    Resources,
    drop_own_store,
    feed,
    find_files,
    find_present,
    numbered,
    replace_resources,
    resources_in,
    unfeed,
)
from understudy.store import vector_store_files as members
from understudy.store.idempotency import Creation
from understudy.store.objects import Collection, StoredObject
from understudy.store.pages import PageQuery
from understudy.store.storage import Storage
from understudy.store.vector_store_files import FileState
from understudy.wire.assistants import Assistant, AssistantFile, CreateAssistant, ModifyAssistant

ASSISTANT = "assistant"
"""The kind of the objects that are assistants."""
_MOST_FILES = 20
_PLAIN_FIELDS = (
    "model",
    "name",
    "description",
    "instructions",
    "tools",
    "metadata",
    "temperature",
    "top_p",
    "response_format",
    "reasoning_effort",
)
"""What a change sets as it is given; null gives the value of `_EMPTY`."""
_EMPTY: dict[str, Any] = {"tools": [], "metadata": {}, "response_format": "auto"}


def assistants_of(project_id: str) -> Collection:
    """Return the assistants of a project."""
    return Collection(project_id, ASSISTANT, noun="assistant")


def assistant_of(stored: StoredObject) -> Assistant:
    """Return a stored assistant as clients see it."""
    document = dict(stored.document)
    if document.get("reasoning_effort") is None:
        document.pop("reasoning_effort", None)
    document |= {"id": stored.id, "created_at": stored.created_at}
    return msgspec.convert(document, Assistant)


class Assistants:
    """The assistants of one project. Methods raise NotFound for what it does not have."""

    def __init__(
        self, storage: Storage, project_id: str, wake: Callable[[], None], default_model: str
    ) -> None:
        """`wake` is called when there are files to read or to clear away."""
        self._storage = storage
        self._project_id = project_id
        self._wake = wake
        self._default_model = default_model
        self._assistants = assistants_of(project_id)

    async def create(self, creation: Creation, wanted: CreateAssistant) -> Assistant:
        """Make an assistant. Raises NotFound for a file or store that is not there."""
        id_ = new_id("asst")
        async with self._storage.database.write() as connection:
            if earlier := await creation.claim(connection, id_):
                return assistant_of(await self._assistants.find(connection, earlier))
            document = _plain_values(wanted)
            document["model"] = wanted.model or self._default_model
            resources = await replace_resources(
                connection, self._project_id, Resources(None), wanted.tool_resources
            )
            ids = _each_once(wanted.file_ids)
            resources = await self._feed_new(connection, resources, ids, had=[])
            document |= {"file_ids": ids, **resources.as_document()}
            made = StoredObject(id_, ASSISTANT, now_s(), document)
            await self._assistants.insert(connection, made)
        if wanted.tool_resources or wanted.file_ids:
            self._wake()
        return assistant_of(made)

    async def find(self, id_: str) -> Assistant:
        """Return an assistant."""
        async with self._storage.database.read() as connection:
            return assistant_of(await self._assistants.find(connection, id_))

    async def page(self, query: PageQuery) -> tuple[list[Assistant], bool]:
        """Return one page of the assistants, and whether there are more."""
        async with self._storage.database.read() as connection:
            found = await self._assistants.page(connection, query)
        return [assistant_of(stored) for stored in found.objects], found.has_more

    async def modify(self, id_: str, wanted: ModifyAssistant) -> Assistant:
        """Change what the request names; of `tool_resources`, members that it lacks stay."""
        async with self._storage.database.write() as connection:
            was = await self._assistants.find(connection, id_, for_update=True)
            document = {**was.document, **_plain_values(wanted)}
            had: list[str] = was.document["file_ids"]
            ids = had if wanted.file_ids is UNSET else _each_once(wanted.file_ids)
            resources = await self._modify_resources(connection, was, ids, wanted)
            document |= {"file_ids": ids, **resources.as_document()}
            stored = await self._assistants.update(connection, id_, document=document)
        if wanted.tool_resources is not UNSET or wanted.file_ids is not UNSET:
            self._wake()
        return assistant_of(stored)

    async def delete(self, id_: str) -> None:
        """Delete an assistant and the store made for its files; threads and runs stay."""
        async with self._storage.database.write() as connection:
            was = await self._assistants.delete(connection, id_)
            await drop_own_store(connection, self._project_id, resources_in(was.document))
        self._wake()

    async def add_file(self, creation: Creation, id_: str, file_id: str) -> AssistantFile:
        """Attach a file as v1 does. Raises InvalidValue when there are too many."""
        async with self._storage.database.write() as connection:
            was = await self._assistants.find(connection, id_, for_update=True)
            if await creation.claim(connection, file_id) is None:
                was = await self._attach(connection, was, file_id)
            file = await self._file(connection, was, file_id)
        self._wake()
        return file

    async def find_file(self, id_: str, file_id: str) -> AssistantFile:
        """Return a file of an assistant."""
        async with self._storage.database.read() as connection:
            found = await self._assistants.find(connection, id_)
            return await self._file(connection, found, file_id)

    async def page_files(self, id_: str, query: PageQuery) -> tuple[list[AssistantFile], bool]:
        """Return one page of an assistant's files, and whether there are more."""
        async with self._storage.database.read() as connection:
            found = await self._assistants.find(connection, id_)
            store_ids = resources_in(found.document).store_ids
            if not store_ids:
                return [], False
            is_attached = members.is_one_of(found.document["file_ids"])
            states, has_more = await members.page(connection, store_ids[0], query, is_attached)
        return [_file_of(id_, state) for state in states], has_more

    async def remove_file(self, id_: str, file_id: str) -> None:
        """Detach a file as v1 does; the file itself stays."""
        async with self._storage.database.write() as connection:
            was = await self._assistants.find(connection, id_, for_update=True)
            await self._file(connection, was, file_id)
            await unfeed(connection, resources_in(was.document), [file_id])
            ids = [each for each in was.document["file_ids"] if each != file_id]
            document = {**was.document, "file_ids": ids}
            await self._assistants.update(connection, id_, document=document)
        self._wake()

    async def _modify_resources(
        self,
        connection: AsyncConnection,
        was: StoredObject,
        ids: list[str],
        wanted: ModifyAssistant,
    ) -> Resources:
        """Return what the assistant searches once its files are `ids`."""
        had: list[str] = was.document["file_ids"]
        resources = resources_in(was.document)
        await unfeed(connection, resources, [id_ for id_ in had if id_ not in ids])
        if wanted.tool_resources is not UNSET:
            resources = await replace_resources(
                connection, self._project_id, resources, wanted.tool_resources
            )
            # The store that is searched may be another one now: it gets the old files too.
            kept = await find_present(connection, self._project_id, [i for i in ids if i in had])
            resources = await feed(connection, self._project_id, resources, kept)
        return await self._feed_new(connection, resources, ids, had=had)

    async def _attach(
        self, connection: AsyncConnection, was: StoredObject, file_id: str
    ) -> StoredObject:
        had: list[str] = was.document["file_ids"]
        ids = _each_once([*had, file_id])
        if len(ids) > _MOST_FILES:
            raise InvalidValue("file_id", f"an assistant has at most {_MOST_FILES} files")
        await find_files(connection, self._project_id, [Named("file_id", file_id)])
        resources = resources_in(was.document)
        resources = await feed(connection, self._project_id, resources, [file_id])
        document = {**was.document, "file_ids": ids, **resources.as_document()}
        return await self._assistants.update(connection, was.id, document=document)

    async def _feed_new(
        self, connection: AsyncConnection, resources: Resources, ids: list[str], had: list[str]
    ) -> Resources:
        """Feed those of a request's `file_ids` that the assistant did not have."""
        named = [each for each in numbered("file_ids", ids) if each.id not in had]
        await find_files(connection, self._project_id, named)
        return await feed(connection, self._project_id, resources, [each.id for each in named])

    async def _file(
        self, connection: AsyncConnection, assistant: StoredObject, file_id: str
    ) -> AssistantFile:
        if file_id in assistant.document["file_ids"]:
            for store_id in resources_in(assistant.document).store_ids:
                for state in await members.find(connection, store_id, [file_id]):
                    return _file_of(assistant.id, state)
        raise NotFound(
            f"No file found with id '{file_id}' in assistant '{assistant.id}'.", code="not_found"
        )


def _file_of(assistant_id: str, state: FileState) -> AssistantFile:
    return AssistantFile(state.file_id, state.created_at, assistant_id)


def _plain_values(wanted: CreateAssistant | ModifyAssistant) -> Document:
    """Return the fields that a request gives, as they are stored."""
    given = {name: getattr(wanted, name) for name in _PLAIN_FIELDS}
    return {
        name: _EMPTY.get(name) if value is None else msgspec.to_builtins(value)
        for name, value in given.items()
        if value is not UNSET
    }


def _each_once(ids: list[str] | None) -> list[str]:
    return list(dict.fromkeys(ids or ()))
