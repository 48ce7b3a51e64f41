"""`health`: which model answers, and what is wrong with the configured one."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from understudy_apps.sales.dependencies import Operator, Parts, Services
from understudy_apps.sales.health import Trouble, TroubleKind

router = APIRouter(tags=["health"])


class TroubleView(BaseModel):
    """Why a model does not answer; `variable` is the one to set."""

    kind: TroubleKind
    detail: str
    variable: str | None


class Health(BaseModel):
    """How the agent answers: with its model (`ok`), with the fallback, or not at all.

    `since` is when this began, null while no message was answered yet.
    """

    status: Literal["ok", "degraded", "down"]
    since: datetime | None
    base_url: str
    model: str
    fallback_model: str
    answered_by: str | None
    trouble: TroubleView | None
    fallback_trouble: TroubleView | None
    telegram: Literal["off", "starting", "running", "rejected_token", "conflict", "unreachable"]


@router.get("/health")
async def show_health(_session: Operator, parts: Parts) -> Health:
    """Show the health, as the last messages found it."""
    return await _view(parts)


@router.post("/health/check")
async def check_health(_session: Operator, parts: Parts) -> Health:
    """Ask the configured model for a word, and show the health."""
    parts.limits.health_checks.take("")
    await parts.models.check(await parts.configurations.current())
    return await _view(parts)


async def _view(parts: Services) -> Health:
    health = parts.models.health
    since = datetime.fromtimestamp(health.since_s, UTC) if health.since_s is not None else None
    return Health(
        status=health.status,
        since=since,
        base_url=parts.settings.base_url,
        model=(await parts.configurations.current()).model,
        fallback_model=parts.models.fallback_model,
        answered_by=health.answered_by,
        trouble=_trouble(health.trouble),
        fallback_trouble=_trouble(health.fallback_trouble),
        telegram=parts.telegram.status if parts.telegram else "off",
    )


def _trouble(trouble: Trouble | None) -> TroubleView | None:
    if trouble is None:
        return None
    return TroubleView(kind=trouble.kind, detail=trouble.detail, variable=trouble.variable)
