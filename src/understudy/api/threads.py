"""`/v1/threads`: threads themselves, without their messages and runs."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from understudy.api.http.dialects import answer_in, spoken_in
from understudy.api.http.plain import answer, json_body, project_of, read_body, read_creation
from understudy.runs.stream import Streams
from understudy.runs.threads import Threads
from understudy.store.storage import Storage
from understudy.wire import threads as wire

_THREADS = "/v1/threads"
_THREAD = f"{_THREADS}/{{thread_id}}"


def threads_router(
    storage: Storage,
    ingest_wake: Callable[[], None],
    streams: Streams,
    interrupt: Callable[[int], None],
) -> APIRouter:
    """Return the routes of threads.

    `ingest_wake` is called once files are to be read, `interrupt` with the row number of a run
    that ended with its thread.
    """
    router = APIRouter(tags=["Threads"])

    def threads_of(request: Request) -> Threads:
        return Threads(storage, project_of(request), ingest_wake, streams)

    @router.post(_THREADS, summary="Create thread", openapi_extra=json_body(wire.CreateThread))
    async def create_thread(request: Request) -> Response:
        body = await read_body(request)
        dialect = spoken_in(request, body)
        wanted = wire.parse_create_thread(body)
        made = await threads_of(request).create(await read_creation(request), wanted)
        return answer_in(dialect, made)

    @router.get(_THREAD, summary="Retrieve thread")
    async def retrieve_thread(thread_id: str, request: Request) -> Response:
        dialect = spoken_in(request)
        return answer_in(dialect, await threads_of(request).find(thread_id))

    @router.post(_THREAD, summary="Modify thread", openapi_extra=json_body(wire.ModifyThread))
    async def modify_thread(thread_id: str, request: Request) -> Response:
        body = await read_body(request)
        dialect = spoken_in(request, body)
        wanted = wire.parse_modify_thread(body)
        return answer_in(dialect, await threads_of(request).modify(thread_id, wanted))

    @router.delete(_THREAD, summary="Delete thread")
    async def delete_thread(thread_id: str, request: Request) -> Response:
        ended = await threads_of(request).delete(thread_id)
        if ended is not None:
            interrupt(ended)
        return answer(wire.DeletedThread(thread_id))

    return router
