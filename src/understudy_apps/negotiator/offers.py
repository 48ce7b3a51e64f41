"""Offers that wait for a person's decision: made by the functions of the assistant, kept here.

Of each kind a debt has one open offer at most: a new one replaces it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.negotiator import money
from understudy_apps.negotiator.cases import Case
from understudy_apps.negotiator.negotiation import Answer
from understudy_apps.negotiator.plans import Instalments, PartialPayment
from understudy_apps.negotiator.tables import offers

Kind = Literal["discount", "plan", "partial"]
Terms = dict[str, Any]
"""JSON: money in cents, percentages as text."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer of a debt. `status` is open, accepted or withdrawn."""

    id: int
    debt_id: int
    kind: str
    terms: Terms
    status: str
    created_at: int


def discount_terms(answer: Answer) -> Terms:
    """Return the terms of paying a whole debt at once."""
    return {
        "total_cents": answer.total_cents,
        "discount_percent": str(answer.discount_percent),
        "pays_cents": answer.price_cents,
    }


def plan_terms(plan: Instalments) -> Terms:
    """Return the terms of paying a debt in instalments."""
    return {
        "total_cents": plan.total_cents,
        "pays_cents": plan.total_cents,
        "instalments": _instalment_terms(plan),
    }


def partial_terms(total_cents: int, partial: PartialPayment) -> Terms:
    """Return the terms of paying a part at once and the rest, with a discount, in instalments."""
    return {
        "total_cents": total_cents,
        "immediate_cents": partial.immediate_cents,
        "rest_cents": partial.rest_cents,
        "discount_percent": f"{partial.discount_percent.normalize():f}",
        "pays_cents": partial.total_cents,
        "instalments": _instalment_terms(partial.rest),
    }


def _instalment_terms(plan: Instalments) -> Terms:
    return {
        "months": plan.months,
        "monthly_cents": plan.monthly_cents,
        "last_cents": plan.last_cents,
        "total_cents": plan.total_cents,
    }


def shown(terms: Terms) -> Terms:
    """Return terms as people's programs see them: euros as text, in place of cents."""
    return {
        name.removesuffix("_cents"): money.plain(value)
        if name.endswith("_cents")
        else (shown(value) if isinstance(value, dict) else value)
        for name, value in terms.items()
    }


def view(offer: Offer) -> dict[str, Any]:
    """Return an offer as people's programs see it."""
    return {
        "id": offer.id,
        "debt_id": offer.debt_id,
        "kind": offer.kind,
        "status": offer.status,
        "terms": shown(offer.terms),
        "created_at": datetime.fromtimestamp(offer.created_at, UTC).isoformat(),
    }


async def propose(
    connection: AsyncConnection, case: Case, kind: Kind, terms: Terms, now_s: int
) -> Offer:
    """Store an open offer in place of that of its kind; one with the same terms stays.

    The caller has locked the debt.
    """
    for earlier in await open_offers(connection, case.user_id, case.debt_id):
        if earlier.kind == kind and earlier.terms == terms:
            return earlier
        if earlier.kind == kind:
            await set_status(connection, earlier.id, "withdrawn")
    row = {
        "debt_id": case.debt_id,
        "user_id": case.user_id,
        "kind": kind,
        "terms": terms,
        "status": "open",
        "created_at": now_s,
    }
    made = await connection.execute(insert(offers).values(row).returning(offers.c.id))
    return Offer(made.scalar_one(), case.debt_id, kind, terms, "open", now_s)


async def open_offers(
    connection: AsyncConnection, user_id: int, debt_id: int | None = None
) -> list[Offer]:
    """Return the open offers of a user, of one debt if it is named, oldest first."""
    query = _of(user_id).where(offers.c.status == "open").order_by(offers.c.id)
    if debt_id is not None:
        query = query.where(offers.c.debt_id == debt_id)
    return [Offer(*row) for row in await connection.execute(query)]


async def find(connection: AsyncConnection, user_id: int, offer_id: int) -> Offer | None:
    """Return an offer, None when the user has none of that id."""
    row = (await connection.execute(_of(user_id).where(offers.c.id == offer_id))).one_or_none()
    return Offer(*row) if row else None


async def set_status(connection: AsyncConnection, offer_id: int, status: str) -> None:
    """Store the status of an offer, whose debt the caller has locked."""
    await connection.execute(update(offers).where(offers.c.id == offer_id).values(status=status))


def _of(user_id: int) -> Select[Any]:
    columns = offers.c
    return select(
        columns.id,
        columns.debt_id,
        columns.kind,
        columns.terms,
        columns.status,
        columns.created_at,
    ).where(columns.user_id == user_id)
