"""`/v1/instances/{instance_id}/memory` and its changes: what an instance remembers, and undo."""

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
from understudy.characters.memory import ARCHIVE, HUMAN, Blocks, Edit, archiving, remembering
from understudy.characters.memory_changes import Origin
from understudy.characters.remembering import Memories
from understudy.store.storage import Storage
from understudy.wire import memories as wire

_MEMORY = "/v1/instances/{instance_id}/memory"
_CHANGES = f"{_MEMORY}/changes"


def instance_memory_router(storage: Storage) -> APIRouter:
    """Return the routes of memories."""
    router = APIRouter(tags=["Instances"])

    def memories_of(request: Request) -> Memories:
        return Memories(storage, project_of(request))

    @router.get(_MEMORY, summary="Retrieve a memory")
    async def retrieve_memory(instance_id: str, request: Request) -> Response:
        return answer(await memories_of(request).shown(instance_id))

    @router.post(_MEMORY, summary="Remember a line", openapi_extra=json_body(wire.AddMemory))
    async def add_memory(instance_id: str, request: Request) -> Response:
        wanted = await read_shape(request, wire.AddMemory)

        def decide(blocks: Blocks) -> list[Edit]:
            if wanted.block == ARCHIVE:
                return [archiving(wanted.text)]
            made = remembering(blocks, wanted.block or HUMAN, wanted.text)
            return [made] if made else []

        _, changes = await memories_of(request).change(instance_id, decide, Origin("user"))
        return list_answer(changes, has_more=False)

    @router.get(_CHANGES, summary="List changes of a memory")
    async def list_memory_changes(instance_id: str, request: Request) -> Response:
        changes, has_more = await memories_of(request).page(instance_id, read_page(request))
        return list_answer(changes, has_more=has_more)

    @router.post(
        f"{_MEMORY}/undo",
        summary="Undo a change of a memory",
        openapi_extra=json_body(wire.UndoMemory),
    )
    async def undo_memory(instance_id: str, request: Request) -> Response:
        wanted = await read_shape(request, wire.UndoMemory)
        return answer(await memories_of(request).undo(instance_id, wanted.change_id))

    @router.post(
        f"{_MEMORY}/search",
        summary="Search a memory and its archive",
        openapi_extra=json_body(wire.SearchMemory),
    )
    async def search_memory(instance_id: str, request: Request) -> Response:
        wanted = await read_shape(request, wire.SearchMemory)
        found = await memories_of(request).search(instance_id, wanted.query, wanted.limit)
        return answer({"object": "list", "data": found})

    return router
