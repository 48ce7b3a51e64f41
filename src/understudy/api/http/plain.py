"""Requests and answers of the routes that FastAPI dispatches: bodies, pages, lists."""

from collections.abc import Sequence
from typing import Any, TypeVar, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from understudy.api.http.exchange import decode_json
from understudy.errors import InvalidValue
from understudy.store.idempotency import Creation
from understudy.store.pages import Order, PageQuery
from understudy.wire.base import check_shape

Shape = TypeVar("Shape")
_LONGEST_KEY = 255
_LARGEST_NUMBER_LENGTH = 18
_ORDERS: tuple[Order, ...] = get_args(Order)


def project_of(request: Request) -> str:
    """Return the id of the project whose key the request came with."""
    return str(request.scope["caller"].project_id)


async def read_shape(request: Request, shape: type[Shape]) -> Shape:
    """Return the JSON body as `shape`; an absent body counts as an empty object.

    Raises InvalidRequest whose `param` names the field at fault.
    """
    return check_shape(await read_body(request), shape)


async def read_body(request: Request) -> Any:
    """Return the parsed JSON body; an absent one counts as an empty object."""
    body = await request.body()
    return decode_json(body) if body else {}


async def read_creation(request: Request) -> Creation:
    """Return what tells a request that makes an object from a repeated one.

    Raises InvalidValue for an `Idempotency-Key` that cannot be kept.
    """
    asked = f"{request.method} {request.url.path}\n".encode()
    key = request.headers.get("idempotency-key")
    return creation_of(project_of(request), key, asked + await request.body())


def creation_of(project_id: str, key: str | None, request: bytes) -> Creation:
    """Return the same of a request that was read already: its `Idempotency-Key`, path and body."""
    if key is not None and len(key) > _LONGEST_KEY:
        raise InvalidValue("Idempotency-Key", f"expected at most {_LONGEST_KEY} characters")
    return Creation(project_id, key or None, request)


def read_page(
    request: Request,
    *,
    limits: tuple[int, int] = (20, 100),
    order: Order = "desc",
    has_before: bool = True,
) -> PageQuery:
    """Return which page the query asks for. `limits` are the default and the largest limit."""
    given = request.query_params
    default, largest = limits
    return PageQuery(
        limit=_limit(given.get("limit"), default, largest),
        order=_order(given.get("order"), order),
        after=given.get("after") or None,
        before=(given.get("before") or None) if has_before else None,
    )


def read_stream(request: Request, *, beginning: int) -> int | None:
    """Return after which event the query asks for a stream, None where it asks for none.

    Without a number that is `beginning`, the number before that of the first event.
    """
    given = request.query_params
    after = given.get("starting_after")
    if given.get("stream") != "true":
        if after is not None:
            raise InvalidValue("starting_after", "it is only allowed when 'stream' is true")
        return None
    if not after:
        return beginning
    if not (after.isascii() and after.isdigit() and len(after) <= _LARGEST_NUMBER_LENGTH):
        raise InvalidValue("starting_after", "expected the number of an event that was received")
    return int(after)


def answer(value: object) -> Response:
    """Return `value` as a JSON answer."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def list_answer(data: Sequence[Any], *, has_more: bool) -> Response:
    """Return one page of objects as OpenAI's list; the ids of an empty page are empty strings."""
    return answer(
        {
            "object": "list",
            "data": data,
            "first_id": data[0].id if data else "",
            "last_id": data[-1].id if data else "",
            "has_more": has_more,
        }
    )


def items_answer(data: Sequence[dict[str, Any]], *, has_more: bool) -> Response:
    """Return one page of items as a list; the ids of an empty page are empty strings."""
    return answer(
        {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else "",
            "last_id": data[-1]["id"] if data else "",
            "has_more": has_more,
        }
    )


def json_body(shape: type) -> dict[str, Any]:
    """Return what the OpenAPI document says of a route whose JSON body is `shape`.

    Given to FastAPI as `openapi_extra`; the shape's parts are written out in place.
    """
    schema = msgspec.json.schema(shape)
    return {"requestBody": {"content": {"application/json": {"schema": _inlined(schema, schema)}}}}


def _inlined(schema: Any, root: dict[str, Any]) -> Any:
    match schema:
        case {"$ref": str(ref)}:
            return _inlined(root["$defs"][ref.rpartition("/")[2]], root)
        case dict():
            return {key: _inlined(part, root) for key, part in schema.items() if key != "$defs"}
        case list():
            return [_inlined(part, root) for part in schema]
    return schema


def _limit(text: str | None, default: int, largest: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= largest):
        raise InvalidValue("limit", f"expected a whole number from 1 to {largest}")
    return int(text)


def _order(text: str | None, default: Order) -> Order:
    if not text:
        return default
    for order in _ORDERS:
        if text == order:
            return order
    raise InvalidValue("order", "expected 'asc' or 'desc'")
