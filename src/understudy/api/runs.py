"""`/v1/threads/{thread_id}/runs` and `/v1/threads/runs`: runs, their steps, and their streams."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import APIRouter
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from understudy.api.http.dialects import answer_in, list_answer_in, spoken_in
from understudy.api.http.events import EventStream, one_line
from understudy.api.http.exchange import Exchange
from understudy.api.http.plain import (
    json_body,
    project_of,
    read_body,
    read_creation,
    read_page,
    read_shape,
    read_stream,
)
from understudy.errors import UnderstudyError
from understudy.runs.requests import Accepted, Runs, Surface
from understudy.runs.stream import Streams
from understudy.store.runs import Event
from understudy.wire import runs as wire
from understudy.wire.dialect import Dialect, encode
from understudy.wire.run_events import ErrorDetails, error_event, shown_data, shown_name
from understudy.wire.steps import include_of, with_included

_RUNS = "/v1/threads/{thread_id}/runs"
_RUN = f"{_RUNS}/{{run_id}}"
_STEPS = f"{_RUN}/steps"
_POLL_AFTER_MS = 300

RunsOf = Callable[[Request], Runs]


class _Streamed(Protocol):
    """Answers with the stream of a run."""

    def __call__(
        self, accepted: Accepted, dialect: Dialect, *, numbered: bool = False
    ) -> Response: ...


def runs_router(surface: Surface, heartbeat_s: float) -> APIRouter:
    """Return the routes of runs; streams get a comment after `heartbeat_s` of silence."""
    router = APIRouter(tags=["Runs"])

    def runs_of(request: Request) -> Runs:
        return Runs(surface, project_of(request))

    def streamed(accepted: Accepted, dialect: Dialect, *, numbered: bool = False) -> Response:
        return _StreamResponse(surface.streams, accepted, _Framing(dialect, numbered), heartbeat_s)

    _add_create_routes(router, runs_of, streamed)
    _add_run_routes(router, runs_of, streamed)
    _add_step_routes(router, runs_of)
    return router


def _add_create_routes(router: APIRouter, runs_of: RunsOf, streamed: _Streamed) -> None:
    # The fixed path goes first: `runs` is no thread's id.
    @router.post(
        "/v1/threads/runs",
        summary="Create thread and run",
        openapi_extra=json_body(wire.CreateThreadAndRun),
    )
    async def create_thread_and_run(request: Request) -> Response:
        body = await read_body(request)
        dialect = spoken_in(request, body)
        wanted = wire.parse_create_thread_and_run(body)
        creation = await read_creation(request)
        accepted = await runs_of(request).create_with_thread(creation, wanted)
        return streamed(accepted, dialect) if wanted.stream else _polled(accepted.run, dialect)

    @router.post(_RUNS, summary="Create run", openapi_extra=json_body(wire.CreateRun))
    async def create_run(thread_id: str, request: Request) -> Response:
        include_of(request.query_params.multi_items())
        body = await read_body(request)
        dialect = spoken_in(request, body)
        wanted = wire.parse_create_run(body)
        creation = await read_creation(request)
        accepted = await runs_of(request).create(creation, thread_id, wanted)
        return streamed(accepted, dialect) if wanted.stream else _polled(accepted.run, dialect)

    @router.post(
        f"{_RUN}/submit_tool_outputs",
        summary="Submit tool outputs",
        openapi_extra=json_body(wire.SubmitToolOutputs),
    )
    async def submit_tool_outputs(thread_id: str, run_id: str, request: Request) -> Response:
        body = await read_body(request)
        dialect = spoken_in(request, body)
        wanted = wire.parse_submit_tool_outputs(body)
        accepted = await runs_of(request).submit(thread_id, run_id, wanted)
        return streamed(accepted, dialect) if wanted.stream else _polled(accepted.run, dialect)


def _add_run_routes(router: APIRouter, runs_of: RunsOf, streamed: _Streamed) -> None:
    @router.get(_RUNS, summary="List runs")
    async def list_runs(thread_id: str, request: Request) -> Response:
        dialect = spoken_in(request)
        found, has_more = await runs_of(request).page(thread_id, read_page(request))
        return list_answer_in(dialect, found, has_more=has_more)

    @router.get(
        _RUN,
        summary="Retrieve run",
        description="With `stream=true` the answer is the run's stream, from the event after "
        "`starting_after` on; each event has its number as `id`.",
    )
    async def retrieve_run(thread_id: str, run_id: str, request: Request) -> Response:
        dialect = spoken_in(request)
        after = read_stream(request, beginning=0)
        if after is not None:
            accepted = await runs_of(request).follow(thread_id, run_id, after)
            return streamed(accepted, dialect, numbered=True)
        return _polled(await runs_of(request).find(thread_id, run_id), dialect)

    @router.post(_RUN, summary="Modify run", openapi_extra=json_body(wire.ModifyRun))
    async def modify_run(thread_id: str, run_id: str, request: Request) -> Response:
        dialect = spoken_in(request)
        wanted = await read_shape(request, wire.ModifyRun)
        if wanted.metadata is UNSET:
            return answer_in(dialect, await runs_of(request).find(thread_id, run_id))
        changed = await runs_of(request).set_metadata(thread_id, run_id, wanted.metadata or {})
        return answer_in(dialect, changed)

    @router.post(f"{_RUN}/cancel", summary="Cancel run")
    async def cancel_run(thread_id: str, run_id: str, request: Request) -> Response:
        dialect = spoken_in(request)
        return _polled(await runs_of(request).cancel(thread_id, run_id), dialect)


def _add_step_routes(router: APIRouter, runs_of: RunsOf) -> None:
    @router.get(_STEPS, summary="List run steps")
    async def list_run_steps(thread_id: str, run_id: str, request: Request) -> Response:
        dialect = spoken_in(request)
        include = include_of(request.query_params.multi_items())
        found, has_more = await runs_of(request).steps(thread_id, run_id, read_page(request))
        shown = [with_included(step, include) for step in found]
        return list_answer_in(dialect, shown, has_more=has_more)

    @router.get(f"{_STEPS}/{{step_id}}", summary="Retrieve run step")
    async def retrieve_run_step(
        thread_id: str, run_id: str, step_id: str, request: Request
    ) -> Response:
        dialect = spoken_in(request)
        include = include_of(request.query_params.multi_items())
        step = await runs_of(request).step(thread_id, run_id, step_id)
        return answer_in(dialect, with_included(step, include))


def _polled(run: wire.Run, dialect: Dialect) -> Response:
    """Return a run, and while somebody works on it the time after which to ask again."""
    response = answer_in(dialect, run)
    if run.status in ("queued", "in_progress", "cancelling"):
        response.headers["openai-poll-after-ms"] = str(_POLL_AFTER_MS)
    return response


# --- streams ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Framing:
    """Events with a name, and with their number where the client wants to resume."""

    dialect: Dialect
    numbered: bool

    @property
    def end(self) -> bytes:
        return b"event: done\ndata: [DONE]\n\n"

    def value(self, value: Event) -> bytes:
        name = shown_name(value.name, self.dialect)  # type: ignore[arg-type]
        data = one_line(shown_data(value.name, value.data.encode(), self.dialect))  # type: ignore[arg-type]
        number = b"id: %d\n" % value.number if self.numbered else b""
        return b"%bevent: %b\ndata: %b\n\n" % (number, name.encode(), data)

    def error(self, error: UnderstudyError) -> bytes:
        details = ErrorDetails(error.message, error.type, error.param, error.code)
        data = one_line(encode(error_event(details), self.dialect))
        return b"event: error\ndata: %b\n\n" % data


@dataclass(slots=True)
class _RunStream:
    """A run's events as an open stream."""

    chunks: AsyncIterator[Event]
    headers: dict[str, str] = field(default_factory=dict)


class _StreamResponse(Response):
    """The stream of a run as the answer of a route; a client that leaves does not stop the run."""

    def __init__(
        self, streams: Streams, accepted: Accepted, framing: _Framing, heartbeat_s: float
    ) -> None:
        super().__init__()
        self._streams = streams
        self._accepted = accepted
        self._framing = framing
        self._heartbeat_s = heartbeat_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events as they come."""
        exchange = Exchange(scope, receive, send)
        stream = EventStream(exchange, self._heartbeat_s, self._framing)
        await exchange.until_disconnect(lambda: stream.answer(self._opened()))

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[_RunStream]:
        accepted = self._accepted
        events = self._streams.follow(accepted.run_seq, accepted.after)
        async with aclosing(events):
            yield _RunStream(events)
