"""Which thread a person talks in, and about which debt; one is current for each user and owner."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.negotiator.tables import chats


@dataclass(frozen=True, slots=True)
class Chat:
    """A thread of a user at the server of the model."""

    id: int
    user_id: int
    owner: str
    thread_id: str


async def current(connection: AsyncConnection, user_id: int, owner: str) -> Chat | None:
    """Return a user's latest chat with what `owner` names, None before the first."""
    columns = chats.c
    query = (
        select(columns.id, columns.user_id, columns.owner, columns.thread_id)
        .where(columns.user_id == user_id, columns.owner == owner)
        .order_by(columns.id.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    return Chat(*row) if row else None


async def begin(connection: AsyncConnection, row: dict[str, Any]) -> Chat:
    """Store a chat, from now on the current one; `row` has the columns of the table."""
    made = await connection.execute(insert(chats).values(row).returning(chats.c.id))
    return Chat(made.scalar_one(), row["user_id"], row["owner"], row["thread_id"])


async def debt_of(connection: AsyncConnection, chat_id: int) -> int | None:
    """Return the debt that a chat is about, None until one is chosen."""
    query = select(chats.c.debt_id).where(chats.c.id == chat_id)
    found: int | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def set_debt(connection: AsyncConnection, chat_id: int, debt_id: int) -> None:
    """Store which debt a chat is about."""
    await connection.execute(update(chats).where(chats.c.id == chat_id).values(debt_id=debt_id))
