"""`/v1/instances`: instances of characters themselves, found by id or by name."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from understudy.api.http.plain import (
    answer,
    json_body,
    list_answer,
    project_of,
    read_body,
    read_creation,
    read_page,
)
from understudy.characters.instances import Instances
from understudy.characters.remembering import Memories
from understudy.runs.stream import Streams
from understudy.store.storage import Storage
from understudy.wire import instances as wire

_OF_CHARACTER = "/v1/characters/{character_id}/instances"
_INSTANCES = "/v1/instances"
_INSTANCE = f"{_INSTANCES}/{{instance_id}}"


def instances_router(
    storage: Storage,
    wake: Callable[[], None],
    streams: Streams,
    interrupt: Callable[[int], None],
) -> APIRouter:
    """Return the routes of instances.

    `wake`, `streams` and `interrupt` are told of the threads that go with theirs.
    """
    router = APIRouter(tags=["Instances"])

    def instances_of(request: Request) -> Instances:
        return Instances(storage, project_of(request), wake, streams)

    @router.post(
        _OF_CHARACTER, summary="Create instance", openapi_extra=json_body(wire.CreateInstance)
    )
    async def create_instance(character_id: str, request: Request) -> Response:
        wanted = wire.parse_create_instance(await read_body(request))
        creation = await read_creation(request)
        return answer(await instances_of(request).create(creation, character_id, wanted))

    @router.get(_OF_CHARACTER, summary="List instances of character")
    async def list_character_instances(character_id: str, request: Request) -> Response:
        query = read_page(request)
        instances, has_more = await instances_of(request).page_of(character_id, query)
        return list_answer(instances, has_more=has_more)

    @router.get(_INSTANCES, summary="List instances")
    async def list_instances(request: Request) -> Response:
        instances, has_more = await instances_of(request).page(read_page(request))
        return list_answer(instances, has_more=has_more)

    @router.get(_INSTANCE, summary="Retrieve instance")
    async def retrieve_instance(instance_id: str, request: Request) -> Response:
        return answer(await instances_of(request).find(instance_id))

    @router.post(_INSTANCE, summary="Modify instance", openapi_extra=json_body(wire.ModifyInstance))
    async def modify_instance(instance_id: str, request: Request) -> Response:
        wanted = wire.parse_modify_instance(await read_body(request))
        record = Memories(storage, project_of(request)).record
        return answer(await instances_of(request).modify(instance_id, wanted, record))

    @router.delete(_INSTANCE, summary="Delete instance")
    async def delete_instance(instance_id: str, request: Request) -> Response:
        deleted_id, ended = await instances_of(request).delete(instance_id)
        if ended is not None:
            interrupt(ended)
        return answer(wire.DeletedInstance(deleted_id))

    return router
