"""`users` and `session`: people register, log in and out, and leave."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from understudy_apps.languages import Language
from understudy_apps.negotiator import accounts, threads
from understudy_apps.negotiator.accounts import Account, Registration
from understudy_apps.negotiator.dependencies import Parts, SignedIn
from understudy_apps.sessions import Session
from understudy_apps.web import address_of, language_of

router = APIRouter(tags=["accounts"])

_Text = Annotated[str, Field(max_length=200)]
_KEPT = (
    "Your account, sessions, chats and debts without an agreement are erased. Of debts with an "
    "agreement, the amounts and the receipt are kept without your name or any link to you, so that "
    "the agreement can be proved; save your receipts before you leave."
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewUser(_Strict):
    """Who registers; without a language it is the browser's."""

    name: _Text
    surname: _Text
    email: _Text
    telephone: _Text
    password: _Text
    language: Language | None = None


class Login(_Strict):
    """Who logs in."""

    email: _Text
    password: _Text


class UserChanges(_Strict):
    """What a user may change."""

    language: Language


class User(BaseModel):
    """A registered person; `api_key` is the masked key of their own, if they set one."""

    id: int
    name: str
    surname: str
    email: str
    telephone: str
    language: Language
    api_key: str | None
    created_at: datetime


class SessionView(BaseModel):
    """Who is logged in, and the token that every change must carry in `X-CSRF-Token`."""

    user: User
    csrf_token: str
    expires_at: datetime


class Farewell(BaseModel):
    """What became of the data of a person who left; `receipts_kept` are ids of agreements."""

    debts_erased: int
    receipts_kept: list[int]
    message: str


@router.post("/users", status_code=201)
async def register(
    body: NewUser, parts: Parts, request: Request, response: Response
) -> SessionView:
    """Register a person and log them in."""
    parts.limits.registrations_of_address.take(address_of(request))
    person = Registration(
        name=accounts.normal_name(body.name, "name"),
        surname=accounts.normal_name(body.surname, "surname"),
        email=accounts.normal_email(body.email),
        telephone=accounts.normal_telephone(body.telephone, parts.settings.country_code),
        password=body.password,
        language=body.language or language_of(request),
    )
    accounts.check_password(person.password, person.email)
    account = await accounts.register(parts.database, person)
    return _view(account, await parts.sessions.open(request, response, account.id))


@router.post("/session", status_code=201)
async def log_in(body: Login, parts: Parts, request: Request, response: Response) -> SessionView:
    """Log a person in, in place of whoever was logged in on this device."""
    email, address = accounts.login_email(body.email), address_of(request)
    parts.limits.logins_of_address.take(address)
    if email is not None:
        parts.limits.logins_of_account.take(email)
    account = await accounts.authenticate(parts.database, email, body.password)
    parts.limits.logins_of_address.give_back(address)
    parts.limits.logins_of_account.forget(account.email)
    return _view(account, await parts.sessions.open(request, response, account.id))


@router.get("/session")
async def show_session(session: SignedIn, parts: Parts) -> SessionView:
    """Tell who is logged in."""
    return _view(await accounts.account_of(parts.database, session.user_id), session)


@router.delete("/session", status_code=204)
async def log_out(_session: SignedIn, parts: Parts, request: Request, response: Response) -> None:
    """End the session."""
    await parts.sessions.close(request, response)


@router.patch("/users/me")
async def change_user(body: UserChanges, session: SignedIn, parts: Parts) -> User:
    """Change the language of the assistant."""
    return _user(await accounts.set_language(parts.database, session.user_id, body.language))


@router.delete("/users/me")
async def leave(
    session: SignedIn, parts: Parts, request: Request, response: Response, later: BackgroundTasks
) -> Farewell:
    """Delete the account; the answer says what became of debts and agreements."""
    keys = await threads.keys_at_hand(parts, session.user_id)
    erasure = await accounts.erase(parts.database, session.user_id)
    await parts.sessions.close(request, response)
    later.add_task(threads.erase, parts.model_server, keys, erasure.threads)
    return Farewell(
        debts_erased=erasure.debts_erased, receipts_kept=erasure.receipts_kept, message=_KEPT
    )


def _view(account: Account, session: Session) -> SessionView:
    return SessionView(
        user=_user(account),
        csrf_token=session.csrf_token,
        expires_at=datetime.fromtimestamp(session.expires_at, UTC),
    )


def _user(account: Account) -> User:
    return User(
        id=account.id,
        name=account.name,
        surname=account.surname,
        email=account.email,
        telephone=account.telephone,
        language=account.language,
        api_key=account.api_key_hint,
        created_at=datetime.fromtimestamp(account.created_at, UTC),
    )
