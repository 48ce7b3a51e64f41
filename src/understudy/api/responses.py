"""`/v1/responses`: responses plain, streamed and in the background, and what is asked of them."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from understudy.api.http.events import EventStream, OpenedStream, one_line
from understudy.api.http.exchange import Exchange, decode_json
from understudy.api.http.hot import HotRoute
from understudy.api.http.plain import (
    answer,
    creation_of,
    items_answer,
    json_body,
    project_of,
    read_body,
    read_page,
    read_stream,
)
from understudy.errors import UnderstudyError
from understudy.responses.creating import Creating
from understudy.responses.following import Numbered
from understudy.responses.inputs import Inputs
from understudy.responses.mcp.secrets import without_secrets
from understudy.responses.requests import Responses
from understudy.responses.surface import Surface
from understudy.settings import Settings
from understudy.wire import responses as wire
from understudy.wire.conversations import include_of
from understudy.wire.response_events import obfuscated
from understudy.wire.response_options import StreamOptions

_log = logging.getLogger(__name__)

_RESPONSES = "/v1/responses"
_RESPONSE = f"{_RESPONSES}/{{response_id}}"
_encode = msgspec.json.Encoder().encode

ResponsesOf = Callable[[Request], Responses]


class ResponsesApi:
    """The route of one server that makes responses."""

    def __init__(self, surface: Surface, settings: Settings) -> None:
        self._surface = surface
        self._settings = settings

    def routes(self) -> list[HotRoute]:
        """Return the route for the dispatcher."""
        return [
            HotRoute(
                _RESPONSES,
                self.create,
                "Create response",
                wire.CreateResponse,
                wire.Response,
                "With `stream: true` the answer is a stream of events, each with its "
                "`sequence_number`; with `background: true` it is the queued response.",
            )
        ]

    async def create(self, exchange: Exchange) -> None:
        """Answer a request for a response."""
        body = await exchange.read_body()
        wanted = wire.parse_create(decode_json(body))
        project_id: str = exchange.scope["caller"].project_id
        asked = _RESPONSES.encode() + b"\n" + body
        creation = creation_of(project_id, exchange.header("idempotency-key"), asked)
        creating = Creating(self._surface, project_id)
        shown = msgspec.structs.replace(wanted, tools=without_secrets(wanted.tools or ()))
        self._log_content("response request", shown)

        async def respond() -> None:
            if wanted.stream:
                options = wanted.stream_options or StreamOptions()
                framing = _Framing(is_padded=bool(options.include_obfuscation))
                events = EventStream(exchange, self._settings.heartbeat_s, framing)
                await events.answer(creating.stream(creation, wanted))
                return
            made = await creating.plain(creation, wanted)
            self._log_content("response", made.response)
            await exchange.send_json(made.response, made.headers)

        await exchange.until_disconnect(respond)

    def _log_content(self, message: str, content: object) -> None:
        if self._settings.log_content:
            _log.info(message, extra={"content": msgspec.to_builtins(content)})


def responses_router(surface: Surface, heartbeat_s: float) -> APIRouter:
    """Return the routes of responses that are there, and of inputs that are none yet."""
    router = APIRouter(tags=["Responses"])

    def responses_of(request: Request) -> Responses:
        return Responses(surface, project_of(request))

    # The fixed paths go first: their names are no response's id.
    _add_input_routes(router, lambda request: Inputs(surface, project_of(request)))
    _add_response_routes(router, responses_of, heartbeat_s)
    return router


def _add_input_routes(router: APIRouter, of: Callable[[Request], Inputs]) -> None:
    @router.post(
        f"{_RESPONSES}/input_tokens",
        summary="Count input tokens",
        openapi_extra=json_body(wire.CreateResponse),
    )
    async def count_input_tokens(request: Request) -> Response:
        wanted = wire.parse_input_tokens(await read_body(request))
        return answer(await of(request).count(wanted))

    @router.post(
        f"{_RESPONSES}/compact", summary="Compact", openapi_extra=json_body(wire.CreateResponse)
    )
    async def compact(request: Request) -> Response:
        wanted = wire.parse_compact(await read_body(request))
        return answer(await of(request).compact(wanted))


def _add_response_routes(router: APIRouter, of: ResponsesOf, heartbeat_s: float) -> None:
    @router.get(
        _RESPONSE,
        summary="Retrieve response",
        description="With `stream=true` the answer is the stream of a background response, from "
        "the event after `starting_after` on.",
    )
    async def retrieve_response(response_id: str, request: Request) -> Response:
        include = include_of(request.query_params.multi_items())
        after = read_stream(request, beginning=-1)
        if after is not None:
            following = of(request).follow(response_id, after, include)
            is_padded = request.query_params.get("include_obfuscation") == "true"
            return _StreamResponse(following, _Framing(is_padded=is_padded), heartbeat_s)
        return answer(await of(request).find(response_id, include))

    @router.delete(_RESPONSE, summary="Delete response")
    async def delete_response(response_id: str, request: Request) -> Response:
        await of(request).delete(response_id)
        return answer(wire.DeletedResponse(response_id))

    @router.post(f"{_RESPONSE}/cancel", summary="Cancel response")
    async def cancel_response(response_id: str, request: Request) -> Response:
        return answer(await of(request).cancel(response_id))

    @router.get(f"{_RESPONSE}/input_items", summary="List input items")
    async def list_input_items(response_id: str, request: Request) -> Response:
        include = include_of(request.query_params.multi_items())
        query = read_page(request, has_before=False)
        items, has_more = await of(request).input_items(response_id, query, include)
        return items_answer(items, has_more=has_more)


# --- streams ----------------------------------------------------------------------------------


class _Framing:
    """Events named by their type and numbered; after the last one the stream just ends."""

    end = b""

    def __init__(self, *, is_padded: bool) -> None:
        self._is_padded = is_padded
        self._next = 0

    def value(self, value: Numbered) -> bytes:
        self._next = value.number + 1
        data = obfuscated(value.data) if self._is_padded else value.data
        return self._event(value.name, {**data, "sequence_number": value.number})

    def error(self, error: UnderstudyError) -> bytes:
        data: dict[str, object] = {
            "type": "error",
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "sequence_number": self._next,
        }
        return self._event("error", data)

    def _event(self, name: str, data: dict[str, object]) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (name.encode(), one_line(_encode(data)))


class _StreamResponse(Response):
    """The stream of a background response as the answer of a route.

    A client that leaves does not stop the response.
    """

    def __init__(
        self,
        following: AbstractAsyncContextManager[OpenedStream],
        framing: _Framing,
        heartbeat_s: float,
    ) -> None:
        super().__init__()
        self._following = following
        self._framing = framing
        self._heartbeat_s = heartbeat_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events as they come."""
        exchange = Exchange(scope, receive, send)
        stream = EventStream(exchange, self._heartbeat_s, self._framing)
        await exchange.until_disconnect(lambda: stream.answer(self._following))
