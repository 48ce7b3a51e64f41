"""`/v1/uploads`: files that arrive in parts."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from understudy.api.http.multipart import FileField, read_form
from understudy.api.http.plain import answer, json_body, project_of, read_creation, read_shape
from understudy.errors import InvalidValue, MissingParameter
from understudy.settings import Settings
from understudy.store.files import NewFile
from understudy.store.storage import Storage
from understudy.store.uploads import PART_LIMIT_BYTES, Uploads
from understudy.wire.files import check_filename, check_purpose
from understudy.wire.uploads import CompleteUpload, CreateUpload

_DATA = FileField("data", PART_LIMIT_BYTES, "Send smaller parts.")
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["data"],
                    "properties": {"data": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


def uploads_router(storage: Storage, settings: Settings) -> APIRouter:
    """Return the routes of uploads."""
    router = APIRouter(tags=["Uploads"])

    @router.post("/v1/uploads", summary="Create upload", openapi_extra=json_body(CreateUpload))
    async def create_upload(request: Request) -> Response:
        wanted = await read_shape(request, CreateUpload)
        new = _new_file(wanted, settings.upload_limit_bytes)
        creation = await read_creation(request)
        uploads = _uploads(request)
        return answer(await uploads.create(new, wanted.bytes, settings.upload_ttl_s, creation))

    @router.post("/v1/uploads/{upload_id}/parts", summary="Add upload part", openapi_extra=_FORM)
    async def add_upload_part(upload_id: str, request: Request) -> Response:
        uploads = _uploads(request)
        await uploads.check_pending(upload_id)
        async with storage.blobs.writing() as writer:
            part = (await read_form(request, _DATA, writer.write)).file
            if part is None:
                raise MissingParameter("data")
            if part.size_bytes == 0:
                raise InvalidValue("data", "it is empty")
            return answer(await uploads.add_part(upload_id, await writer.finish()))

    @router.post(
        "/v1/uploads/{upload_id}/complete",
        summary="Complete upload",
        openapi_extra=json_body(CompleteUpload),
    )
    async def complete_upload(upload_id: str, request: Request) -> Response:
        wanted = await read_shape(request, CompleteUpload)
        return answer(await _uploads(request).complete(upload_id, wanted.part_ids, wanted.md5))

    @router.post("/v1/uploads/{upload_id}/cancel", summary="Cancel upload")
    async def cancel_upload(upload_id: str, request: Request) -> Response:
        return answer(await _uploads(request).cancel(upload_id))

    def _uploads(request: Request) -> Uploads:
        return Uploads(storage, project_of(request))

    return router


def _new_file(wanted: CreateUpload, limit_bytes: int) -> NewFile:
    """Return what a request says of the file. Raises InvalidValue that names the field."""
    if wanted.bytes > limit_bytes:
        raise InvalidValue(
            "bytes", f"over {limit_bytes}, which the setting upload_limit_bytes allows"
        )
    return NewFile(
        check_filename(wanted.filename, "filename"),
        check_purpose(wanted.purpose),
        wanted.expires_after.seconds if wanted.expires_after else None,
    )
