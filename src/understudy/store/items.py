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

    async def all(
        self, connection: AsyncConnection, *conditions: ColumnElement[bool]
    ) -> list[Item]:
        """Return every item that meets `conditions`, in its order."""
        wanted = (
            select(items)
            .where(self.where(), _columns.deleted_at.is_(None), *conditions)
            .order_by(_columns.created_at, _columns.seq)
        )
        return [_item(row) for row in await connection.execute(wanted)]

    async def last_id(self, connection: AsyncConnection) -> str | None:
        """Return the id of the newest item, None where there is none."""
        wanted = (
            select(_columns.id)
            .where(self.where(), _columns.deleted_at.is_(None))
            .order_by(_columns.created_at.desc(), _columns.seq.desc())
            .limit(1)
        )
        found: str | None = await connection.scalar(wanted)
        return found

    async def find(
        self,
        connection: AsyncConnection,
        id_: str,
        *conditions: ColumnElement[bool],
        type_: str | None = None,
        for_update: bool = False,
    ) -> Item:
        """Return the item that meets `conditions`, of `type_` if it is given. Raises NotFound."""
        wanted = select(items).where(
            self.where(), _columns.id == id_, _columns.deleted_at.is_(None), *conditions
        )
        if type_ is not None:
            wanted = wanted.where(is_of_type(type_))
        if for_update:
            wanted = wanted.with_for_update()
        if (row := (await connection.execute(wanted)).first()) is None:
            raise NotFound(f"No {type_ or 'item'} found with id '{id_}'.", code="not_found")
        return _item(row)

    async def page(
        self, connection: AsyncConnection, query: PageQuery, *conditions: ColumnElement[bool]
    ) -> tuple[list[Item], bool]:
        """Return one page of the items that meet `conditions`, and whether there are more."""
        listing = Listing(items, self.where(), _columns.id)
        found = await listing.page(connection, query, *conditions)
        return [_item(row) for row in found.rows], found.has_more

    async def set_metadata(
        self, connection: AsyncConnection, id_: str, metadata: dict[str, str]
    ) -> None:
        """Replace the metadata of an item."""
        await connection.execute(
            update(items)
            .where(self.where(), _columns.id == id_)
            .values(metadata=_encode(metadata).decode())
        )

    async def delete(self, connection: AsyncConnection, id_: str) -> None:
        """Delete an item; its id stays a valid cursor."""
        await connection.execute(
            update(items).where(self.where(), _columns.id == id_).values(_emptied())
        )

    async def clear(self, connection: AsyncConnection) -> None:
        """Delete every item."""
        await connection.execute(update(items).where(self.where()).values(_emptied()))

    def where(self) -> ColumnElement[bool]:
        """Return the condition that an item is of this log."""
        return and_(_columns.project_id == self.project_id, _columns.thread_id == self.thread_id)


async def of_logs(
    connection: AsyncConnection, project_id: str, thread_ids: Sequence[str]
) -> dict[str, list[Item]]:
    """Return every item of several logs in its order, by the id of the log."""
    found: dict[str, list[Item]] = {id_: [] for id_ in thread_ids}
    wanted = (
        select(items)
        .where(
            _columns.project_id == project_id,
            _columns.thread_id.in_(list(found)),
            _columns.deleted_at.is_(None),
        )
        .order_by(_columns.created_at, _columns.seq)
    )
    for row in await connection.execute(wanted):
        found[row.thread_id].append(_item(row))
    return found


async def find_all(
    connection: AsyncConnection, project_id: str, ids: Sequence[str]
) -> dict[str, Item]:
    """Return the items of a project that have these ids, in whichever log, by id."""
    wanted = select(items).where(
        _columns.project_id == project_id, _columns.id.in_(ids), _columns.deleted_at.is_(None)
    )
    return {row.id: _item(row) for row in await connection.execute(wanted)}


async def move(connection: AsyncConnection, log: Log, thread_id: str) -> None:
    """Append what a log holds to another of the same project, which has grown no further since."""
    await connection.execute(update(items).where(log.where()).values(thread_id=thread_id))


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


def is_of_type(*types: str) -> ColumnElement[bool]:
    """Return the condition that an item is of one of these types."""
    return _columns.type.in_(types)


def is_one_of(ids: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that an item has one of these ids."""
    return _columns.id.in_(ids)


def is_without(json: str) -> ColumnElement[bool]:
    """Return the condition that an item's JSON has no such piece, `"role":"system"` for example.

    A text cannot be taken for one: its quotation marks are escaped.
    """
    return _columns.document.not_like(f"%{json}%")


def is_of_response(response_id: str, *, since: int) -> ColumnElement[bool]:
    """Return the condition that an item belongs to a response, made at `since`."""
    # The time lets the index skip what is older in a long conversation.
    return and_(_columns.created_at >= since, _columns.response_id == response_id)


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
