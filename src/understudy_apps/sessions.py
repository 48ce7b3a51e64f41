"""Logged-in people: a random token in a cookie, its SHA-256 in a table, one session a device.

Knows nothing of passwords, nor of what a user is but a number.
"""

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Delete,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    delete,
    insert,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError
from starlette.requests import HTTPConnection
from starlette.responses import Response

from understudy_apps.database import Database
from understudy_apps.errors import Forbidden, NotSignedIn

CSRF_HEADER = "X-CSRF-Token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN_BYTES = 32
_ATTEMPTS = 2
_DAY_S = 24 * 60 * 60
_DEVICE_LIFETIME_S = 400 * _DAY_S
"""The longest that browsers keep a cookie."""


def sessions_table(metadata: MetaData, user: Column[int]) -> Table:
    """Return the table of sessions; `user` is its column `user_id`, a reference that cascades."""
    return Table(
        "sessions",
        metadata,
        Column("token_sha256", LargeBinary(32), primary_key=True),
        user,
        Column("device_sha256", LargeBinary(32), nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False, index=True),
        UniqueConstraint("user_id", "device_sha256"),
    )


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in person on one device."""

    user_id: int
    csrf_token: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class CookieRules:
    """How an application's cookies are named and where they are sent.

    `path` is the prefix under which it is mounted. Cookies are Secure over https; with
    `always_secure` over plain http too unless the host is this machine, for a proxy that ends TLS.
    """

    name: str
    path: str = ""
    lifetime_days: int = 30
    always_secure: bool = False


class Sessions:
    """Opens, finds and closes sessions; times come from `clock` in seconds."""

    def __init__(
        self,
        database: Database,
        table: Table,
        cookies: CookieRules,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._table = table
        self._cookies = cookies
        self._clock = clock

    async def open(self, request: HTTPConnection, response: Response, user_id: int) -> Session:
        """Log a user in on the device of `request`, in place of whoever was, and set the cookies.

        Sessions of others that have expired are removed by the way.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        device = request.cookies.get(self._device_cookie) or secrets.token_urlsafe(_TOKEN_BYTES)
        now = int(self._clock())
        lifetime_s = self._cookies.lifetime_days * _DAY_S
        row = {
            "token_sha256": _sha256(token),
            "user_id": user_id,
            "device_sha256": _sha256(device),
            "created_at": now,
            "expires_at": now + lifetime_s,
        }
        await self._replace(row, self._token_of(request))
        self._set_cookie(request, response, self._cookies.name, token, lifetime_s)
        self._set_cookie(request, response, self._device_cookie, device, _DEVICE_LIFETIME_S)
        return Session(user_id, _csrf_token(token), now + lifetime_s)

    async def find(self, request: HTTPConnection) -> Session | None:
        """Return the session whose cookie `request` carries, None without a valid one."""
        token = self._token_of(request)
        if token is None:
            return None
        columns = self._table.c
        query = select(columns.user_id, columns.expires_at).where(
            columns.token_sha256 == _sha256(token), columns.expires_at > int(self._clock())
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return Session(row.user_id, _csrf_token(token), row.expires_at) if row else None

    async def demand(self, request: HTTPConnection) -> Session:
        """Return the session of a request that may act for its user.

        Raises NotSignedIn without one, and Forbidden when the method changes something and the
        header X-CSRF-Token does not hold the session's token.
        """
        session = await self.find(request)
        if session is None:
            raise NotSignedIn("Log in first.", "not_signed_in")
        if request.scope["method"] in _SAFE_METHODS:
            return session
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), session.csrf_token.encode()):
            raise Forbidden(
                f"The header {CSRF_HEADER} must hold the session's token: GET the session to see "
                "it.",
                "wrong_csrf_token",
            )
        return session

    async def close(self, request: HTTPConnection, response: Response) -> None:
        """End the session of `request`, if there is one, and remove its cookie."""
        token = self._token_of(request)
        if token is not None:
            statement = delete(self._table).where(self._table.c.token_sha256 == _sha256(token))
            async with self._database.write() as connection:
                await connection.execute(statement)
        self._set_cookie(request, response, self._cookies.name, "", 0)

    @property
    def _device_cookie(self) -> str:
        return f"{self._cookies.name}_device"

    def _token_of(self, request: HTTPConnection) -> str | None:
        return request.cookies.get(self._cookies.name) or None

    async def _replace(self, row: dict[str, Any], previous_token: str | None) -> None:
        """Insert a session in place of those that it ends.

        On PostgreSQL two logins of a device at once can collide; the later one replaces the other.
        """
        for _ in range(_ATTEMPTS):
            try:
                async with self._database.write() as connection:
                    await connection.execute(self._ended_by(row, previous_token))
                    await connection.execute(insert(self._table).values(row))
                return
            except IntegrityError:
                continue
        raise NotSignedIn("The account was deleted meanwhile.", "not_signed_in")

    def _ended_by(self, row: dict[str, Any], previous_token: str | None) -> Delete:
        columns = self._table.c
        same_device = (columns.user_id == row["user_id"]) & (
            columns.device_sha256 == row["device_sha256"]
        )
        gone = [same_device, columns.expires_at <= row["created_at"]]
        if previous_token is not None:
            gone.append(columns.token_sha256 == _sha256(previous_token))
        return delete(self._table).where(or_(*gone))

    def _set_cookie(
        self, request: HTTPConnection, response: Response, name: str, value: str, lifetime_s: int
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=lifetime_s,
            path=self._cookies.path or "/",
            secure=_is_secure(request, self._cookies.always_secure),
            httponly=True,
            samesite="lax",
        )


def _is_secure(request: HTTPConnection, always: bool) -> bool:
    if request.url.scheme in ("https", "wss"):
        return True
    return always and not _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _csrf_token(token: str) -> str:
    """Return what the page must send back: it follows from the token, which it does not reveal."""
    return hmac.digest(token.encode("utf-8", "surrogateescape"), b"csrf", "sha256").hex()
