"""`setup` and `session`: the first operator, and operators who log in and out."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from understudy_apps.sales import operators
from understudy_apps.sales.dependencies import Operator, Parts, Services
from understudy_apps.sales.shapes import Fields
from understudy_apps.sessions import Session
from understudy_apps.web import address_of

router = APIRouter(tags=["session"])


class Login(Fields):
    """Who logs in."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[str, Field(max_length=200)]


class Setup(Login):
    """Who becomes the first operator; the log shows the token."""

    token: Annotated[str, Field(max_length=100)]


class SetupView(BaseModel):
    """Whether the first operator is still missing."""

    needed: bool


class SessionView(BaseModel):
    """Who is logged in, and the token that every change must carry in `X-CSRF-Token`."""

    name: str
    csrf_token: str
    expires_at: datetime


@router.get("/setup")
async def show_setup(parts: Parts) -> SetupView:
    """Tell whether there is an operator yet."""
    return SetupView(needed=not await operators.is_any(parts.database))


@router.post("/setup", status_code=201)
async def set_up(body: Setup, parts: Parts, request: Request, response: Response) -> SessionView:
    """Create the first operator and log them in."""
    parts.limits.logins_of_address.take(address_of(request))
    parts.setup_token.check(body.token)
    operator_id = await operators.create_first(parts.database, body.name, body.password)
    return await _view(parts, await parts.sessions.open(request, response, operator_id))


@router.post("/session", status_code=201)
async def log_in(body: Login, parts: Parts, request: Request, response: Response) -> SessionView:
    """Log an operator in, in place of whoever was logged in on this device."""
    parts.limits.logins_of_address.take(address_of(request))
    parts.limits.logins_of_account.take(body.name)
    operator_id = await operators.authenticate(parts.database, body.name, body.password)
    parts.limits.logins_of_account.forget(body.name)
    return await _view(parts, await parts.sessions.open(request, response, operator_id))


@router.get("/session")
async def show_session(session: Operator, parts: Parts) -> SessionView:
    """Tell who is logged in."""
    return await _view(parts, session)


@router.delete("/session", status_code=204)
async def log_out(_session: Operator, parts: Parts, request: Request, response: Response) -> None:
    """End the session."""
    await parts.sessions.close(request, response)


async def _view(parts: Services, session: Session) -> SessionView:
    return SessionView(
        name=await operators.name_of(parts.database, session.user_id),
        csrf_token=session.csrf_token,
        expires_at=datetime.fromtimestamp(session.expires_at, UTC),
    )
