"""The error envelope: the only place where an error becomes JSON."""

import msgspec
from starlette.responses import Response
from starlette.types import Send

from understudy.errors import UnderstudyError

_RETRYABLE = frozenset({408, 409, 429})


def error_body(error: UnderstudyError) -> dict[str, object]:
    """Return OpenAI's form of `error`; the nulls belong to it."""
    fields = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    return {"error": fields}


def error_headers(error: UnderstudyError) -> dict[str, str]:
    """Return the headers that tell a client whether and when to try again."""
    headers = dict(error.headers)
    if error.status < 500 and error.status not in _RETRYABLE:
        headers["x-should-retry"] = "false"
    return headers


def error_response(error: UnderstudyError) -> Response:
    """Return `error` as a response for the routes that FastAPI serves."""
    return Response(
        msgspec.json.encode(error_body(error)),
        status_code=error.status,
        headers=error_headers(error),
        media_type="application/json",
    )


async def send_error(send: Send, error: UnderstudyError) -> None:
    """Send `error` as the whole answer."""
    body = msgspec.json.encode(error_body(error))
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        **error_headers(error),
    }
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
