"""The dialect of Assistants that a request speaks, and answers in it."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from understudy.wire.dialect import Dialect, dialect_of, encode


def spoken_in(request: Request, body: object = None) -> Dialect:
    """Return the dialect of a request: what `OpenAI-Beta` says, else how its body is written."""
    return dialect_of(request.headers.get("openai-beta"), body)


def answer_in(dialect: Dialect, value: object) -> Response:
    """Return `value` as a JSON answer in that dialect."""
    return Response(encode(value, dialect), media_type="application/json")


def list_answer_in(dialect: Dialect, data: Sequence[Any], *, has_more: bool) -> Response:
    """Return one page of objects as OpenAI's list; the ids of an empty page are empty strings."""
    page = {
        "object": "list",
        "data": list(data),
        "first_id": data[0].id if data else "",
        "last_id": data[-1].id if data else "",
        "has_more": has_more,
    }
    return answer_in(dialect, page)
