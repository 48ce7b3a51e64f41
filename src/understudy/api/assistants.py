"""`/v1/assistants`, and the files of assistants that v1 has."""

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
    read_shape,
)
from understudy.runs.assistants import Assistants
from understudy.settings import Settings
from understudy.store.storage import Storage
from understudy.wire import assistants as wire

_ASSISTANTS = "/v1/assistants"
_ASSISTANT = f"{_ASSISTANTS}/{{assistant_id}}"
_FILES = f"{_ASSISTANT}/files"
_FILE = f"{_FILES}/{{file_id}}"

AssistantsOf = Callable[[Request], Assistants]


def assistants_router(
    storage: Storage, settings: Settings, ingest_wake: Callable[[], None]
) -> APIRouter:
    """Return the routes of assistants; `ingest_wake` is called once files are to be read."""
    router = APIRouter(tags=["Assistants"])

    def assistants_of(request: Request) -> Assistants:
        return Assistants(storage, project_of(request), ingest_wake, settings.default_model)

    _add_assistant_routes(router, assistants_of)
    _add_file_routes(router, assistants_of)
    return router


def _add_assistant_routes(router: APIRouter, assistants_of: AssistantsOf) -> None:
    @router.post(
        _ASSISTANTS, summary="Create assistant", openapi_extra=json_body(wire.CreateAssistant)
    )
    async def create_assistant(request: Request) -> Response:
        body = await read_body(request)
        dialect = spoken_in(request, body)
        wanted = wire.parse_create_assistant(body)
        made = await assistants_of(request).create(await read_creation(request), wanted)
        return answer_in(dialect, made)

    @router.get(_ASSISTANTS, summary="List assistants")
    async def list_assistants(request: Request) -> Response:
        dialect = spoken_in(request)
        assistants, has_more = await assistants_of(request).page(read_page(request))
        return list_answer_in(dialect, assistants, has_more=has_more)

    @router.get(_ASSISTANT, summary="Retrieve assistant")
    async def retrieve_assistant(assistant_id: str, request: Request) -> Response:
        dialect = spoken_in(request)
        return answer_in(dialect, await assistants_of(request).find(assistant_id))

    @router.post(
        _ASSISTANT, summary="Modify assistant", openapi_extra=json_body(wire.ModifyAssistant)
    )
    async def modify_assistant(assistant_id: str, request: Request) -> Response:
        body = await read_body(request)
        dialect = spoken_in(request, body)
        wanted = wire.parse_modify_assistant(body)
        return answer_in(dialect, await assistants_of(request).modify(assistant_id, wanted))

    @router.delete(_ASSISTANT, summary="Delete assistant")
    async def delete_assistant(assistant_id: str, request: Request) -> Response:
        await assistants_of(request).delete(assistant_id)
        return answer(wire.DeletedAssistant(assistant_id))


def _add_file_routes(router: APIRouter, assistants_of: AssistantsOf) -> None:
    @router.post(
        _FILES,
        summary="Attach file to assistant (v1)",
        openapi_extra=json_body(wire.CreateAssistantFile),
    )
    async def create_assistant_file(assistant_id: str, request: Request) -> Response:
        wanted = await read_shape(request, wire.CreateAssistantFile)
        creation = await read_creation(request)
        return answer(await assistants_of(request).add_file(creation, assistant_id, wanted.file_id))

    @router.get(_FILES, summary="List files of assistant (v1)")
    async def list_assistant_files(assistant_id: str, request: Request) -> Response:
        query = read_page(request)
        files, has_more = await assistants_of(request).page_files(assistant_id, query)
        return list_answer(files, has_more=has_more)

    @router.get(_FILE, summary="Retrieve file of assistant (v1)")
    async def retrieve_assistant_file(
        assistant_id: str, file_id: str, request: Request
    ) -> Response:
        return answer(await assistants_of(request).find_file(assistant_id, file_id))

    @router.delete(_FILE, summary="Detach file from assistant (v1)")
    async def delete_assistant_file(assistant_id: str, file_id: str, request: Request) -> Response:
        await assistants_of(request).remove_file(assistant_id, file_id)
        return answer(wire.DeletedAssistantFile(file_id))
