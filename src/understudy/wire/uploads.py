"""Uploads on the wire: a file that arrives in parts."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from understudy.wire.files import ExpiresAfter, File

Status = Literal["pending", "completed", "cancelled", "expired"]
PartId = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
"""PostgreSQL knows no NUL, and refuses to look for it."""


class CreateUpload(Struct):
    """A request for an upload; `purpose` is judged by `wire.files`."""

    filename: str
    purpose: str
    bytes: Annotated[int, Meta(ge=1)]
    mime_type: Annotated[str, Meta(min_length=1)]
    expires_after: ExpiresAfter | None = None


class CompleteUpload(Struct):
    """A request to make the file of parts, in the order of their ids."""

    part_ids: Annotated[list[PartId], Meta(min_length=1)]
    md5: str | None = None


class Upload(Struct):
    """An upload; `file` is there once it is completed."""

    id: str
    created_at: int
    filename: str
    bytes: int
    purpose: str
    status: Status
    expires_at: int
    file: File | None = None
    object: Literal["upload"] = "upload"


class UploadPart(Struct):
    """A part of an upload."""

    id: str
    created_at: int
    upload_id: str
    object: Literal["upload.part"] = "upload.part"
