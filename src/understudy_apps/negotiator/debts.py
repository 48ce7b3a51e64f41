"""People's debts: made, listed, edited and deleted while nothing is agreed. Knows nothing of HTTP.

Every query names the user, so another user's debt is one that does not exist.
"""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.errors import Conflict, NotFound
from understudy_apps.negotiator.tables import agreements, chats, debts, negotiations, offers, users

MAXIMUM_DEBTS = 200
"""That a user may have at once: far more than anybody has, and a list that needs no pages."""


@dataclass(frozen=True, slots=True)
class Debt:
    """A debt of a user; `agreement_id` is set once it is settled."""

    id: int
    total_cents: int
    maximum_months: int
    status: str
    created_at: int
    agreement_id: int | None


async def create(database: Database, user_id: int, total_cents: int, maximum_months: int) -> Debt:
    """Store a new debt.

    Raises Conflict when the user has as many as may be, and NotFound when the account is gone.
    """
    row = {
        "user_id": user_id,
        "total_cents": total_cents,
        "maximum_months": maximum_months,
        "created_at": int(time.time()),
    }
    async with database.write() as connection:
        owner = select(users.c.id).where(users.c.id == user_id).with_for_update()
        if (await connection.execute(owner)).one_or_none() is None:
            raise NotFound("The account does not exist any more.", "not_found")
        counted = select(func.count()).select_from(_of(user_id).subquery())
        if (await connection.execute(counted)).scalar_one() >= MAXIMUM_DEBTS:
            raise Conflict(f"There can be {MAXIMUM_DEBTS} debts at most.", "too_many_debts")
        debt_id = await connection.execute(insert(debts).values(row).returning(debts.c.id))
        return await _one(connection, user_id, debt_id.scalar_one())


async def list_all(database: Database, user_id: int) -> list[Debt]:
    """Return a user's debts, oldest first."""
    async with database.read() as connection:
        rows = await connection.execute(_of(user_id).order_by(debts.c.id))
        return [_debt(row) for row in rows]


async def get(database: Database, user_id: int, debt_id: int) -> Debt:
    """Return a debt. Raises NotFound."""
    async with database.read() as connection:
        return await _one(connection, user_id, debt_id)


async def edit(database: Database, user_id: int, debt_id: int, changes: dict[str, int]) -> Debt:
    """Change `total_cents`, `maximum_months` or both; the negotiation starts over.

    Raises NotFound, and Conflict once an agreement stands on the debt.
    """
    async with database.write() as connection:
        await _locked(connection, user_id, debt_id)
        await _start_over(connection, debt_id)
        statement = update(debts).where(debts.c.id == debt_id)
        await connection.execute(statement.values(**changes, status="open"))
        return await _one(connection, user_id, debt_id)


async def remove(database: Database, user_id: int, debt_id: int) -> None:
    """Delete a debt with its negotiation and its offers.

    Raises NotFound, and Conflict once an agreement stands on the debt.
    """
    async with database.write() as connection:
        await _locked(connection, user_id, debt_id)
        await _start_over(connection, debt_id)
        about_it = update(chats).where(chats.c.debt_id == debt_id)
        await connection.execute(about_it.values(debt_id=None))
        statement = update(debts).where(debts.c.id == debt_id)
        await connection.execute(statement.values(deleted_at=int(time.time())))


async def _locked(connection: AsyncConnection, user_id: int, debt_id: int) -> None:
    """Lock a debt against acceptance and other edits; see `_one` for what is raised."""
    lock = select(debts.c.id).where(debts.c.id == debt_id, debts.c.user_id == user_id)
    await connection.execute(lock.with_for_update())
    debt = await _one(connection, user_id, debt_id)
    if debt.agreement_id is not None:
        raise Conflict(
            "An agreement stands on this debt, so it cannot be changed or deleted.", "debt_agreed"
        )


async def _start_over(connection: AsyncConnection, debt_id: int) -> None:
    """Forget what was negotiated on other terms."""
    await connection.execute(delete(negotiations).where(negotiations.c.debt_id == debt_id))
    open_offers = (offers.c.debt_id == debt_id) & (offers.c.status == "open")
    await connection.execute(update(offers).where(open_offers).values(status="withdrawn"))


def _of(user_id: int) -> Select[Any]:
    return (
        select(debts, agreements.c.id.label("agreement_id"))
        .select_from(debts.outerjoin(agreements, agreements.c.debt_id == debts.c.id))
        .where(debts.c.user_id == user_id, debts.c.deleted_at.is_(None))
    )


async def _one(connection: AsyncConnection, user_id: int, debt_id: int) -> Debt:
    row = (await connection.execute(_of(user_id).where(debts.c.id == debt_id))).one_or_none()
    if row is None:
        raise NotFound(f"You have no debt {debt_id}.", "debt_not_found")
    return _debt(row)


def _debt(row: Row[Any]) -> Debt:
    return Debt(**{name: row._mapping[name] for name in Debt.__slots__})
