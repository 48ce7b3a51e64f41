"""The gate in front of every route: request id, origin, key, body type and size, errors, log.

Plain ASGI, so that hot routes and FastAPI's pass through the same code.
"""

import logging
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from understudy.api.http.browser import BrowserRules
from understudy.api.http.envelope import send_error
from understudy.api.http.exchange import ClientGone
from understudy.errors import InvalidKey, InvalidRequest, TooLarge, UnderstudyError
from understudy.ids import new_id
from understudy.logs import REQUEST_ID
from understudy.settings import Settings
from understudy.store.keys import KeyRing

logger = logging.getLogger("understudy.access")

_PROTECTED = "/v1/"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_BODY_TYPES = ("application/json", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request; `key_id` is None where the server asks for no key."""

    project_id: str
    key_id: str | None


class Gate:
    """Lets through what may pass, and answers every error in OpenAI's envelope."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._rules = BrowserRules(
            settings.cors_origins, settings.allowed_hosts, is_behind_proxy=settings.open
        )
        self._keys: KeyRing | None = None
        self._default_project = ""

    def open(self, keys: KeyRing, default_project: str) -> None:
        """Give the gate its keys; until then every request finds the server not ready."""
        self._keys = keys
        self._default_project = default_project

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        token = REQUEST_ID.set(answer.request_id)
        try:
            await self._pass(scope, receive, answer)
        finally:
            answer.log()
            REQUEST_ID.reset(token)

    async def _pass(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            scope["caller"] = await self._judge(scope)
            limit = self._settings.json_limit_bytes
            await self._app(scope, _limited(scope, receive, limit), answer.send)
        except ClientGone:
            answer.status = 499
        except UnderstudyError as error:
            if answer.has_started:
                raise
            await send_error(answer.send, error)
        except Exception:  # the root of a request: nothing may escape to the socket
            logger.exception("unexpected error in %s %s", scope["method"], scope["path"])
            if not answer.has_started:
                await send_error(answer.send, _unexpected(answer.request_id))

    async def _judge(self, scope: Scope) -> Caller:
        headers = _headers(scope)
        is_protected = scope["path"].startswith(_PROTECTED)
        caller = await self._caller(headers, is_protected=is_protected)
        if is_protected:
            _check_body(scope["method"], headers, self._settings.json_limit_bytes)
        return caller

    async def _caller(self, headers: dict[str, str], *, is_protected: bool) -> Caller:
        if self._keys is None:
            raise _unexpected("-")
        anyone = Caller(self._default_project, None)
        if self._settings.open or (self._settings.is_loopback and await self._keys.is_empty()):
            self._rules.check(headers)
            return anyone
        if not is_protected:
            return anyone
        secret = _bearer(headers)
        if (owner := await self._keys.lookup(secret)) is None:
            raise InvalidKey(
                f"Incorrect API key provided: {_masked(secret)}. Keys of this server are made with "
                "`understudy keys create`."
            )
        return Caller(owner.project_id, owner.key_id)


class _Answer:
    """Adds the request's id to the answer on its way out, and remembers what the log line needs."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._began = time.perf_counter()
        self.request_id = new_id("req")
        self.status = 0
        self.has_started = False

    async def send(self, message: Message) -> None:
        """Pass a message on to the server."""
        if message["type"] == "http.response.start":
            self.has_started = True
            self.status = message["status"]
            headers = message.setdefault("headers", [])
            message["headers"] = [*headers, (b"x-request-id", self.request_id.encode())]
        await self._send(message)

    def log(self) -> None:
        """Write the access line."""
        if not logger.isEnabledFor(logging.INFO):
            return
        duration_ms = round((time.perf_counter() - self._began) * 1000, 1)
        fields = {"status": self.status, "ms": duration_ms, **self._scope.get("log", {})}
        logger.info("%s %s", self._scope["method"], self._scope["path"], extra=fields)


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


def _check_body(method: str, headers: dict[str, str], limit_bytes: int) -> None:
    length = headers.get("content-length", "0")
    if method not in _WITH_BODY or (length == "0" and "transfer-encoding" not in headers):
        return
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _BODY_TYPES:
        raise InvalidRequest(
            f"Unsupported content type: '{kind}'. Send 'Content-Type: application/json'.",
            code="unsupported_content_type",
        )
    if kind == "application/json" and length.isdigit() and int(length) > limit_bytes:
        raise _too_large(limit_bytes)


def _limited(scope: Scope, receive: Receive, limit_bytes: int) -> Receive:
    """Count a body that came without its length; one with a length was judged by it."""
    if not any(name == b"transfer-encoding" for name, _ in scope["headers"]):
        return receive
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


def _unexpected(request_id: str) -> UnderstudyError:
    return UnderstudyError(
        "The server had an error while processing your request. The log has the details under "
        f"{request_id}."
    )
