"""`dashboard` and `pipeline`: how sales go."""

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel

from understudy_apps.sales import dashboard
from understudy_apps.sales.contacts import ContactFilter
from understudy_apps.sales.dependencies import Operator, Parts
from understudy_apps.sales.pipeline import Stage
from understudy_apps.sales.routes.contacts import Contact

router = APIRouter(tags=["dashboard"])

_MOST_OF_A_STAGE = 100


class Day(BaseModel):
    """What a day brought."""

    day: date
    contacts: int
    messages: int
    won: int


class FollowUpCounts(BaseModel):
    """How many tasks there are; the due ones are among the open ones."""

    open: int
    due: int


class QuoteCounts(BaseModel):
    """How many quotes were made, and their sums by currency."""

    count: int
    total_cents: dict[str, int]


class Dashboard(BaseModel):
    """Counts of now, and a series by day; `conversion_percent` is won of won and lost."""

    contacts: int
    by_stage: dict[Stage, int]
    by_interest: dict[str, int]
    by_channel: dict[str, int]
    by_intent: dict[str, int]
    conversations: dict[str, int]
    follow_ups: FollowUpCounts
    quotes: QuoteCounts
    conversion_percent: float | None
    series: list[Day]


class Column(BaseModel):
    """A stage with its contacts, those changed last first, at most a hundred."""

    stage: Stage
    total: int
    contacts: list[Contact]


@router.get("/dashboard")
async def show_dashboard(
    _session: Operator, parts: Parts, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> Dashboard:
    """Show counts and the series of the last days."""
    zone = ZoneInfo(parts.settings.timezone)
    found = await dashboard.numbers(parts.database, parts.today(), days, zone)
    return Dashboard.model_validate(found)


@router.get("/pipeline")
async def show_pipeline(_session: Operator, parts: Parts) -> list[Column]:
    """Show the stages in their order, with their contacts."""
    columns = []
    for stage in Stage:
        wanted = ContactFilter(stage=stage)
        rows, total = await parts.records.contacts.page(wanted, limit=_MOST_OF_A_STAGE, offset=0)
        contacts = [Contact(**row) for row in rows]
        columns.append(Column(stage=stage, total=total, contacts=contacts))
    return columns
