"""`/v1/conversations` and the items of conversations."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from understudy.api.http.plain import (
    answer,
    items_answer,
    json_body,
    project_of,
    read_creation,
    read_page,
    read_shape,
)
from understudy.responses.conversations import ConversationItems, Conversations
from understudy.runs.requests import Surface
from understudy.wire import conversations as wire

_CONVERSATIONS = "/v1/conversations"
_CONVERSATION = f"{_CONVERSATIONS}/{{conversation_id}}"
_ITEMS = f"{_CONVERSATION}/items"
_ITEM = f"{_ITEMS}/{{item_id}}"

ItemsOf = Callable[[Request, str], ConversationItems]


def conversations_router(surface: Surface) -> APIRouter:
    """Return the routes of conversations and of their items."""
    router = APIRouter(tags=["Conversations"])

    def conversations_of(request: Request) -> Conversations:
        return Conversations(surface, project_of(request))

    def items_of(request: Request, conversation_id: str) -> ConversationItems:
        include = wire.include_of(request.query_params.multi_items())
        return ConversationItems(surface, project_of(request), conversation_id, include)

    _add_conversation_routes(router, conversations_of)
    _add_item_routes(router, items_of)
    return router


def _add_conversation_routes(
    router: APIRouter, conversations_of: Callable[[Request], Conversations]
) -> None:
    @router.post(
        _CONVERSATIONS,
        summary="Create conversation",
        openapi_extra=json_body(wire.CreateConversation),
    )
    async def create_conversation(request: Request) -> Response:
        wanted = await read_shape(request, wire.CreateConversation)
        creation = await read_creation(request)
        return answer(await conversations_of(request).create(creation, wanted))

    @router.get(_CONVERSATION, summary="Retrieve conversation")
    async def retrieve_conversation(conversation_id: str, request: Request) -> Response:
        return answer(await conversations_of(request).find(conversation_id))

    @router.post(
        _CONVERSATION,
        summary="Update conversation",
        openapi_extra=json_body(wire.UpdateConversation),
    )
    async def update_conversation(conversation_id: str, request: Request) -> Response:
        wanted = await read_shape(request, wire.UpdateConversation)
        return answer(await conversations_of(request).update(conversation_id, wanted))

    @router.delete(_CONVERSATION, summary="Delete conversation")
    async def delete_conversation(conversation_id: str, request: Request) -> Response:
        await conversations_of(request).delete(conversation_id)
        return answer(wire.DeletedConversation(conversation_id))


def _add_item_routes(router: APIRouter, items_of: ItemsOf) -> None:
    @router.post(
        _ITEMS, summary="Create conversation items", openapi_extra=json_body(wire.CreateItems)
    )
    async def create_items(conversation_id: str, request: Request) -> Response:
        wanted = await read_shape(request, wire.CreateItems)
        creation = await read_creation(request)
        made = await items_of(request, conversation_id).add(creation, wanted.items)
        return items_answer(made, has_more=False)

    @router.get(_ITEMS, summary="List conversation items")
    async def list_items(conversation_id: str, request: Request) -> Response:
        query = read_page(request, has_before=False)
        items, has_more = await items_of(request, conversation_id).page(query)
        return items_answer(items, has_more=has_more)

    @router.get(_ITEM, summary="Retrieve conversation item")
    async def retrieve_item(conversation_id: str, item_id: str, request: Request) -> Response:
        return answer(await items_of(request, conversation_id).find(item_id))

    @router.delete(_ITEM, summary="Delete conversation item")
    async def delete_item(conversation_id: str, item_id: str, request: Request) -> Response:
        return answer(await items_of(request, conversation_id).delete(item_id))
