"""Follow-ups in the database: what is to be done for a contact, and on which day."""

import time
from collections.abc import Callable
from datetime import date
from typing import Any, Literal

from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.errors import NotFound
from understudy_apps.sales.shapes import FollowUpChanges, FollowUpFields
from understudy_apps.sales.tables import contacts, follow_ups

Row = dict[str, Any]
Author = Literal["agent", "operator"]
Wanted = Literal["open", "due", "done", "all"]


class FollowUps:
    """The tasks of the sales team; times come from `clock` in seconds."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def create(self, fields: FollowUpFields, author: Author) -> Row:
        """Store a task and return it. Raises NotFound for its contact."""
        async with self._database.write() as connection:
            return await self.create_in(connection, fields, author)

    async def create_in(
        self, connection: AsyncConnection, fields: FollowUpFields, author: Author
    ) -> Row:
        """Store a task in the caller's transaction and return it. Raises NotFound."""
        known = select(contacts.c.id).where(contacts.c.id == fields.contact_id)
        if (await connection.execute(known)).one_or_none() is None:
            raise NotFound(f"There is no contact {fields.contact_id}.", "no_such_contact")
        row = {
            **fields.model_dump(), "created_by": author, "created_at": int(self._clock()),
        }  # fmt: skip
        made = await connection.execute(insert(follow_ups).values(row).returning(follow_ups.c.id))
        return await _row(connection, made.scalar_one())

    async def list(self, wanted: Wanted, today: date, contact_id: int | None = None) -> list[Row]:
        """Return tasks by their day, earliest first; those of the sandbox only by the contact."""
        query = _narrowed(_joined(), wanted, today)
        if contact_id is None:
            query = query.where(contacts.c.channel != "sandbox")
        else:
            query = query.where(follow_ups.c.contact_id == contact_id)
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(follow_ups.c.due_on, follow_ups.c.id))
            return [dict(row._mapping) for row in rows]

    async def change(self, follow_up_id: int, changes: FollowUpChanges) -> Row:
        """Change a task and return it. Raises NotFound."""
        given = changes.model_dump(exclude_none=True, exclude={"is_done"})
        async with self._database.write() as connection:
            row = await _row(connection, follow_up_id)
            if changes.is_done is not None:
                given["done_at"] = _done_at(row, changes.is_done, int(self._clock()))
            if given:
                statement = update(follow_ups).where(follow_ups.c.id == follow_up_id)
                await connection.execute(statement.values(given))
            return await _row(connection, follow_up_id)

    async def delete(self, follow_up_id: int) -> None:
        """Erase a task. Raises NotFound."""
        async with self._database.write() as connection:
            await _row(connection, follow_up_id)
            await connection.execute(delete(follow_ups).where(follow_ups.c.id == follow_up_id))


def _done_at(row: Row, is_done: bool, now: int) -> int | None:
    if not is_done:
        return None
    return row["done_at"] if row["done_at"] is not None else now


def _joined() -> Select[Any]:
    """Return the query of tasks with the names of their contacts."""
    query = select(follow_ups, contacts.c.name.label("contact_name"))
    return query.join(contacts, contacts.c.id == follow_ups.c.contact_id)


def _narrowed(query: Select[Any], wanted: Wanted, today: date) -> Select[Any]:
    if wanted == "all":
        return query
    if wanted == "done":
        return query.where(follow_ups.c.done_at.is_not(None))
    still_open = query.where(follow_ups.c.done_at.is_(None))
    return still_open.where(follow_ups.c.due_on <= today) if wanted == "due" else still_open


async def _row(connection: AsyncConnection, follow_up_id: int) -> Row:
    query = _joined().where(follow_ups.c.id == follow_up_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"There is no follow-up {follow_up_id}.", "no_such_follow_up")
    return dict(row._mapping)
