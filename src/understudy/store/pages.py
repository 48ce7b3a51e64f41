"""One cursor paginator for every list: order is (created_at, seq), deleted rows stay as cursors."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, Table, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import InvalidValue

Order = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page of a list is wanted; the cursors are ids."""

    limit: int = 20
    order: Order = "desc"
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order that was asked for, and whether there are more in that direction."""

    rows: list[Row[Any]]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: rows of `table` for which `where` holds, each known to clients by `cursor`.

    `table` has the columns created_at, seq and deleted_at.
    """

    table: Table
    where: ColumnElement[bool]
    cursor: ColumnElement[str]

    async def page(
        self, connection: AsyncConnection, query: PageQuery, *conditions: ColumnElement[bool]
    ) -> Page:
        """Return one page of the rows that are not deleted and meet `conditions`.

        A cursor need not meet them. Raises InvalidValue for one that this list never held.
        """
        columns = self.table.c
        place = tuple_(columns.created_at, columns.seq)
        wanted = select(self.table).where(self.where, columns.deleted_at.is_(None), *conditions)
        for param, cursor in (("after", query.after), ("before", query.before)):
            if cursor is None:
                continue
            at = tuple_(*await self._place(connection, param, cursor))
            is_later = (param == "after") == (query.order == "asc")
            wanted = wanted.where(place > at if is_later else place < at)
        is_backward = query.before is not None and query.after is None
        ascending = (query.order == "asc") != is_backward
        return await self._read(connection, wanted, query.limit, ascending, is_backward)

    async def _read(
        self,
        connection: AsyncConnection,
        wanted: Select[Any],
        limit: int,
        ascending: bool,
        is_backward: bool,
    ) -> Page:
        columns = (self.table.c.created_at, self.table.c.seq)
        ordered = wanted.order_by(*(c.asc() if ascending else c.desc() for c in columns))
        rows = list(await connection.execute(ordered.limit(limit + 1)))
        has_more = len(rows) > limit
        rows = rows[:limit]
        return Page(rows[::-1] if is_backward else rows, has_more)

    async def _place(self, connection: AsyncConnection, param: str, cursor: str) -> tuple[int, int]:
        columns = self.table.c
        found = await connection.execute(
            select(columns.created_at, columns.seq)
            .where(self.where, self.cursor == cursor)
            .order_by(columns.seq.desc())
        )
        if (row := found.first()) is None:
            raise InvalidValue(param, f"no object with id '{cursor}' was ever in this list")
        return row.created_at, row.seq
