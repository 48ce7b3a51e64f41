"""The gate in front of every route: origin, key, body type and size, and errors in one form.

Plain ASGI, so that hot routes and FastAPI's pass through the same code.
"""

from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from understudy.api.http.browser import BrowserRules
from understudy.api.http.envelope import send_error
from understudy.api.http.multipart import FORM, FormExchange
from understudy.errors import (
    InvalidKey,
    InvalidRequest,
    InvalidValue,
    NotFound,
    NotReady,
    ProviderError,
    TooLarge,
    UnderstudyError,
)
from understudy.settings import Settings
from understudy.store.keys import KeyRing, digest

_PROTECTED = "/v1/"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request; `key_id` is None where the server asks for no key."""

    project_id: str
    key_id: str | None


class Gate:
    """Lets through what may pass, and answers errors of ours in OpenAI's envelope."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._limit_bytes = settings.json_limit_bytes
        self._is_open = settings.open
        self._is_loopback = settings.is_loopback
        self._rules = BrowserRules(
            settings.cors_origins, settings.allowed_hosts, is_behind_proxy=settings.open
        )
        self._keys: KeyRing | None = None
        self._default_project = ""
        self._own_key = b""

    def open(self, keys: KeyRing, default_project: str, own_key: str | None = None) -> None:
        """Give the gate its keys; until then every request finds the server not ready.

        `own_key` is that of applications in this process, and is in no list of keys.
        """
        self._keys = keys
        self._default_project = default_project
        self._own_key = digest(own_key) if own_key else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _refuse_nul(scope)
            headers = _headers(scope)
            is_protected = scope["path"].startswith(_PROTECTED)
            scope["caller"] = await self._caller(headers, is_protected=is_protected)
            if is_protected and scope["method"] in _WITH_BODY:
                receive, send = self._judged_body(scope, headers, receive, send)
            await self._app(scope, receive, send)
        except UnderstudyError as error:
            if scope["answer"].has_started:
                raise
            if isinstance(error, ProviderError):
                scope["log"] = {"provider": error.provider, "code": error.code}
            await send_error(send, error)

    async def _caller(self, headers: dict[str, str], *, is_protected: bool) -> Caller:
        if self._keys is None:
            raise NotReady("The server is still starting.")
        anyone = Caller(self._default_project, None)
        if self._is_open or (self._is_loopback and await self._keys.is_empty()):
            self._rules.check(headers)
            return anyone
        if not is_protected:
            return anyone
        secret = _bearer(headers)
        if compare_digest(digest(secret), self._own_key):
            return anyone
        if (owner := await self._keys.lookup(secret)) is None:
            raise InvalidKey(
                f"Incorrect API key provided: {_masked(secret)}. Keys of this server are made with "
                "`understudy keys create`."
            )
        return Caller(owner.project_id, owner.key_id)

    def _judged_body(
        self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send
    ) -> tuple[Receive, Send]:
        length = headers.get("content-length")
        if length == "0" or (length is None and "transfer-encoding" not in headers):
            return receive, send
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == FORM:
            form = FormExchange(int(length) if length else None, receive, send)
            scope["form"] = form
            return form.receive, form.send
        if kind != _JSON:
            raise InvalidRequest(
                f"Unsupported content type: '{kind}'. Send 'Content-Type: {_JSON}'.",
                code="unsupported_content_type",
            )
        if length is None:
            return _counted(receive, self._limit_bytes), send
        if int(length) > self._limit_bytes:
            raise _too_large(self._limit_bytes)
        return receive, send


def _refuse_nul(scope: Scope) -> None:
    """Refuse NUL in path and query: no object has one in its id, and PostgreSQL fails at it."""
    if "\0" in scope["path"]:
        raise NotFound("Invalid URL: its path holds a NUL character.", code="unknown_url")
    query: bytes = scope["query_string"]
    if b"%00" not in query:
        return
    for name, value in parse_qsl(query.decode("latin-1")):
        if "\0" in name or "\0" in value:
            raise InvalidValue(name.replace("\0", ""), "it holds a NUL character")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _bearer(headers: dict[str, str]) -> str:
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    secret = secret.strip() if scheme.lower() == "bearer" else headers.get("api-key", "")
    if not secret:
        raise InvalidKey(
            "You didn't provide an API key. Send it in a header: 'Authorization: Bearer KEY'. "
            "Keys of this server are made with `understudy keys create`."
        )
    return secret


def _masked(secret: str) -> str:
    return f"{secret[:3]}…{secret[-4:]}" if len(secret) > 12 else "…"


def _counted(receive: Receive, limit_bytes: int) -> Receive:
    """Watch the size of a body that came without its length."""
    size_bytes = 0

    async def counting() -> Message:
        nonlocal size_bytes
        message = await receive()
        size_bytes += len(message.get("body", b""))
        if size_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        return message

    return counting


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(
        f"The request body is over {limit_bytes // 1024} KiB. Send less, or raise the setting "
        "json_limit_bytes."
    )
