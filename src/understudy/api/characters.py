"""`/v1/characters`, and the cards that they come and go on."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from understudy.api.http.multipart import FORM, FileField, read_form
from understudy.api.http.plain import (
    answer,
    json_body,
    list_answer,
    project_of,
    read_body,
    read_creation,
    read_page,
)
from understudy.characters.card_files import CARD_FILE_LIMIT_BYTES, read_card_file
from understudy.characters.characters import Characters
from understudy.characters.instances import Instances
from understudy.errors import InvalidRequest, InvalidValue, MissingParameter, TooLarge
from understudy.runs.stream import Streams
from understudy.store.storage import Storage
from understudy.wire import characters as wire

_CHARACTERS = "/v1/characters"
_CHARACTER = f"{_CHARACTERS}/{{character_id}}"
_CARD = FileField(
    "file", CARD_FILE_LIMIT_BYTES, "A card's text needs no large picture: send a smaller one."
)
_CARD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
_MEDIA_TYPES: dict[wire.CardFormat, str] = {"json": "application/json", "png": "image/png"}
_FORMATS: dict[str, wire.CardFormat] = {"json": "json", "png": "png"}
_VERSIONS: dict[str, wire.CardVersion | None] = {"1": 1, "2": 2, "3": 3}
_BOOLEANS = {"true": True, "false": False}
_T = TypeVar("_T")
CharactersOf = Callable[[Request], Characters]


def characters_router(
    storage: Storage,
    wake: Callable[[], None],
    streams: Streams,
    interrupt: Callable[[int], None],
) -> APIRouter:
    """Return the routes of characters.

    `wake`, `streams` and `interrupt` are told of the threads of instances that go with theirs.
    """
    router = APIRouter(tags=["Characters"])

    def characters_of(request: Request) -> Characters:
        return Characters(storage, project_of(request))

    # Before the characters: `import` in /v1/characters/import is no character's id.
    _add_card_routes(router, storage, characters_of)
    _add_character_routes(router, characters_of)

    @router.delete(
        _CHARACTER, summary="Delete character", openapi_extra=_in_query("cascade", "boolean")
    )
    async def delete_character(character_id: str, request: Request) -> Response:
        if _chosen(request, "cascade", _BOOLEANS, False):
            instances = Instances(storage, project_of(request), wake, streams)
            for ended in await instances.delete_of(character_id):
                interrupt(ended)
        await characters_of(request).delete(character_id)
        return answer(wire.DeletedCharacter(character_id))

    return router


def _add_character_routes(router: APIRouter, characters_of: CharactersOf) -> None:
    @router.post(
        _CHARACTERS, summary="Create character", openapi_extra=json_body(wire.CreateCharacter)
    )
    async def create_character(request: Request) -> Response:
        wanted = wire.parse_create_character(await read_body(request))
        return answer(await characters_of(request).create(await read_creation(request), wanted))

    @router.get(_CHARACTERS, summary="List characters")
    async def list_characters(request: Request) -> Response:
        characters, has_more = await characters_of(request).page(read_page(request))
        return list_answer(characters, has_more=has_more)

    @router.get(_CHARACTER, summary="Retrieve character")
    async def retrieve_character(character_id: str, request: Request) -> Response:
        return answer(await characters_of(request).find(character_id))

    @router.post(
        _CHARACTER, summary="Modify character", openapi_extra=json_body(wire.ModifyCharacter)
    )
    async def modify_character(character_id: str, request: Request) -> Response:
        wanted = wire.parse_modify_character(await read_body(request))
        return answer(await characters_of(request).modify(character_id, wanted))


def _add_card_routes(router: APIRouter, storage: Storage, characters_of: CharactersOf) -> None:
    @router.post(f"{_CHARACTERS}/import", summary="Import character card", openapi_extra=_CARD_BODY)
    async def import_character(request: Request) -> Response:
        keyed = await read_creation(Request(request.scope, _no_body))
        content = await _card_in(request)
        file = await anyio.to_thread.run_sync(read_card_file, content)
        async with storage.blobs.writing() as writer:
            await writer.write(content)
            blob = await writer.finish()
            creation = replace(keyed, request=keyed.request + blob.sha256.encode())
            return answer(await characters_of(request).import_card(creation, file, blob))

    @router.get(
        f"{_CHARACTER}/export",
        summary="Export character card",
        openapi_extra={
            "parameters": [
                *_in_query("format", "string")["parameters"],
                *_in_query("version", "integer")["parameters"],
            ]
        },
    )
    async def export_character(character_id: str, request: Request) -> Response:
        format_ = _chosen(request, "format", _FORMATS, "json")
        version = _chosen(request, "version", _VERSIONS, None)
        card = await characters_of(request).export(character_id, format_, version)
        headers = {
            "content-disposition": f"attachment; filename*=utf-8''{quote(card.name, safe='')}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox",
            "cache-control": "private, no-cache",
        }
        return Response(card.content, media_type=_MEDIA_TYPES[format_], headers=headers)


async def _card_in(request: Request) -> bytes:
    """Return the file that a request sends: in a form, or JSON as the body itself."""
    if request.scope.get("form") is None:
        content = await request.body()
        if len(content) > CARD_FILE_LIMIT_BYTES:
            raise TooLarge(f"The card is over {CARD_FILE_LIMIT_BYTES // 1024**2} MiB.")
        if not content:
            raise InvalidRequest(
                "The request has no body; a card is expected, as JSON or in a form.", code="no_body"
            )
        return content
    content_so_far = bytearray()

    async def take(piece: bytes) -> None:
        content_so_far.extend(piece)

    form = await read_form(request, _CARD, take)
    if form.file is None:
        raise MissingParameter("file")
    if not content_so_far:
        raise InvalidValue("file", "it is empty")
    return bytes(content_so_far)


async def _no_body() -> Message:
    """Stand in for a request's `receive` where its head alone is read."""
    return {"type": "http.request", "body": b"", "more_body": False}


def _chosen(request: Request, name: str, choices: Mapping[str, _T], default: _T) -> _T:
    """Return what the query chooses. Raises InvalidValue for what is no choice."""
    text = request.query_params.get(name)
    if not text:
        return default
    if text not in choices:
        raise InvalidValue(name, f"expected {' or '.join(repr(choice) for choice in choices)}")
    return choices[text]


def _in_query(name: str, type_: str) -> dict[str, list[dict[str, Any]]]:
    """Return what the OpenAPI document says of a parameter in the query."""
    return {"parameters": [{"name": name, "in": "query", "schema": {"type": type_}}]}
