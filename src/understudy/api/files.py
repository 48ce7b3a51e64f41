"""`/v1/files`: uploads to disk, lists, contents as attachments that no browser opens."""

from dataclasses import replace
from pathlib import PurePath
from urllib.parse import quote

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from understudy.api.http.multipart import FileField, Form, read_form
from understudy.api.http.plain import answer, list_answer, project_of, read_creation, read_page
from understudy.errors import InvalidValue, MissingParameter
from understudy.settings import Settings
from understudy.store.blobs import Blob, Blobs
from understudy.store.files import Files, NewFile, StoredFile
from understudy.store.storage import Storage
from understudy.wire.files import (
    PURPOSES,
    DeletedFile,
    check_filename,
    life_of,
    purpose_of,
    unescaped,
)

_LIST_LIMIT = 10_000
_SAFE_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
}
"""What may be called by its name; anything else is bytes, HTML and SVG above all."""

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "purpose": {"type": "string", "enum": list(PURPOSES)},
                        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
                        "expires_after[seconds]": {"type": "integer"},
                    },
                }
            }
        },
    }
}


def files_router(storage: Storage, settings: Settings) -> APIRouter:
    """Return the routes of files."""
    router = APIRouter(tags=["Files"])
    field = FileField("file", settings.file_limit_bytes, _REMEDY)

    @router.post("/v1/files", summary="Upload file", openapi_extra=_FORM)
    async def create_file(request: Request) -> Response:
        keyed = await read_creation(Request(request.scope, _no_body))
        async with storage.blobs.writing() as writer:
            form = await read_form(request, field, writer.write)
            new = _new_file(form)
            blob = await writer.finish()
            creation = replace(keyed, request=keyed.request + _told(form, blob))
            return answer(await _files(request).create(new, blob, creation))

    @router.get("/v1/files", summary="List files")
    async def list_files(request: Request) -> Response:
        query = read_page(request, limits=(_LIST_LIMIT, _LIST_LIMIT), has_before=False)
        page = await _files(request).page(query, request.query_params.get("purpose"))
        return list_answer(page.files, has_more=page.has_more)

    @router.get("/v1/files/{file_id}", summary="Retrieve file")
    async def retrieve_file(file_id: str, request: Request) -> Response:
        return answer((await _files(request).find(file_id)).file)

    @router.delete("/v1/files/{file_id}", summary="Delete file")
    async def delete_file(file_id: str, request: Request) -> Response:
        await _files(request).delete(file_id)
        return answer(DeletedFile(file_id))

    @router.get("/v1/files/{file_id}/content", summary="Retrieve file content")
    async def retrieve_file_content(file_id: str, request: Request) -> Response:
        return _Content(storage.blobs, await _files(request).find(file_id))

    def _files(request: Request) -> Files:
        return Files(storage, project_of(request))

    return router


_REMEDY = "Send it in parts (/v1/uploads), or raise the setting file_limit_bytes."


class _Content(StreamingResponse):
    """The content of a file, read from the disk as the client takes it."""

    def __init__(self, blobs: Blobs, found: StoredFile) -> None:
        super().__init__(iter(()), headers=_headers(found.file.filename, found.file.bytes))
        self._blobs = blobs
        self._sha256 = found.sha256

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the content before anything is sent, so that its absence is an error of its own."""
        async with self._blobs.reading(self._sha256) as pieces:
            self.body_iterator = pieces
            await super().__call__(scope, receive, send)


def _headers(filename: str, size_bytes: int) -> dict[str, str]:
    suffix = PurePath(filename).suffix.lower()
    return {
        "content-type": _SAFE_TYPES.get(suffix, "application/octet-stream"),
        "content-length": str(size_bytes),
        "content-disposition": f"attachment; filename*=utf-8''{quote(filename, safe='')}",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox",
        "cache-control": "private, no-cache",
    }


async def _no_body() -> Message:
    """Stand in for a request's `receive` where its head alone is read: its body is a form."""
    return {"type": "http.request", "body": b"", "more_body": False}


def _told(form: Form, blob: Blob) -> bytes:
    """Return what a form says, without its boundary, which is another in each repetition."""
    filename = form.file and form.file.filename
    return msgspec.json.encode([form.fields, filename, blob.sha256], order="sorted")


def _new_file(form: Form) -> NewFile:
    """Return what a form says of its file. Raises InvalidRequest that names the field."""
    if form.file is None:
        raise MissingParameter("file")
    if form.file.size_bytes == 0:
        raise InvalidValue("file", "it is empty")
    name = check_filename(unescaped(form.file.filename), "file")
    return NewFile(name, purpose_of(form.fields), life_of(form.fields))
