"""Stored chat completions and the messages that they answer, each an object of its own.

Texts are kept as JSON within the document's JSON: so they may hold a NUL, which PostgreSQL's own
JSON cannot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, column, delete, exists, func, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.ids import now_s
from understudy.store.db import Store
from understudy.store.objects import Collection, StoredObject
from understudy.store.pages import PageQuery
from understudy.store.schema import objects
from understudy.wire.chat import ChatCompletion
from understudy.wire.stored_chat import StoredChatCompletion, StoredMessage

_COMPLETION = "chat.completion"
_MESSAGE = "chat.completion.message"


@dataclass(frozen=True, slots=True)
class CompletionFilter:
    """Which completions a list shows; all of it must hold."""

    model: str | None = None
    metadata: Mapping[str, str] | None = None


class StoredChatCompletions:
    """The chat completions that one project has stored."""

    def __init__(self, database: Store, project_id: str) -> None:
        self._database = database
        self._project_id = project_id
        self._completions = Collection(project_id, _COMPLETION, noun="stored completion")

    async def add(
        self,
        completion: ChatCompletion,
        messages: Sequence[StoredMessage],
        metadata: Mapping[str, str],
    ) -> None:
        """Store a completion and its messages; they are there for good once this returns."""
        document = {
            "model": completion.model,
            "metadata": dict(metadata),
            "completion": msgspec.json.encode(completion).decode(),
        }
        made = StoredObject(completion.id, _COMPLETION, completion.created, document)
        async with self._database.write() as connection:
            await self._completions.insert(connection, made)
            await self._insert_messages(connection, completion.id, messages)

    async def find(self, id_: str) -> StoredChatCompletion:
        """Return a completion; raises NotFound."""
        async with self._database.read() as connection:
            return _completion(await self._completions.find(connection, id_))

    async def page(
        self, query: PageQuery, wanted: CompletionFilter
    ) -> tuple[list[StoredChatCompletion], bool]:
        """Return one page of completions, and whether there are more."""
        async with self._database.read() as connection:
            page = await self._completions.page(connection, query, *self._conditions(wanted))
        return [_completion(each) for each in page.objects], page.has_more

    async def set_metadata(self, id_: str, metadata: Mapping[str, str]) -> StoredChatCompletion:
        """Replace a completion's metadata and return it; raises NotFound."""
        async with self._database.write() as connection:
            was = await self._completions.find(connection, id_, for_update=True)
            document = {**was.document, "metadata": dict(metadata)}
            return _completion(await self._completions.update(connection, id_, document=document))

    async def delete(self, id_: str) -> None:
        """Delete a completion with its messages; raises NotFound."""
        async with self._database.write() as connection:
            await self._completions.delete(connection, id_)
            await connection.execute(
                delete(objects).where(
                    objects.c.project_id == self._project_id,
                    objects.c.kind == _MESSAGE,
                    objects.c.parent == id_,
                )
            )

    async def messages(self, id_: str, query: PageQuery) -> tuple[list[StoredMessage], bool]:
        """Return one page of a completion's messages, and whether there are more.

        Raises NotFound for the completion.
        """
        messages = Collection(self._project_id, _MESSAGE, id_, noun="message")
        async with self._database.read() as connection:
            await self._completions.find(connection, id_)
            page = await messages.page(connection, query)
        found = [
            msgspec.json.decode(each.document["message"], type=StoredMessage)
            for each in page.objects
        ]
        return found, page.has_more

    async def _insert_messages(
        self, connection: AsyncConnection, parent: str, messages: Sequence[StoredMessage]
    ) -> None:
        created_at = now_s()
        rows = [
            {
                "project_id": self._project_id,
                "kind": _MESSAGE,
                "parent": parent,
                "id": message.id,
                "created_at": created_at,
                "document": {"message": msgspec.json.encode(message).decode()},
            }
            for message in messages
        ]
        await connection.execute(objects.insert(), rows)

    def _conditions(self, wanted: CompletionFilter) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if wanted.model is not None:
            conditions.append(objects.c.document["model"].as_string() == wanted.model)
        for key, value in (wanted.metadata or {}).items():
            conditions.append(self._has_pair(key, value))
        return conditions

    def _has_pair(self, key: str, value: str) -> ColumnElement[bool]:
        if self._database.dialect == "postgresql":
            document = type_coerce(objects.c.document, JSONB)
            return document.contains({"metadata": {key: value}})
        # A path such as '$.metadata."key"' cannot name a key with quotes in it.
        pairs = func.json_each(objects.c.document, "$.metadata").table_valued("key", "value")
        return exists(
            select(column("key"))
            .select_from(pairs)
            .where(pairs.c.key == key, pairs.c.value == value)
        )


def _completion(stored: StoredObject) -> StoredChatCompletion:
    completion = msgspec.json.decode(stored.document["completion"], type=StoredChatCompletion)
    completion.metadata = stored.document["metadata"]
    return completion
