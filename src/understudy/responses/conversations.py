"""Conversations: making, changing and deleting them, and the items that requests add to them.

A conversation is a thread: the same object, under its own id in both APIs. Knows of responses and
runs only that items must wait for the end of an active one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotFound
from understudy.ids import new_id, now_s
from understudy.responses.calls import CALL_TYPES, check_calls
from understudy.responses.mcp.approvals import check_approvals
from understudy.responses.projection import copied, file_ids, id_prefix, kept, shown, with_ids
from understudy.runs.messages import THREAD, check_image, feed_thread, refuse_while_running
from understudy.runs.requests import Surface
from understudy.runs.threads import Threads, insert_thread
from understudy.runs.tool_resources import Named, find_files
from understudy.store.idempotency import Creation
from understudy.store.items import Item, Log, find_all, is_of_type, is_one_of
from understudy.store.objects import Collection, StoredObject
from understudy.store.pages import PageQuery
from understudy.wire.conversations import Conversation, CreateConversation, UpdateConversation
from understudy.wire.response_items import ItemDocument, conversation_items
from understudy.wire.responses import Include
from understudy.wire.threads import CreateThread

_ANSWERED_TYPES = (*CALL_TYPES, "mcp_approval_request", "mcp_approval_response")
"""Items that ask for another, and those that answer."""


def conversations_of(project_id: str) -> Collection:
    """Return the conversations of a project: its threads."""
    return Collection(project_id, THREAD, noun="conversation")


def conversation_of(stored: StoredObject) -> Conversation:
    """Return a stored thread as a conversation."""
    return Conversation(stored.id, stored.created_at, stored.document["metadata"])


async def new_items(
    connection: AsyncConnection, project_id: str, documents: Sequence[ItemDocument], param: str
) -> list[Item]:
    """Return the items that the log keeps of normalised documents, under new ids.

    A reference becomes a copy of the item that it names. Raises NotFound whose `param` names the
    reference at fault; `param` is where the request lists the items.
    """
    resolved = await _resolved(connection, project_id, documents, param)
    ids = [new_id(id_prefix(document["type"])) for document in resolved]
    now = now_s()
    return [kept(document, now) for document in with_ids(resolved, ids)]


async def append(connection: AsyncConnection, log: Log, items: Sequence[Item], param: str) -> None:
    """Add items to the end of a conversation, and queue their files for its search.

    Works within a transaction of the caller, who has locked the conversation and calls the
    ingest's `wake` after the commit if `brings_files`. `param` is where the request lists the
    items. Raises NotFound or InvalidValue whose `param` names the file, call or approval at fault;
    then nothing is added.
    """
    documents = [item.document for item in items]
    await _check_answers(connection, log, documents, param)
    await check_files(connection, log.project_id, documents, param)
    await log.add(connection, items)
    if files := file_ids(documents):
        await feed_thread(connection, log, files)


def brings_files(items: Sequence[Item]) -> bool:
    """Tell whether files come with the items that are to be read."""
    return bool(file_ids([item.document for item in items]))


class Conversations:
    """The conversations of one project. Methods raise NotFound for what it does not have."""

    def __init__(self, surface: Surface, project_id: str) -> None:
        self._surface = surface
        self._project_id = project_id
        self._conversations = conversations_of(project_id)

    async def create(self, creation: Creation, wanted: CreateConversation) -> Conversation:
        """Make a conversation with its first items. Raises as `append` does."""
        id_ = new_id("conv")
        documents = conversation_items(wanted.items or [])
        async with self._surface.storage.database.write() as connection:
            if earlier := await creation.claim(connection, id_):
                return conversation_of(await self._conversations.find(connection, earlier))
            items = await new_items(connection, self._project_id, documents, "items")
            thread = CreateThread(metadata=wanted.metadata)
            made = await insert_thread(connection, self._project_id, id_, thread)
            await append(connection, Log(self._project_id, id_), items, "items")
        if brings_files(items):
            self._surface.wake_ingest()
        return conversation_of(made)

    async def find(self, id_: str) -> Conversation:
        """Return a conversation."""
        async with self._surface.storage.database.read() as connection:
            return conversation_of(await self._conversations.find(connection, id_))

    async def update(self, id_: str, wanted: UpdateConversation) -> Conversation:
        """Replace the metadata of a conversation."""
        async with self._surface.storage.database.write() as connection:
            was = await self._conversations.find(connection, id_, for_update=True)
            document = {**was.document, "metadata": wanted.metadata or {}}
            now = await self._conversations.update(connection, id_, document=document)
        return conversation_of(now)

    async def delete(self, id_: str) -> None:
        """Delete a conversation with its items; an active run or response of it fails."""
        await self.find(id_)  # its error says conversation, where that of threads says thread
        surface = self._surface
        threads = Threads(surface.storage, self._project_id, surface.wake_ingest, surface.streams)
        if (ended := await threads.delete(id_)) is not None:
            surface.workers.interrupt(ended)


class ConversationItems:
    """The items of one conversation. Methods raise NotFound for a conversation that is not there.

    `include` is what clients ask to be shown besides.
    """

    def __init__(
        self, surface: Surface, project_id: str, conversation_id: str, include: frozenset[Include]
    ) -> None:
        self._surface = surface
        self._id = conversation_id
        self._conversations = conversations_of(project_id)
        self._log = Log(project_id, conversation_id)
        self._include = include

    async def add(self, creation: Creation, given: Sequence[Any]) -> list[ItemDocument]:
        """Add items as a request lists them.

        Raises InvalidRequest for what is no item and while a run or a response is active.
        """
        documents = conversation_items(list(given))
        async with self._surface.storage.database.write() as connection:
            await self._conversations.find(connection, self._id, for_update=True)
            items = await new_items(connection, self._log.project_id, documents, "items")
            if earlier := await creation.claim(connection, " ".join(item.id for item in items)):
                made = await self._log.all(connection, is_one_of(earlier.split()))
                return [shown(item, self._include) for item in made]
            await refuse_while_running(connection, self._log.project_id, self._id)
            await append(connection, self._log, items, "items")
        if brings_files(items):
            self._surface.wake_ingest()
        return [shown(item, self._include) for item in items]

    async def page(self, query: PageQuery) -> tuple[list[ItemDocument], bool]:
        """Return one page of the items, and whether there are more."""
        async with self._surface.storage.database.read() as connection:
            await self._conversations.find(connection, self._id)
            items, has_more = await self._log.page(connection, query)
        return [shown(item, self._include) for item in items], has_more

    async def find(self, id_: str) -> ItemDocument:
        """Return an item. Raises NotFound."""
        async with self._surface.storage.database.read() as connection:
            await self._conversations.find(connection, self._id)
            return shown(await self._log.find(connection, id_), self._include)

    async def delete(self, id_: str) -> Conversation:
        """Delete an item, and return the conversation without it. Raises NotFound."""
        async with self._surface.storage.database.write() as connection:
            conversation = await self._conversations.find(connection, self._id)
            await self._log.find(connection, id_, for_update=True)
            await self._log.delete(connection, id_)
        return conversation_of(conversation)


# --- what items may say -----------------------------------------------------------------------


async def _resolved(
    connection: AsyncConnection, project_id: str, documents: Sequence[ItemDocument], param: str
) -> list[ItemDocument]:
    """Return the documents with what references name in their place. Raises NotFound."""
    named = [document["id"] for document in documents if document["type"] == "item_reference"]
    found = await find_all(connection, project_id, named) if named else {}
    resolved = []
    for index, document in enumerate(documents):
        if document["type"] != "item_reference":
            resolved.append(document)
        elif (item := found.get(document["id"])) is not None:
            resolved.append(copied(item))
        else:
            raise NotFound(
                f"No item found with id '{document['id']}'.",
                param=f"{param}[{index}].id",
                code="not_found",
            )
    return resolved


async def _check_answers(
    connection: AsyncConnection, log: Log, documents: Sequence[ItemDocument], param: str
) -> None:
    """Raise InvalidRequest for what asks or answers and does not fit what is there."""
    if not any(document["type"] in _ANSWERED_TYPES for document in documents):
        return
    items = await log.all(connection, is_of_type(*_ANSWERED_TYPES))
    earlier = [item.document for item in items]
    check_calls(documents, earlier, param)
    check_approvals(documents, earlier, param)


async def check_files(
    connection: AsyncConnection, project_id: str, documents: Sequence[ItemDocument], param: str
) -> None:
    """Raise for a file that is not there, and for an image that is no image by its purpose."""
    files = list(_named_files(documents, param, "input_file"))
    images = list(_named_files(documents, param, "input_image"))
    found = await find_files(connection, project_id, [*files, *images])
    for image in images:
        check_image(image, found[image.id].document["purpose"])


def _named_files(documents: Sequence[ItemDocument], param: str, part_type: str) -> Iterator[Named]:
    for index, document in enumerate(documents):
        for member in ("content", "output"):
            parts = document.get(member)
            for at, part in enumerate(parts if isinstance(parts, list) else ()):
                if part["type"] == part_type and part.get("file_id"):
                    yield Named(f"{param}[{index}].{member}[{at}].file_id", part["file_id"])
