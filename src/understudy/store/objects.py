"""Plain objects: one JSON document each, found by project and id, listed by kind and parent.

Every function works within the transaction of its caller. Knows no kind by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import Conflict, NotFound
from understudy.ids import now_s
from understudy.store.pages import Listing, PageQuery
from understudy.store.schema import objects

_columns = objects.c


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it is stored; `document` holds what its columns don't."""

    id: str
    kind: str
    created_at: int
    document: dict[str, Any]
    parent: str = ""
    name: str | None = None
    status: str = ""
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """A page of a list."""

    objects: list[StoredObject]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Collection:
    """The objects of one kind in one project, or those of one parent."""

    project_id: str
    kind: str
    parent: str | None = None
    noun: str = field(default="object", kw_only=True)
    """What messages call one, e.g. `vector store`."""

    async def insert(self, connection: AsyncConnection, made: StoredObject) -> None:
        """Add an object. Raises Conflict for an id or a name that is in use."""
        values = {
            "project_id": self.project_id,
            "kind": self.kind,
            "parent": made.parent,
            "id": made.id,
            "name": made.name,
            "status": made.status,
            "created_at": made.created_at,
            "expires_at": made.expires_at,
            "document": made.document,
        }
        try:
            await connection.execute(objects.insert().values(values))
        except IntegrityError as error:
            raise Conflict(f"There is a {self.noun} of this id or name already.") from error

    async def find(
        self, connection: AsyncConnection, id_: str, *, for_update: bool = False
    ) -> StoredObject:
        """Return the object; raises NotFound when there is none, or it has been deleted or expired.

        `for_update` keeps others from changing it until the transaction ends.
        """
        wanted = select(objects).where(self._where(), _columns.id == id_, is_alive())
        if for_update:
            wanted = wanted.with_for_update()
        if (row := (await connection.execute(wanted)).first()) is None:
            raise self.not_found(id_)
        return stored(row)

    async def find_all(
        self, connection: AsyncConnection, ids: Sequence[str]
    ) -> dict[str, StoredObject]:
        """Return those of `ids` that exist, by id."""
        wanted = select(objects).where(self._where(), _columns.id.in_(ids), is_alive())
        return {row.id: stored(row) for row in await connection.execute(wanted)}

    async def update(self, connection: AsyncConnection, id_: str, **values: Any) -> StoredObject:
        """Set columns (document, status, name, expires_at) of an object and return it as it is now.

        Raises NotFound, or Conflict for a name that is in use.
        """
        changed = (
            update(objects)
            .where(self._where(), _columns.id == id_, is_alive())
            .values(**values)
            .returning(objects)
        )
        try:
            row = (await connection.execute(changed)).first()
        except IntegrityError as error:
            raise Conflict(f"There is a {self.noun} of this name already.") from error
        if row is None:
            raise self.not_found(id_)
        return stored(row)

    async def delete(self, connection: AsyncConnection, id_: str) -> StoredObject:
        """Delete an object and return what it was; its id stays a valid cursor. Raises NotFound."""
        was = await self.find(connection, id_, for_update=True)
        await connection.execute(
            update(objects)
            .where(self._where(), _columns.id == id_)
            .values(deleted_at=now_s(), document={}, expires_at=None)
        )
        return was

    async def page(
        self, connection: AsyncConnection, query: PageQuery, *conditions: ColumnElement[bool]
    ) -> ObjectPage:
        """Return one page of the list, of objects that also meet `conditions`."""
        listing = Listing(objects, self._where(), _columns.id)
        page = await listing.page(connection, query, _is_not_expired(), *conditions)
        return ObjectPage([stored(row) for row in page.rows], page.has_more)

    def not_found(self, id_: str) -> NotFound:
        """Return the error for an id that the caller's project does not have."""
        return NotFound(f"No {self.noun} found with id '{id_}'.", code="not_found")

    def _where(self) -> ColumnElement[bool]:
        where = and_(_columns.project_id == self.project_id, _columns.kind == self.kind)
        return where if self.parent is None else and_(where, _columns.parent == self.parent)


def is_alive() -> ColumnElement[bool]:
    """Return the condition that an object is neither deleted nor expired."""
    return and_(_columns.deleted_at.is_(None), _is_not_expired())


def stored(row: Row[Any]) -> StoredObject:
    """Return a row of `objects` as an object."""
    return StoredObject(
        id=row.id,
        kind=row.kind,
        created_at=row.created_at,
        document=row.document,
        parent=row.parent,
        name=row.name,
        status=row.status,
        expires_at=row.expires_at,
    )


async def of_every_project(
    connection: AsyncConnection, kind: str, ids: Select[tuple[str]]
) -> list[StoredObject]:
    """Return the objects of a kind, whoever's they are, whose ids a query selects."""
    wanted = select(objects).where(_columns.kind == kind, _columns.id.in_(ids), is_alive())
    return [stored(row) for row in await connection.execute(wanted)]


def _is_not_expired() -> ColumnElement[bool]:
    return or_(_columns.expires_at.is_(None), _columns.expires_at > now_s())
