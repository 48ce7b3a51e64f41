"""`debts`: what a user owes."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from understudy_apps.errors import BadRequest
from understudy_apps.negotiator import debts, money
from understudy_apps.negotiator.debts import Debt
from understudy_apps.negotiator.dependencies import Parts, SignedIn
from understudy_apps.negotiator.plans import Debt as DebtTerms

router = APIRouter(tags=["debts"])

_WRITTEN = re.compile(r"\s*-?[0-9]{1,15}(\.[0-9]+)?\s*")
_FAULTS: dict[money.Fault, str] = {
    "not_a_number": "must be an amount with a point before the cents, such as 1234.56",
    "not_positive": "must be more than zero",
    "too_precise": "has whole cents: two digits after the point at most",
    "too_large": "is larger than any debt",
}
_LONGEST_MONTHS = 600


def _cents(given: Any) -> int:
    """Return an amount in cents; a comma or a unit would be guesswork, so neither is read."""
    try:
        if isinstance(given, str) and not _WRITTEN.fullmatch(given):
            raise money.BadAmount("not_a_number")
        return money.cents_of(given)
    except money.BadAmount as bad:
        raise BadRequest(f"total: {_FAULTS[bad.fault]}.", f"amount_{bad.fault}", "total") from bad


_Euros = Annotated[
    int,
    BeforeValidator(_cents),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": r"^\d+(\.\d{1,2})?$"}, {"type": "number"}],
            "description": "Euros, more than zero, with two digits after the point at most.",
            "examples": ["1234.56"],
        }
    ),
]
_Months = Annotated[int, Field(ge=1, le=_LONGEST_MONTHS, strict=True)]
_DebtId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class NewDebt(BaseModel):
    """A debt: what is owed, and in how many months at most it is to be paid."""

    model_config = ConfigDict(extra="forbid")

    total: _Euros
    maximum_months: _Months


class DebtChanges(BaseModel):
    """What is to be different."""

    model_config = ConfigDict(extra="forbid")

    total: _Euros | None = None
    maximum_months: _Months | None = None


class DebtView(BaseModel):
    """A debt; amounts are in euros, as text with two digits after the point."""

    id: int
    total: str
    currency: Literal["EUR"] = "EUR"
    maximum_months: int
    minimum_monthly_payment: str
    status: Literal["open", "negotiating", "agreed"]
    agreement_id: int | None
    created_at: datetime


class DebtList(BaseModel):
    """Every debt of a user, oldest first."""

    debts: list[DebtView]


@router.get("/debts")
async def list_debts(session: SignedIn, parts: Parts) -> DebtList:
    """List the user's debts."""
    found = await debts.list_all(parts.database, session.user_id)
    return DebtList(debts=[_view(debt) for debt in found])


@router.post("/debts", status_code=201)
async def create_debt(body: NewDebt, session: SignedIn, parts: Parts) -> DebtView:
    """Create a debt."""
    debt = await debts.create(parts.database, session.user_id, body.total, body.maximum_months)
    return _view(debt)


@router.get("/debts/{debt_id}")
async def get_debt(debt_id: _DebtId, session: SignedIn, parts: Parts) -> DebtView:
    """Show a debt and its status."""
    return _view(await debts.get(parts.database, session.user_id, debt_id))


@router.patch("/debts/{debt_id}")
async def edit_debt(
    debt_id: _DebtId, body: DebtChanges, session: SignedIn, parts: Parts
) -> DebtView:
    """Edit a debt without an agreement; its negotiation starts over."""
    changes = body.model_dump(exclude_none=True)
    if not changes:
        raise BadRequest("Give total, maximum_months or both.", "missing_field", "total")
    if "total" in changes:
        changes["total_cents"] = changes.pop("total")
    return _view(await debts.edit(parts.database, session.user_id, debt_id, changes))


@router.delete("/debts/{debt_id}", status_code=204)
async def delete_debt(debt_id: _DebtId, session: SignedIn, parts: Parts) -> None:
    """Delete a debt without an agreement."""
    await debts.remove(parts.database, session.user_id, debt_id)


def _view(debt: Debt) -> DebtView:
    terms = DebtTerms(debt.total_cents, debt.maximum_months)
    return DebtView(
        id=debt.id,
        total=money.plain(debt.total_cents),
        maximum_months=debt.maximum_months,
        minimum_monthly_payment=money.plain(terms.minimum_payment_cents),
        status=debt.status,
        agreement_id=debt.agreement_id,
        created_at=datetime.fromtimestamp(debt.created_at, UTC),
    )
