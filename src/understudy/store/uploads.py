"""Uploads: files that arrive in parts, until they are completed, cancelled or expire.

Every change of an upload locks its row first, so that of two that exclude each other one fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import InvalidRequest, InvalidValue, TooLarge
from understudy.ids import new_id, now_s
from understudy.store.blobs import Blob, keep, release
from understudy.store.files import Files, NewFile
from understudy.store.idempotency import Creation
from understudy.store.objects import Collection, StoredObject, stored
from understudy.store.schema import objects
from understudy.store.storage import Storage
from understudy.wire.files import File
from understudy.wire.uploads import Status, Upload, UploadPart

KIND = "upload"
PART_KIND = "upload.part"
PART_LIMIT_BYTES = 64 * 1024**2
_BATCH = 100
"""Expired uploads ended in one transaction."""


@dataclass(frozen=True, slots=True)
class _Part:
    id: str
    sha256: str
    size_bytes: int


class Uploads:
    """The uploads of one project."""

    def __init__(self, storage: Storage, project_id: str) -> None:
        self._storage = storage
        self._project_id = project_id
        self._collection = Collection(project_id, KIND, noun="upload")

    async def create(
        self, new: NewFile, size_bytes: int, ttl_s: int, creation: Creation | None = None
    ) -> Upload:
        """Begin an upload of a file of this size, to be completed within `ttl_s`.

        A `creation` that began one before gets that one, whatever became of it.
        """
        created_at = now_s()
        document = {
            "filename": new.filename,
            "purpose": new.purpose,
            "life_s": new.life_s,
            "bytes": size_bytes,
            "received_bytes": 0,
            "expires_at": created_at + ttl_s,
        }
        made = StoredObject(
            id=new_id("upload"),
            kind=KIND,
            created_at=created_at,
            document=document,
            status="pending",
            expires_at=created_at + ttl_s,
        )
        async with self._storage.database.write() as connection:
            if creation and (earlier := await creation.claim(connection, made.id)):
                return await self._as_it_is(connection, earlier)
            await self._collection.insert(connection, made)
        return _upload_of(made, "pending")

    async def check_pending(self, id_: str) -> None:
        """Raise what `add_part` would, before its data is read: NotFound, InvalidRequest."""
        async with self._storage.database.read() as connection:
            await self._read(connection, id_)

    async def add_part(self, id_: str, blob: Blob) -> UploadPart:
        """Store a part whose content was written just now, within its writer's block.

        Raises NotFound, InvalidRequest when the upload has ended, TooLarge when its parts together
        are far over its size; some excess is repetitions of parts whose answer was lost.
        """
        await self._storage.blobs.place(blob)
        part = _part_object(id_, blob)
        async with self._storage.database.write() as connection:
            upload = await self._lock(connection, id_)
            received_bytes = upload.document["received_bytes"] + blob.size_bytes
            if received_bytes > 2 * upload.document["bytes"] + PART_LIMIT_BYTES:
                raise TooLarge(
                    f"The parts are far over the {upload.document['bytes']} bytes of upload "
                    f"'{id_}'. Create an upload of the right size.",
                    param="data",
                )
            document = {**upload.document, "received_bytes": received_bytes}
            await self._collection.update(connection, id_, document=document)
            await keep(connection, self._storage.blobs, blob)
            await self._parts(id_).insert(connection, part)
        return UploadPart(part.id, part.created_at, id_)

    async def complete(self, id_: str, part_ids: Sequence[str], md5: str | None) -> Upload:
        """Make the file of parts, joined in this order, and end the upload.

        Raises NotFound, or InvalidRequest: for an upload that has ended, parts that it does not
        have or that are not its size together, another MD5. The upload is still pending then.
        """
        parts = await self._chosen(id_, part_ids)
        blobs = self._storage.blobs
        async with blobs.writing() as writer:
            for part in parts:
                async with blobs.reading(part.sha256) as pieces:
                    async for piece in pieces:
                        await writer.write(piece)
            blob = await writer.finish()
            if md5 is not None and md5.lower() != blob.md5:
                raise InvalidValue("md5", f"the parts have the MD5 {blob.md5}")
            await blobs.place(blob)
            return await self._completed(id_, blob)

    async def cancel(self, id_: str) -> Upload:
        """End an upload and forget its parts. Raises NotFound, InvalidRequest when it has ended."""
        async with self._storage.database.write() as connection:
            upload = await self._lock(connection, id_)
            await _end(connection, self._project_id, upload, "cancelled")
        return _upload_of(upload, "cancelled")

    async def _chosen(self, id_: str, part_ids: Sequence[str]) -> list[_Part]:
        async with self._storage.database.read() as connection:
            upload = await self._read(connection, id_)
            rows = await _part_rows(connection, self._project_id, id_)
        return _select(rows, part_ids, upload.document["bytes"])

    async def _completed(self, id_: str, blob: Blob) -> Upload:
        files = Files(self._storage, self._project_id)
        async with self._storage.database.write() as connection:
            upload = await self._lock(connection, id_)
            told = upload.document
            new = NewFile(told["filename"], told["purpose"], told["life_s"])
            file = await files.insert(connection, new, blob)
            ended = replace(upload, document={**told, "file_id": file.id})
            await _end(connection, self._project_id, ended, "completed")
        return _upload_of(upload, "completed", file)

    async def _as_it_is(self, connection: AsyncConnection, id_: str) -> Upload:
        """Return an upload in any state, with its file if it has one."""
        upload = stored((await connection.execute(self._row(id_))).one())
        file_id = upload.document.get("file_id")
        files = Files(self._storage, self._project_id)
        file = await files.find_in(connection, file_id) if file_id else None
        return _upload_of(upload, _status_of(upload), file)

    async def _read(self, connection: AsyncConnection, id_: str) -> StoredObject:
        """Return the upload. Raises NotFound, or InvalidRequest when it has ended."""
        return self._judged(id_, (await connection.execute(self._row(id_))).first())

    async def _lock(self, connection: AsyncConnection, id_: str) -> StoredObject:
        """Do as `_read`, and keep others from changing the upload until the transaction ends."""
        locked = self._row(id_).with_for_update()
        return self._judged(id_, (await connection.execute(locked)).first())

    def _row(self, id_: str) -> Select[Any]:
        """Select an upload in any state: `Collection.find` hides those that have expired."""
        is_it = (objects.c.project_id == self._project_id) & (objects.c.id == id_)
        return select(objects).where(is_it, objects.c.kind == KIND)

    def _judged(self, id_: str, row: Row[Any] | None) -> StoredObject:
        if row is None:
            raise self._collection.not_found(id_)
        upload = stored(row)
        status = _status_of(upload)
        if status != "pending":
            raise InvalidRequest(
                f"Upload '{id_}' is {status}: only a pending one takes parts, can be completed or "
                "cancelled. Create another.",
                code="upload_not_pending",
            )
        return upload

    def _parts(self, id_: str) -> Collection:
        return Collection(self._project_id, PART_KIND, id_, noun="part")


async def sweep_uploads(storage: Storage) -> None:
    """End the uploads of every project that have expired, and forget their parts."""
    while await _sweep_some(storage):
        pass


async def _sweep_some(storage: Storage) -> bool:
    """End a batch of expired uploads; tell whether there may be more."""
    expired = select(objects).where(objects.c.kind == KIND, objects.c.expires_at <= now_s())
    async with storage.database.write() as connection:
        wanted = expired.limit(_BATCH).with_for_update(skip_locked=True)
        rows = list(await connection.execute(wanted))
        for row in rows:
            await _end(connection, row.project_id, stored(row), "expired")
    return len(rows) == _BATCH


async def _end(
    connection: AsyncConnection, project_id: str, upload: StoredObject, status: Status
) -> None:
    """Give an upload its last status and document; release its parts.

    Without expiry it stays readable.
    """
    await connection.execute(
        update(objects)
        .where(objects.c.project_id == project_id, objects.c.id == upload.id)
        .values(status=status, document=upload.document, expires_at=None)
    )
    parts = await _part_rows(connection, project_id, upload.id)
    await release(connection, [part.sha256 for part in parts])
    await connection.execute(delete(objects).where(*_are_parts(project_id, upload.id)))


async def _part_rows(connection: AsyncConnection, project_id: str, upload_id: str) -> list[_Part]:
    rows = await connection.execute(select(objects).where(*_are_parts(project_id, upload_id)))
    return [_Part(row.id, row.document["sha256"], row.document["bytes"]) for row in rows]


def _are_parts(project_id: str, upload_id: str) -> tuple[Any, ...]:
    columns = objects.c
    return (
        columns.project_id == project_id,
        columns.kind == PART_KIND,
        columns.parent == upload_id,
    )


def _select(parts: Sequence[_Part], part_ids: Sequence[str], size_bytes: int) -> list[_Part]:
    """Return the parts of these ids in this order. Raises InvalidValue."""
    by_id = {part.id: part for part in parts}
    if unknown := next((id_ for id_ in part_ids if id_ not in by_id), None):
        raise InvalidValue("part_ids", f"the upload has no part '{unknown}'")
    if len(set(part_ids)) < len(part_ids):
        raise InvalidValue("part_ids", "a part is named twice")
    chosen = [by_id[id_] for id_ in part_ids]
    total_bytes = sum(part.size_bytes for part in chosen)
    if total_bytes != size_bytes:
        raise InvalidValue(
            "part_ids", f"the parts hold {total_bytes} bytes, the upload was to have {size_bytes}"
        )
    return chosen


def _part_object(upload_id: str, blob: Blob) -> StoredObject:
    return StoredObject(
        id=new_id("part"),
        kind=PART_KIND,
        created_at=now_s(),
        document={"sha256": blob.sha256, "bytes": blob.size_bytes},
        parent=upload_id,
    )


def _status_of(upload: StoredObject) -> Status:
    if upload.expires_at is not None and upload.expires_at <= now_s():
        return "expired"
    return cast("Status", upload.status)


def _upload_of(upload: StoredObject, status: Status, file: File | None = None) -> Upload:
    document = upload.document
    return Upload(
        id=upload.id,
        created_at=upload.created_at,
        filename=document["filename"],
        bytes=document["bytes"],
        purpose=document["purpose"],
        status=status,
        expires_at=document["expires_at"],
        file=file,
    )
