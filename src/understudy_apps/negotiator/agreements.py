"""Agreements: what a person has accepted, with a receipt. They are made once and never changed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.errors import Conflict, NotFound
from understudy_apps.negotiator import cases, offers
from understudy_apps.negotiator.cases import Case
from understudy_apps.negotiator.offers import Offer
from understudy_apps.negotiator.tables import agreements


@dataclass(frozen=True, slots=True)
class Agreement:
    """An accepted offer. `receipt` has number, date, debt, kind and terms."""

    id: int
    debt_id: int
    offer_id: int
    receipt: dict[str, Any]
    accepted_at: int


async def accept(database: Database, user_id: int, offer_id: int, now_s: int) -> Agreement:
    """Make the agreement of an open offer; accepting it again returns the same one.

    Raises NotFound, and Conflict for an offer that no longer stands.
    """
    async with database.write() as connection:
        offer = await offers.find(connection, user_id, offer_id)
        case = await cases.lock(connection, user_id, offer.debt_id) if offer else None
        # Read again: the offer may have changed while the debt was waited for.
        offer = await offers.find(connection, user_id, offer_id)
        if offer is None or case is None:
            raise NotFound(f"There is no offer {offer_id}.", "offer_not_found")
        if offer.status == "accepted":
            return await _of_offer(connection, user_id, offer_id)
        _refuse_stale(offer, case)
        return await _make(connection, case, offer, now_s)


async def get(connection: AsyncConnection, user_id: int, agreement_id: int) -> Agreement:
    """Return an agreement. Raises NotFound."""
    query = _of(user_id).where(agreements.c.id == agreement_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"There is no agreement {agreement_id}.", "agreement_not_found")
    return Agreement(*row)


def _refuse_stale(offer: Offer, case: Case) -> None:
    if case.is_agreed:
        raise Conflict(
            f"There is already an agreement on debt {case.debt_id}; it cannot be changed.",
            "debt_agreed",
        )
    if offer.status != "open" or offer.terms["total_cents"] != case.total_cents:
        raise Conflict(
            "This offer no longer stands: a later one replaced it, or the debt was edited. "
            "Ask for the current offer.",
            "offer_withdrawn",
        )


async def _make(connection: AsyncConnection, case: Case, offer: Offer, now_s: int) -> Agreement:
    for other in await offers.open_offers(connection, case.user_id, case.debt_id):
        await offers.set_status(connection, other.id, "withdrawn")
    await offers.set_status(connection, offer.id, "accepted")
    await cases.set_status(connection, case.debt_id, "agreed")
    receipt = _receipt(case, offer, now_s)
    row = {
        "user_id": case.user_id,
        "debt_id": case.debt_id,
        "offer_id": offer.id,
        "receipt": receipt,
        "accepted_at": now_s,
    }
    made = await connection.execute(insert(agreements).values(row).returning(agreements.c.id))
    return Agreement(made.scalar_one(), case.debt_id, offer.id, receipt, now_s)


def _receipt(case: Case, offer: Offer, now_s: int) -> dict[str, Any]:
    """Return the receipt; its number follows from the offer, which is accepted once."""
    date = datetime.fromtimestamp(now_s, UTC).date()
    return {
        "number": f"{date.year}-{offer.id:06}",
        "date": date.isoformat(),
        "debt_id": case.debt_id,
        "kind": offer.kind,
        "terms": offer.terms,
    }


async def _of_offer(connection: AsyncConnection, user_id: int, offer_id: int) -> Agreement:
    query = _of(user_id).where(agreements.c.offer_id == offer_id)
    return Agreement(*(await connection.execute(query)).one())


def _of(user_id: int) -> Select[Any]:
    columns = agreements.c
    return select(
        columns.id, columns.debt_id, columns.offer_id, columns.receipt, columns.accepted_at
    ).where(columns.user_id == user_id)
