"""Files: what each is called and for, and which content it has. Knows no HTTP."""

from dataclasses import dataclass

from msgspec import UNSET
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.ids import new_id, now_s
from understudy.store.blobs import Blob, keep, release
from understudy.store.idempotency import Creation
from understudy.store.objects import Collection, StoredObject
from understudy.store.pages import PageQuery
from understudy.store.schema import objects, vector_store_files
from understudy.store.storage import Storage
from understudy.wire.files import File, expiry

KIND = "file"
_BATCH = 100
"""Expired files removed in one transaction."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a client says of a file; without `life_s` its purpose decides when it expires."""

    filename: str
    purpose: str
    life_s: int | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as clients see it, and the hash of its content."""

    file: File
    sha256: str


@dataclass(frozen=True, slots=True)
class FilePage:
    """A page of a list of files."""

    files: list[File]
    has_more: bool


class Files:
    """The files of one project."""

    def __init__(self, storage: Storage, project_id: str) -> None:
        self._storage = storage
        self._project_id = project_id
        self._collection = Collection(project_id, KIND, noun="file")

    async def create(self, new: NewFile, blob: Blob, creation: Creation | None = None) -> File:
        """Store a file whose content was written just now, within its writer's block.

        A `creation` that made a file before gets that one, and the content no other reference.
        """
        await self._storage.blobs.place(blob)
        made = _object_of(new, blob)
        async with self._storage.database.write() as connection:
            if creation and (earlier := await creation.claim(connection, made.id)):
                return _file_of(await self._collection.find(connection, earlier)).file
            await self._insert(connection, made, blob)
        return _file_of(made).file

    async def insert(self, connection: AsyncConnection, new: NewFile, blob: Blob) -> File:
        """Store a file in the caller's transaction: see `create`."""
        made = _object_of(new, blob)
        await self._insert(connection, made, blob)
        return _file_of(made).file

    async def find_in(self, connection: AsyncConnection, id_: str) -> File | None:
        """Return a file as the caller's transaction sees it, or None for one that is gone."""
        found = await self._collection.find_all(connection, [id_])
        return _file_of(found[id_]).file if id_ in found else None

    async def find(self, id_: str) -> StoredFile:
        """Return a file. Raises NotFound, for one that has expired too."""
        async with self._storage.database.read() as connection:
            return _file_of(await self._collection.find(connection, id_))

    async def page(self, query: PageQuery, purpose: str | None) -> FilePage:
        """Return one page of the files, of one purpose if it is given."""
        has_purpose = objects.c.document["purpose"].as_string() == purpose
        conditions = [] if purpose is None else [has_purpose]
        async with self._storage.database.read() as connection:
            page = await self._collection.page(connection, query, *conditions)
        return FilePage([_file_of(found).file for found in page.objects], page.has_more)

    async def delete(self, id_: str) -> None:
        """Delete a file, here and in every vector store. Raises NotFound."""
        async with self._storage.database.write() as connection:
            was = await self._collection.delete(connection, id_)
            await _leave_vector_stores(connection, self._project_id, id_)
            await release(connection, [was.document["sha256"]])

    async def _insert(self, connection: AsyncConnection, made: StoredObject, blob: Blob) -> None:
        await keep(connection, self._storage.blobs, blob)
        await self._collection.insert(connection, made)


async def sweep_files(storage: Storage) -> None:
    """Delete the files of every project that have expired."""
    while await _sweep_some(storage):
        pass


async def _sweep_some(storage: Storage) -> bool:
    """Delete a batch of expired files; tell whether there may be more."""
    now = now_s()
    expired = select(objects).where(
        objects.c.kind == KIND, objects.c.expires_at <= now, objects.c.deleted_at.is_(None)
    )
    async with storage.database.write() as connection:
        wanted = expired.limit(_BATCH).with_for_update(skip_locked=True)
        rows = list(await connection.execute(wanted))
        for row in rows:
            await connection.execute(
                update(objects)
                .where(objects.c.seq == row.seq)
                .values(deleted_at=now, document={}, expires_at=None)
            )
            await _leave_vector_stores(connection, row.project_id, row.id)
        await release(connection, [row.document["sha256"] for row in rows])
    return len(rows) == _BATCH


async def _leave_vector_stores(connection: AsyncConnection, project_id: str, id_: str) -> None:
    await connection.execute(
        update(vector_store_files)
        .where(
            vector_store_files.c.project_id == project_id,
            vector_store_files.c.file_id == id_,
            vector_store_files.c.deleted_at.is_(None),
        )
        .values(deleted_at=now_s())
    )


def _object_of(new: NewFile, blob: Blob) -> StoredObject:
    created_at = now_s()
    document = {
        "filename": new.filename,
        "purpose": new.purpose,
        "bytes": blob.size_bytes,
        "sha256": blob.sha256,
    }
    return StoredObject(
        id=new_id("file-"),
        kind=KIND,
        created_at=created_at,
        document=document,
        expires_at=expiry(created_at, new.purpose, new.life_s),
    )


def _file_of(found: StoredObject) -> StoredFile:
    document = found.document
    file = File(
        id=found.id,
        bytes=document["bytes"],
        created_at=found.created_at,
        filename=document["filename"],
        purpose=document["purpose"],
        expires_at=UNSET if found.expires_at is None else found.expires_at,
    )
    return StoredFile(file, document["sha256"])
