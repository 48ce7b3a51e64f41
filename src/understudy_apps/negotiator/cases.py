"""A person's debts as the negotiation sees them, and the state of each negotiation.

Every query names the user; a debt that is another's, or deleted, is not there.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.negotiator.negotiation import State
from understudy_apps.negotiator.plans import Debt
from understudy_apps.negotiator.tables import debts, negotiations


@dataclass(frozen=True, slots=True)
class Case:
    """One debt of one person."""

    debt_id: int
    user_id: int
    total_cents: int
    maximum_months: int
    status: str

    @property
    def is_agreed(self) -> bool:
        """Whether there is an agreement, after which nothing is negotiated."""
        return self.status == "agreed"

    @property
    def debt(self) -> Debt:
        """What plans depend on."""
        return Debt(self.total_cents, self.maximum_months)


def negotiable(found: list[Case]) -> list[Case]:
    """Return the debts without an agreement; where all have one, all of them."""
    return [case for case in found if not case.is_agreed] or found


async def listed(connection: AsyncConnection, user_id: int) -> list[Case]:
    """Return a user's debts, oldest first."""
    rows = await connection.execute(_of(user_id).order_by(debts.c.id))
    return [Case(*row) for row in rows]


async def find(connection: AsyncConnection, user_id: int, debt_id: int) -> Case | None:
    """Return a debt, None when the user has none of that id."""
    row = (await connection.execute(_of(user_id).where(debts.c.id == debt_id))).one_or_none()
    return Case(*row) if row else None


async def lock(connection: AsyncConnection, user_id: int, debt_id: int) -> Case | None:
    """Return a debt that nobody else changes until the transaction ends, None without it."""
    query = _of(user_id).where(debts.c.id == debt_id).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return Case(*row) if row else None


async def set_status(connection: AsyncConnection, debt_id: int, status: str) -> None:
    """Store the status of a debt, which the caller has locked."""
    await connection.execute(update(debts).where(debts.c.id == debt_id).values(status=status))


async def state_of(connection: AsyncConnection, debt_id: int) -> State:
    """Return where the negotiation of a debt stands."""
    columns = negotiations.c
    query = select(columns.discount_percent, columns.attempts).where(columns.debt_id == debt_id)
    row = (await connection.execute(query)).one_or_none()
    return State(*row) if row else State()


async def save(
    connection: AsyncConnection, case: Case, before: State, after: State, now_s: int
) -> None:
    """Store the state that follows on `before`; the debt is locked by the caller.

    A first request begins the negotiation of the debt.
    """
    columns = negotiations.c
    values = {
        "discount_percent": after.discount_percent,
        "attempts": after.attempts,
        "status": "closed" if after.is_closed else "open",
        "updated_at": now_s,
    }
    unchanged = (
        (columns.debt_id == case.debt_id)
        & (columns.discount_percent == before.discount_percent)
        & (columns.attempts == before.attempts)
    )
    changed = await connection.execute(update(negotiations).where(unchanged).values(values))
    if not changed.rowcount:
        # There is no row yet; had another request changed it, its key would refuse this one.
        await connection.execute(insert(negotiations).values(debt_id=case.debt_id, **values))
    if case.status == "open":
        await set_status(connection, case.debt_id, "negotiating")


def _of(user_id: int) -> Select[Any]:
    columns = debts.c
    return select(
        columns.id, columns.user_id, columns.total_cents, columns.maximum_months, columns.status
    ).where(columns.user_id == user_id, columns.deleted_at.is_(None))
