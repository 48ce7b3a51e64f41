"""`offers` and `agreements`: what waits for a person's decision, and what they have decided."""

import time
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from understudy_apps.negotiator import agreements, offers
from understudy_apps.negotiator.agreements import Agreement
from understudy_apps.negotiator.dependencies import Parts, SignedIn

router = APIRouter(tags=["offers"])

_Id = Annotated[int, Path(ge=1, le=2**63 - 1)]


class OfferView(BaseModel):
    """An offer; in `terms` amounts are in euros, as text with two digits after the point."""

    id: int
    debt_id: int
    kind: Literal["discount", "plan", "partial"]
    status: Literal["open", "accepted", "withdrawn"]
    terms: dict[str, Any]
    created_at: datetime


class OfferList(BaseModel):
    """Every open offer of a user, oldest first."""

    offers: list[OfferView]


class AgreementView(BaseModel):
    """An accepted offer; it does not change any more."""

    id: int
    number: str
    date: date
    debt_id: int
    offer_id: int | None
    kind: Literal["discount", "plan", "partial"]
    terms: dict[str, Any]
    accepted_at: datetime


@router.get("/offers")
async def list_offers(session: SignedIn, parts: Parts) -> OfferList:
    """List the user's open offers."""
    async with parts.database.read() as connection:
        found = await offers.open_offers(connection, session.user_id)
    return OfferList.model_validate({"offers": [offers.view(offer) for offer in found]})


@router.post("/offers/{offer_id}/accept")
async def accept_offer(offer_id: _Id, session: SignedIn, parts: Parts) -> AgreementView:
    """Accept an offer; accepting it again answers with the same agreement."""
    now_s = int(time.time())
    return _view(await agreements.accept(parts.database, session.user_id, offer_id, now_s))


@router.get("/agreements/{agreement_id}")
async def get_agreement(agreement_id: _Id, session: SignedIn, parts: Parts) -> AgreementView:
    """Show an agreement with its receipt."""
    async with parts.database.read() as connection:
        return _view(await agreements.get(connection, session.user_id, agreement_id))


def _view(agreement: Agreement) -> AgreementView:
    receipt = agreement.receipt
    return AgreementView(
        id=agreement.id,
        number=receipt["number"],
        date=receipt["date"],
        debt_id=agreement.debt_id,
        offer_id=agreement.offer_id,
        kind=receipt["kind"],
        terms=offers.shown(receipt["terms"]),
        accepted_at=datetime.fromtimestamp(agreement.accepted_at, UTC),
    )
