"""What every application does with HTTP: headers, refusals, limits, events and languages.

Knows nothing of what an application is about. Middlewares here are pure ASGI.
"""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from typing import Any

import anyio
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from understudy_apps.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    Refusal,
    TooLarge,
    TooManyAttempts,
)
from understudy_apps.languages import LANGUAGES, Language
from understudy_apps.rate_limit import address_key

_KEEPALIVE_S = 15.0
_CLOSE_TIMEOUT_S = 5.0
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({"same-origin", "none"})


def content_security_policy(frame_ancestors: Sequence[str] = ("'none'",)) -> str:
    """Return the policy of a page whose parts all come from its own server.

    `frame_ancestors` are the origins whose pages may hold it in a frame.
    """
    return (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; "
        f"form-action 'self'; frame-ancestors {' '.join(frame_ancestors)}"
    )


_HEADERS = {
    "content-security-policy": content_security_policy(),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class SecurityHeaders:
    """Adds to every answer the headers that it does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuses what pages of other origins ask for, unless it only reads.

    SameSite cookies keep foreign pages from acting in a session; this keeps them from opening one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS:
            if _is_foreign(Headers(scope=scope)):
                refusal = Forbidden("A page of another origin may not do this.", "foreign_origin")
                await refusal_answer(refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_foreign(headers: Headers) -> bool:
    """Tell whether a page of another origin sent the request; programs send neither header."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OWN_SITES
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


class BodyLimit:
    """Refuses bodies of more than `max_body_bytes`, announced or not."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._max_body_bytes:
            await refusal_answer(self._refusal())(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                # FastAPI lets this class alone pass while it reads a body.
                raise HTTPException(TooLarge.status, self._refusal().message)
            return message

        await self._app(scope, receive_counted, send)

    def _refusal(self) -> TooLarge:
        return TooLarge(
            f"The body is larger than {self._max_body_bytes} bytes.", "request_too_large"
        )


def add_guards(app: FastAPI, max_body_bytes: int) -> None:
    """Put the middlewares around `app`: what the inner ones refuse gets the headers too."""
    app.add_middleware(BodyLimit, max_body_bytes=max_body_bytes)
    app.add_middleware(SameOrigin)
    app.add_middleware(SecurityHeaders)


def refusal_answer(refusal: Refusal) -> JSONResponse:
    """Return `{"error": {"message", "code", "field"}}` with the status of the refusal."""
    error = {"message": refusal.message, "code": refusal.code, "field": refusal.field}
    response = JSONResponse({"error": error}, refusal.status)
    if isinstance(refusal, TooManyAttempts):
        response.headers["retry-after"] = str(refusal.retry_after_s)
    return response


def answer_refusals(app: FastAPI, log: logging.Logger) -> None:
    """Have `app` answer everything that it refuses in the one form of `refusal_answer`.

    What fails is logged with its trace.
    """

    @app.exception_handler(Refusal)
    async def _refused(_request: Request, refusal: Refusal) -> Response:
        return refusal_answer(refusal)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> Response:
        return refusal_answer(_refusal_of(error))

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:
        refusal = Refusal(str(error.detail), _CODES.get(error.status_code, "http_error"))
        refusal.status = error.status_code
        response = refusal_answer(refusal)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def _failed(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        refusal = Refusal("The application failed; its log says why.", "internal_error")
        refusal.status = 500
        return refusal_answer(refusal)


# The framework's own 400 is that of a body which cannot be decoded.
_CODES = {
    400: "invalid_json",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
}


def _refusal_of(error: RequestValidationError) -> Refusal:
    """Return the refusal of the first thing that is wrong with a request."""
    problem: dict[str, Any] = error.errors()[0]
    place, *path = problem["loc"]
    field = ".".join(str(part) for part in path) or None
    if place == "path":
        return NotFound("There is no such thing.", "not_found")
    if problem["type"] == "json_invalid":
        return BadRequest("The body is not valid JSON.", "invalid_json")
    if field is None:
        return BadRequest(
            "The body must be a JSON object, with Content-Type application/json.", "invalid_body"
        )
    message = str(problem["msg"]).removeprefix("Value error, ")
    return BadRequest(f"{field}: {message}", _code_of(problem), field)


def _code_of(problem: dict[str, Any]) -> str:
    """Return the code of a problem; those that pydantic names itself become two."""
    match problem["type"]:
        case "missing":
            return "missing_field"
        case "extra_forbidden":
            return "unknown_field"
        case _:
            return "invalid_field"


class EventStream(Response):
    """Server-sent events: each pair of `events` is a name and what is sent as its JSON.

    A comment every 15 s keeps silent connections open. When the client leaves, `events` is closed.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterable[tuple[str, Any]], status_code: int = 200) -> None:
        super().__init__(
            status_code=status_code,
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client leaves."""
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await send(start)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_client_leaves, receive, tasks.cancel_scope)
                tasks.start_soon(_keep_open, send)
                async for name, data in self._events:
                    text = f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
                    await _send_text(send, text)
                tasks.cancel_scope.cancel()
        finally:
            await self._close()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _close(self) -> None:
        """Have a generator that was left do its clean-up now and not when it is collected."""
        if isinstance(self._events, AsyncGenerator):
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await self._events.aclose()


async def _until_client_leaves(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _keep_open(send: Send) -> None:
    while True:
        await anyio.sleep(_KEEPALIVE_S)
        await _send_text(send, ": waiting\n\n")


async def _send_text(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def address_of(request: HTTPConnection) -> str:
    """Return the key of the client's address, for limits on what one address may do."""
    return address_key(request.client.host if request.client else None)


def language_of(request: HTTPConnection) -> Language:
    """Return the language that the browser asks for first, of those that there are."""
    best: tuple[float, Language] = (0.0, LANGUAGES[0])
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, quality = part.strip().partition(";q=")
        asked = tag[:2].lower()
        for language in LANGUAGES:
            if language == asked and _quality(quality) > best[0]:
                best = (_quality(quality), language)
    return best[1]


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
