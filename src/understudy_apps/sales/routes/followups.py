"""`follow-ups`: what is to be done for a contact, and on which day."""

from datetime import date, datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from understudy_apps.sales.dependencies import Operator, Parts
from understudy_apps.sales.followups import Wanted
from understudy_apps.sales.shapes import FollowUpChanges, FollowUpFields, Id

router = APIRouter(tags=["follow-ups"])


class FollowUp(BaseModel):
    """A task for a day."""

    id: int
    contact_id: int
    contact_name: str
    due_on: date
    task: str
    created_by: Literal["agent", "operator"]
    created_at: datetime
    done_at: datetime | None


@router.get("/follow-ups")
async def list_follow_ups(
    _session: Operator, parts: Parts, show: Wanted = "open", contact_id: Id | None = None
) -> list[FollowUp]:
    """List tasks by their day: open ones, those due today or before, done ones, or all."""
    rows = await parts.records.follow_ups.list(show, parts.today(), contact_id)
    return [FollowUp(**row) for row in rows]


@router.post("/follow-ups", status_code=201)
async def create_follow_up(body: FollowUpFields, _session: Operator, parts: Parts) -> FollowUp:
    """Create a task."""
    return FollowUp(**await parts.records.follow_ups.create(body, "operator"))


@router.patch("/follow-ups/{follow_up_id}")
async def change_follow_up(
    follow_up_id: Id, body: FollowUpChanges, _session: Operator, parts: Parts
) -> FollowUp:
    """Change a task, or mark it as done."""
    return FollowUp(**await parts.records.follow_ups.change(follow_up_id, body))


@router.delete("/follow-ups/{follow_up_id}", status_code=204)
async def delete_follow_up(follow_up_id: Id, _session: Operator, parts: Parts) -> None:
    """Erase a task."""
    await parts.records.follow_ups.delete(follow_up_id)
