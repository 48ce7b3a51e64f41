"""`/v1/chat/completions` but for its POST: completions that were stored, and their messages."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from understudy.api.http.plain import (
    answer,
    json_body,
    list_answer,
    project_of,
    read_page,
    read_shape,
)
from understudy.store.chat_completions import CompletionFilter, StoredChatCompletions
from understudy.store.storage import Storage
from understudy.wire.metadata import metadata_in_query
from understudy.wire.stored_chat import MetadataUpdate

_PATH = "/v1/chat/completions"


def stored_chat_router(storage: Storage) -> APIRouter:
    """Return the routes that list, read, change and delete stored chat completions."""
    router = APIRouter(tags=["Chat"])

    def stored(request: Request) -> StoredChatCompletions:
        return StoredChatCompletions(storage.database, project_of(request))

    @router.get(_PATH, summary="List stored chat completions")
    async def list_completions(request: Request) -> Response:
        given = request.query_params
        wanted = CompletionFilter(
            model=given.get("model") or None, metadata=metadata_in_query(given.multi_items())
        )
        query = read_page(request, order="asc", has_before=False)
        completions, has_more = await stored(request).page(query, wanted)
        return list_answer(completions, has_more=has_more)

    @router.get(_PATH + "/{completion_id}", summary="Get stored chat completion")
    async def retrieve(request: Request, completion_id: str) -> Response:
        return answer(await stored(request).find(completion_id))

    @router.post(
        _PATH + "/{completion_id}",
        summary="Update the metadata of a stored chat completion",
        openapi_extra=json_body(MetadataUpdate),
    )
    async def update(request: Request, completion_id: str) -> Response:
        body = await read_shape(request, MetadataUpdate)
        return answer(await stored(request).set_metadata(completion_id, body.metadata or {}))

    @router.delete(_PATH + "/{completion_id}", summary="Delete stored chat completion")
    async def delete(request: Request, completion_id: str) -> Response:
        await stored(request).delete(completion_id)
        return answer({"object": "chat.completion.deleted", "id": completion_id, "deleted": True})

    @router.get(_PATH + "/{completion_id}/messages", summary="List the messages of a completion")
    async def list_messages(request: Request, completion_id: str) -> Response:
        query = read_page(request, order="asc", has_before=False)
        messages, has_more = await stored(request).messages(completion_id, query)
        return list_answer(messages, has_more=has_more)

    return router
