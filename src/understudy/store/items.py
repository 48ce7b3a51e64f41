"""The conversation log: threads as ordered items in the shape of the Responses API.

Every function works within the transaction of its caller. Knows no thread and no run, only their
ids, and of an item only its type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Insert, Row, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotFound
from understudy.ids import now_s
from understudy.store.pages import Listing, PageQuery
from understudy.store.schema import items

_columns = items.c
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a thread: a message, a function call, its output, a search.

    `document` is the item as the Responses API shows it; `metadata` and `extra` are what messages
    of threads have besides (attachments, file_ids, incomplete_details, completed_at, ...).
    """

    id: str
    type: str
    created_at: int
    document: dict[str, Any]
    run_id: str | None = None
    step_id: str | None = None
    response_id: str | None = None
    assistant_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Log:
    """The items of one thread."""

    project_id: str
    thread_id: str

    async def add(self, connection: AsyncConnection, made: Sequence[Item]) -> None:
        """Append items in their order; one whose id is there already is replaced in its place."""
        if made:
            await put(connection, [self.row(item) for item in made])

    def row(self, item: Item) -> dict[str, Any]:
        """Return an item as a row for `put`."""
        return {
            "project_id": self.project_id,
            "thread_id": self.thread_id,
            "id": item.id,
            "type": item.type,
            "created_at": item.created_at,
            "run_id": item.run_id,
            "step_id": item.step_id,
            "response_id": item.response_id,
            "assistant_id": item.assistant_id,
            "document": _encode(item.document).decode(),
            "metadata": _encode(item.metadata).decode(),
            "extra": _encode(item.extra).decode(),
        }

    async def all(self, connection: AsyncConnection) -> list[Item]:
        """Return every item in its order."""
        wanted = (
            select(items)
            .where(self._where(), _columns.deleted_at.is_(None))
            .order_by(_columns.created_at, _columns.seq)
        )
        return [_item(row) for row in await connection.execute(wanted)]

    async def find(
        self, connection: AsyncConnection, id_: str, *, type_: str, for_update: bool = False
    ) -> Item:
        """Return the item of this type. Raises NotFound."""
        wanted = select(items).where(
            self._where(), _columns.id == id_, _columns.type == type_, _columns.deleted_at.is_(None)
        )
        if for_update:
            wanted = wanted.with_for_update()
        if (row := (await connection.execute(wanted)).first()) is None:
            raise NotFound(f"No {type_} found with id '{id_}'.", code="not_found")
        return _item(row)

    async def page(
        self, connection: AsyncConnection, query: PageQuery, *conditions: ColumnElement[bool]
    ) -> tuple[list[Item], bool]:
        """Return one page of the items that meet `conditions`, and whether there are more."""
        listing = Listing(items, self._where(), _columns.id)
        found = await listing.page(connection, query, *conditions)
        return [_item(row) for row in found.rows], found.has_more

    async def set_metadata(
        self, connection: AsyncConnection, id_: str, metadata: dict[str, str]
    ) -> None:
        """Replace the metadata of an item."""
        await connection.execute(
            update(items)
            .where(self._where(), _columns.id == id_)
            .values(metadata=_encode(metadata).decode())
        )

    async def delete(self, connection: AsyncConnection, id_: str) -> None:
        """Delete an item; its id stays a valid cursor."""
        await connection.execute(
            update(items).where(self._where(), _columns.id == id_).values(_emptied())
        )

    async def clear(self, connection: AsyncConnection) -> None:
        """Delete every item."""
        await connection.execute(update(items).where(self._where()).values(_emptied()))

    def _where(self) -> ColumnElement[bool]:
        return and_(_columns.project_id == self.project_id, _columns.thread_id == self.thread_id)


async def put(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of any thread, made by `Log.row`; an id that is there already is replaced."""
    await connection.execute(_put(connection.dialect.name), rows)


@cache
def _put(dialect: str) -> Insert:
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(items)
    replaced = {
        name: statement.excluded[name]
        for name in ("document", "metadata", "extra", "run_id", "step_id", "assistant_id")
    }
    made: Insert = statement.on_conflict_do_update(
        index_elements=["project_id", "id"], set_=replaced
    )
    return made


def is_of_type(type_: str) -> ColumnElement[bool]:
    """Return the condition that an item is of this type."""
    return _columns.type == type_


def is_of_run(run_id: str) -> ColumnElement[bool]:
    """Return the condition that a run wrote the item."""
    return _columns.run_id == run_id


def _emptied() -> dict[str, Any]:
    return {"deleted_at": now_s(), "document": "{}", "metadata": "{}", "extra": "{}"}


def _item(row: Row[Any]) -> Item:
    return Item(
        id=row.id,
        type=row.type,
        created_at=row.created_at,
        document=msgspec.json.decode(row.document),
        run_id=row.run_id,
        step_id=row.step_id,
        response_id=row.response_id,
        assistant_id=row.assistant_id,
        metadata=msgspec.json.decode(row.metadata),
        extra=msgspec.json.decode(row.extra),
    )
