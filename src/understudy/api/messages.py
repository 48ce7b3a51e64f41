"""`/v1/threads/{thread_id}/messages`, and the files of messages that v1 has."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from understudy.api.http.dialects import answer_in, list_answer_in, spoken_in
from understudy.api.http.plain import (
    answer,
    json_body,
    list_answer,
    project_of,
    read_body,
    read_creation,
    read_page,
)
from understudy.runs.messages import Messages
from understudy.store.storage import Storage
from understudy.wire import messages as wire
from understudy.wire.base import check_shape

_MESSAGES = "/v1/threads/{thread_id}/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id}}"
_FILES = f"{_MESSAGE}/files"

MessagesOf = Callable[[Request, str], Messages]


def messages_router(storage: Storage, ingest_wake: Callable[[], None]) -> APIRouter:
    """Return the routes of messages; `ingest_wake` is called once files are to be read."""
    router = APIRouter(tags=["Messages"])

    def messages_of(request: Request, thread_id: str) -> Messages:
        return Messages(storage, project_of(request), thread_id, ingest_wake)

    _add_message_routes(router, messages_of)
    _add_file_routes(router, messages_of)
    return router


def _add_message_routes(router: APIRouter, messages_of: MessagesOf) -> None:
    @router.post(_MESSAGES, summary="Create message", openapi_extra=json_body(wire.CreateMessage))
    async def create_message(thread_id: str, request: Request) -> Response:
        body = await read_body(request)
        dialect = spoken_in(request, body)
        wanted = wire.parse_create_message(body)
        creation = await read_creation(request)
        return answer_in(dialect, await messages_of(request, thread_id).create(creation, wanted))

    @router.get(_MESSAGES, summary="List messages")
    async def list_messages(thread_id: str, request: Request) -> Response:
        dialect = spoken_in(request)
        run_id = request.query_params.get("run_id") or None
        query = read_page(request)
        messages, has_more = await messages_of(request, thread_id).page(query, run_id)
        return list_answer_in(dialect, messages, has_more=has_more)

    @router.get(_MESSAGE, summary="Retrieve message")
    async def retrieve_message(thread_id: str, message_id: str, request: Request) -> Response:
        dialect = spoken_in(request)
        return answer_in(dialect, await messages_of(request, thread_id).find(message_id))

    @router.post(_MESSAGE, summary="Modify message", openapi_extra=json_body(wire.ModifyMessage))
    async def modify_message(thread_id: str, message_id: str, request: Request) -> Response:
        body = await read_body(request)
        dialect = spoken_in(request, body)
        wanted = check_shape(body, wire.ModifyMessage)
        messages = messages_of(request, thread_id)
        return answer_in(dialect, await messages.modify(message_id, wanted))

    @router.delete(_MESSAGE, summary="Delete message")
    async def delete_message(thread_id: str, message_id: str, request: Request) -> Response:
        await messages_of(request, thread_id).delete(message_id)
        return answer(wire.DeletedMessage(message_id))


def _add_file_routes(router: APIRouter, messages_of: MessagesOf) -> None:
    @router.get(_FILES, summary="List files of message (v1)")
    async def list_message_files(thread_id: str, message_id: str, request: Request) -> Response:
        query = read_page(request)
        files, has_more = await messages_of(request, thread_id).page_files(message_id, query)
        return list_answer(files, has_more=has_more)

    @router.get(f"{_FILES}/{{file_id}}", summary="Retrieve file of message (v1)")
    async def retrieve_message_file(
        thread_id: str, message_id: str, file_id: str, request: Request
    ) -> Response:
        return answer(await messages_of(request, thread_id).find_file(message_id, file_id))
