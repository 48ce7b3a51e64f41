"""Conversations and their messages in the database, whatever their channel."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.errors import NotFound
from understudy_apps.languages import Language
from understudy_apps.sales.shapes import Channel, ConversationStatus
from understudy_apps.sales.tables import contacts, conversations, messages

Row = dict[str, Any]
_NONE: Mapping[int, str] = {}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who writes on a channel: `key` is unique there."""

    channel: Channel
    key: str
    name: str = ""
    language: Language = "es"


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations are wanted: those with messages, those of the sandbox by its name."""

    status: str | None = None
    channel: str | None = None
    contact_id: int | None = None

    def apply(self, query: Select[Any]) -> Select[Any]:
        """Return the query narrowed to what is wanted."""
        columns = conversations.c
        for name in ("status", "channel", "contact_id"):
            wanted = getattr(self, name)
            if wanted is not None:
                query = query.where(columns[name] == wanted)
        if self.channel is None:
            query = query.where(columns.channel != "sandbox")
        return query.where(columns.id.in_(select(messages.c.conversation_id)))


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to store; `calls` are the functions that the agent called before its text."""

    author: Literal["visitor", "agent", "operator"]
    text: str
    external_id: str | None = None
    intent: str | None = None
    model: str | None = None
    calls: Sequence[Row] = field(default=())


class Conversations:
    """What was written on all channels; times come from `clock` in seconds."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def open(self, visitor: Visitor) -> Row:
        """Return the conversation of a visitor, which begins if there is none."""
        columns = conversations.c
        query = select(conversations).where(
            columns.channel == visitor.channel, columns.visitor == visitor.key
        )
        now = int(self._clock())
        row = {
            "channel": visitor.channel,
            "visitor": visitor.key,
            "visitor_name": visitor.name[:200],
            "language": visitor.language,
            "status": "agent",
            "created_at": now,
            "updated_at": now,
        }
        async with self._database.write() as connection:
            found = (await connection.execute(query)).one_or_none()
            if found is None:
                await connection.execute(insert(conversations).values(row))
                found = (await connection.execute(query)).one()
        return dict(found._mapping)

    async def find(self, channel: Channel, key: str) -> Row | None:
        """Return the conversation of a visitor if there is one."""
        columns = conversations.c
        query = select(conversations).where(columns.channel == channel, columns.visitor == key)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return dict(row._mapping) if row else None

    async def get(self, conversation_id: int) -> Row:
        """Return a conversation. Raises NotFound."""
        async with self._database.read() as connection:
            return await conversation_row(connection, conversation_id)

    async def page(
        self, wanted: ConversationFilter, *, limit: int, offset: int
    ) -> tuple[list[Row], int]:
        """Return some conversations, the latest first, and how many there are in all."""
        columns = conversations.c
        newest = wanted.apply(_listed()).order_by(columns.updated_at.desc(), columns.id.desc())
        count = wanted.apply(select(func.count()).select_from(conversations))
        async with self._database.read() as connection:
            rows = await connection.execute(newest.limit(limit).offset(offset))
            found = [dict(row._mapping) for row in rows]
            return found, (await connection.execute(count)).scalar_one()

    async def messages(self, conversation_id: int, *, after: int = 0) -> list[Row]:
        """Return the messages after one by its id, oldest first."""
        query = (
            select(messages)
            .where(messages.c.conversation_id == conversation_id, messages.c.id > after)
            .order_by(messages.c.id)
        )
        async with self._database.read() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]

    async def add(
        self, conversation_id: int, message: NewMessage, *, intents: Mapping[int, str] = _NONE
    ) -> Row | None:
        """Store a message and return it, None if it was delivered before. Raises NotFound.

        `intents` are those of the messages that it answers, by id, and stored with it.
        """
        now = int(self._clock())
        row = {
            "conversation_id": conversation_id,
            "author": message.author,
            "text": message.text,
            "external_id": message.external_id,
            "intent": message.intent,
            "model": message.model,
            "calls": list(message.calls),
            "created_at": now,
        }
        async with self._database.write() as connection:
            await conversation_row(connection, conversation_id)
            if message.external_id and await _is_known(connection, row):
                return None
            made = await connection.execute(insert(messages).values(row).returning(messages.c.id))
            await _set_intents(connection, intents)
            touched = update(conversations).where(conversations.c.id == conversation_id)
            await connection.execute(touched.values(updated_at=now))
        return {**row, "id": made.scalar_one()}

    async def set_intents(self, intents: Mapping[int, str]) -> None:
        """Store what messages want, by their ids."""
        async with self._database.write() as connection:
            await _set_intents(connection, intents)

    async def unanswered(self, channel: Channel) -> list[int]:
        """Return the ids of conversations in which a message waits for the agent."""
        columns = conversations.c
        waits = select(messages.c.conversation_id).where(
            messages.c.author == "visitor", messages.c.intent.is_(None)
        )
        query = select(columns.id).where(columns.channel == channel, columns.id.in_(waits))
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def unsent(self, channel: Channel) -> list[Row]:
        """Return messages to visitors that the channel has not delivered, oldest first.

        Each has its conversation's `visitor` and `language`.
        """
        columns = conversations.c
        query = (
            select(messages, columns.visitor, columns.language)
            .join(conversations, columns.id == messages.c.conversation_id)
            .where(
                columns.channel == channel,
                messages.c.author != "visitor",
                messages.c.external_id.is_(None),
            )
            .order_by(messages.c.id)
        )
        async with self._database.read() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]

    async def note_sent(self, message_id: int, external_id: str) -> None:
        """Note as what the channel delivered a message."""
        async with self._database.write() as connection:
            statement = update(messages).where(messages.c.id == message_id)
            await connection.execute(statement.values(external_id=external_id))

    async def delete(self, conversation_id: int) -> None:
        """Erase a conversation. Raises NotFound."""
        async with self._database.write() as connection:
            await conversation_row(connection, conversation_id)
            statement = delete(conversations).where(conversations.c.id == conversation_id)
            await connection.execute(statement)

    async def set_status(self, conversation_id: int, status: ConversationStatus) -> Row:
        """Store who answers from now on. Raises NotFound."""
        return await self._set(conversation_id, status=status)

    async def set_language(self, conversation_id: int, language: Language) -> Row:
        """Store in which language the visitor writes. Raises NotFound."""
        return await self._set(conversation_id, language=language)

    async def _set(self, conversation_id: int, **values: str) -> Row:
        async with self._database.write() as connection:
            statement = update(conversations).where(conversations.c.id == conversation_id)
            await connection.execute(statement.values(values))
            return await conversation_row(connection, conversation_id)


async def conversation_row(connection: AsyncConnection, conversation_id: int) -> Row:
    """Return a conversation, locked where the database has locks of rows. Raises NotFound."""
    query = select(conversations).where(conversations.c.id == conversation_id).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"There is no conversation {conversation_id}.", "no_such_conversation")
    return dict(row._mapping)


async def _set_intents(connection: AsyncConnection, intents: Mapping[int, str]) -> None:
    for message_id, intent in intents.items():
        statement = update(messages).where(messages.c.id == message_id)
        await connection.execute(statement.values(intent=intent))


async def _is_known(connection: AsyncConnection, row: Row) -> bool:
    query = select(messages.c.id).where(
        messages.c.conversation_id == row["conversation_id"],
        messages.c.external_id == row["external_id"],
    )
    return (await connection.execute(query)).one_or_none() is not None


def _listed() -> Select[Any]:
    """Return the query of conversations with their contact's name and their last message."""
    last = (
        select(messages.c.text)
        .where(messages.c.conversation_id == conversations.c.id)
        .order_by(messages.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(conversations, contacts.c.name.label("contact_name"), last.label("last_message"))
    return query.outerjoin(contacts, contacts.c.id == conversations.c.contact_id)
