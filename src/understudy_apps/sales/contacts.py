"""Contacts in the database, with the dates at which they came into each stage."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.errors import NotFound
from understudy_apps.sales.folding import folded
from understudy_apps.sales.pipeline import Stage, advanced
from understudy_apps.sales.shapes import ContactChanges, ContactFields
from understudy_apps.sales.tables import contacts, conversations, stage_changes

Row = dict[str, Any]
_SEARCHED = ("name", "company", "email", "phone", "notes")
SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """Which contacts are wanted; those of the sandbox only by its name."""

    search: str = ""
    stage: str | None = None
    channel: str | None = None
    interest: str | None = None

    def apply(self, query: Select[Any]) -> Select[Any]:
        """Return the query narrowed to what is wanted."""
        columns = contacts.c
        for name in ("stage", "channel", "interest"):
            wanted = getattr(self, name)
            if wanted is not None:
                query = query.where(columns[name] == wanted)
        if self.channel is None:
            query = query.where(columns.channel != SANDBOX)
        for word in folded(self.search).split():
            query = query.where(columns.searched.contains(word, autoescape=True))
        return query


class Contacts:
    """The contacts of the company; times come from `clock` in seconds."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def create(self, fields: ContactFields) -> Row:
        """Store a new contact and return it."""
        async with self._database.write() as connection:
            return await self.create_in(connection, fields)

    async def create_in(self, connection: AsyncConnection, fields: ContactFields) -> Row:
        """Store a new contact in the caller's transaction and return it."""
        now = int(self._clock())
        row = _new_row(fields, now)
        made = await connection.execute(insert(contacts).values(row).returning(contacts.c.id))
        contact_id = made.scalar_one()
        await _note_stage(connection, contact_id, fields.stage, now)
        return _shown({**row, "id": contact_id})

    async def create_many(self, many: Sequence[ContactFields]) -> int:
        """Store contacts, all or none, and return how many.

        They go in together, as on SQLite nobody else writes meanwhile.
        """
        if not many:
            return 0
        now = int(self._clock())
        rows = [_new_row(fields, now) for fields in many]
        made = insert(contacts).returning(contacts.c.id, contacts.c.stage)
        async with self._database.write() as connection:
            stages = [
                {"contact_id": row.id, "stage": row.stage, "changed_at": now}
                for row in await connection.execute(made, rows)
            ]
            await connection.execute(insert(stage_changes), stages)
        return len(rows)

    async def get(self, contact_id: int) -> Row:
        """Return a contact with the dates of its stages. Raises NotFound."""
        async with self._database.read() as connection:
            row = await _row(connection, contact_id)
            query = (
                select(stage_changes.c.stage, stage_changes.c.changed_at)
                .where(stage_changes.c.contact_id == contact_id)
                .order_by(stage_changes.c.id)
            )
            stages = [dict(one._mapping) for one in await connection.execute(query)]
        return {**_shown(row), "stages": stages}

    async def page(
        self, wanted: ContactFilter, *, limit: int, offset: int
    ) -> tuple[list[Row], int]:
        """Return some contacts, those changed last first, and how many there are in all."""
        query = wanted.apply(select(contacts))
        newest = query.order_by(contacts.c.updated_at.desc(), contacts.c.id.desc())
        count = wanted.apply(select(func.count()).select_from(contacts))
        async with self._database.read() as connection:
            rows = await connection.execute(newest.limit(limit).offset(offset))
            found = [_shown(row._mapping) for row in rows]
            return found, (await connection.execute(count)).scalar_one()

    async def every(self, wanted: ContactFilter) -> list[Row]:
        """Return all contacts that are wanted, oldest first."""
        query = wanted.apply(select(contacts)).order_by(contacts.c.id)
        async with self._database.read() as connection:
            return [_shown(row._mapping) for row in await connection.execute(query)]

    async def change(self, contact_id: int, changes: ContactChanges) -> Row:
        """Change fields of a contact and return it. Raises NotFound."""
        async with self._database.write() as connection:
            return await self.change_in(connection, contact_id, changes)

    async def change_in(
        self, connection: AsyncConnection, contact_id: int, changes: ContactChanges
    ) -> Row:
        """Change fields of a contact in the caller's transaction and return it. Raises NotFound."""
        row = await _row(connection, contact_id)
        given = {name: value for name, value in changes.model_dump().items() if value is not None}
        now = int(self._clock())
        changed = _with_search({**row, **given, "updated_at": now})
        await connection.execute(
            update(contacts).where(contacts.c.id == contact_id).values(changed)
        )
        if changed["stage"] != row["stage"]:
            await _note_stage(connection, contact_id, changed["stage"], now)
        return _shown(changed)

    async def advance_in(
        self, connection: AsyncConnection, contact_id: int, reached: Stage
    ) -> None:
        """Bring a contact into a stage unless it is further. Raises NotFound."""
        row = await _row(connection, contact_id)
        stage = advanced(Stage(row["stage"]), reached)
        if stage != row["stage"]:
            await self.change_in(connection, contact_id, ContactChanges(stage=stage))

    async def delete(self, contact_id: int) -> None:
        """Erase a contact with its conversations, follow-ups and quotes. Raises NotFound."""
        async with self._database.write() as connection:
            await _row(connection, contact_id)
            await connection.execute(
                delete(conversations).where(conversations.c.contact_id == contact_id)
            )
            await connection.execute(delete(contacts).where(contacts.c.id == contact_id))


async def _row(connection: AsyncConnection, contact_id: int) -> Row:
    query = select(contacts).where(contacts.c.id == contact_id).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"There is no contact {contact_id}.", "no_such_contact")
    return dict(row._mapping)


async def _note_stage(
    connection: AsyncConnection, contact_id: int, stage: str, changed_at: int
) -> None:
    row = {"contact_id": contact_id, "stage": str(stage), "changed_at": changed_at}
    await connection.execute(insert(stage_changes).values(row))


def _new_row(fields: ContactFields, now: int) -> Row:
    return _with_search({**fields.model_dump(), "created_at": now, "updated_at": now})


def _with_search(row: Row) -> Row:
    searched = folded(" ".join(row[name] for name in _SEARCHED))
    return {**row, "stage": str(row["stage"]), "searched": searched}


def _shown(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name != "searched"}
