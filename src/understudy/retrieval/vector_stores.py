"""Vector stores of one project: what they hold, how far it is read, and searching them."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import InvalidRequest, NotFound
from understudy.ids import new_id, now_s
from understudy.retrieval.search import SearchRequest, SearchResult, VectorSearch, search
from understudy.store import vector_store_files as members
from understudy.store.files import KIND as FILE
from understudy.store.idempotency import Creation
from understudy.store.objects import Collection, StoredObject, of_every_project
from understudy.store.pages import PageQuery
from understudy.store.schema import chunks, vector_store_files
from understudy.store.storage import Storage
from understudy.store.vector_store_files import FileState, FileToAdd, Status

KIND = "vector_store"
BATCH = "vector_store.file_batch"
_DAY_S = 86_400
_ACTIVE_EVERY_S = 60
"""A search within a minute of the last one does not write down that the store is in use."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many files are in each status."""

    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.in_progress + self.completed + self.failed + self.cancelled


@dataclass(frozen=True, slots=True)
class NewStore:
    """What a client says of a vector store; it expires so many days after its last use."""

    name: str = ""
    description: str | None = None
    metadata: dict[str, str] | None = None
    expires_after_days: int | None = None
    files: Sequence[FileToAdd] = ()


@dataclass(frozen=True, slots=True)
class StoreState:
    """A vector store as clients see it."""

    id: str
    created_at: int
    name: str
    description: str | None
    metadata: dict[str, str] | None
    expires_after_days: int | None
    expires_at: int | None
    last_active_at: int
    counts: Counts
    usage_bytes: int
    status: Literal["expired", "in_progress", "completed"]


@dataclass(frozen=True, slots=True)
class BatchState:
    """Files that were added together."""

    id: str
    vector_store_id: str
    created_at: int
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    counts: Counts


class VectorStores:
    """The vector stores of one project. Methods raise NotFound for what it does not have."""

    def __init__(
        self,
        storage: Storage,
        project_id: str,
        wake: Callable[[], None],
        vectors: VectorSearch | None = None,
    ) -> None:
        """`wake` is called when there is something to read or to clear away."""
        self._storage = storage
        self._project_id = project_id
        self._wake = wake
        self._vectors = vectors
        self._stores = Collection(project_id, KIND, noun="vector store")

    async def create(self, new: NewStore, creation: Creation | None = None) -> StoreState:
        """Create a store and queue its files. Raises NotFound for a file that is not there.

        Here and below, a `creation` that made something before gets that, as it is now.
        """
        made = StoredObject(
            id=new_id("vs"),
            kind=KIND,
            created_at=now_s(),
            document={
                "name": new.name,
                "description": new.description,
                "metadata": new.metadata,
                "expires_after_days": new.expires_after_days,
                "last_active_at": now_s(),
            },
        )
        async with self._storage.database.write() as connection:
            if creation and (earlier := await creation.claim(connection, made.id)):
                made = await self._stores.find(connection, earlier)
            else:
                await self._stores.insert(connection, made)
                await self._add(connection, made.id, new.files)
            (state,) = await _states(connection, [made])
        self._wake()
        return state

    async def find(self, id_: str) -> StoreState:
        """Return a store."""
        async with self._storage.database.read() as connection:
            found = await self._stores.find(connection, id_)
            (state,) = await _states(connection, [found])
        return state

    async def page(self, query: PageQuery) -> tuple[list[StoreState], bool]:
        """Return one page of the stores, and whether there are more."""
        async with self._storage.database.read() as connection:
            found = await self._stores.page(connection, query)
            return await _states(connection, found.objects), found.has_more

    async def update(self, id_: str, **changes: Any) -> StoreState:
        """Set name, description, metadata or expires_after_days of a store."""
        async with self._storage.database.write() as connection:
            was = await self._stores.find(connection, id_, for_update=True)
            _refuse_expired(was)
            document = {**was.document, **changes, "last_active_at": now_s()}
            now = await self._stores.update(connection, id_, document=document)
            (state,) = await _states(connection, [now])
        return state

    async def delete(self, id_: str) -> None:
        """Delete a store and what was read into it; the files themselves stay."""
        async with self._storage.database.write() as connection:
            await self._stores.delete(connection, id_)
            await members.remove(connection, id_)
        self._wake()

    async def add_file(
        self, store_id: str, file: FileToAdd, creation: Creation | None = None
    ) -> FileState:
        """Queue a file to be read into a store."""
        async with self._storage.database.write() as connection:
            if creation and await creation.claim(connection, file.file_id):
                await self._stores.find(connection, store_id)
            else:
                await self._writable(connection, store_id)
                await self._add(connection, store_id, [file])
            state = await self._member(connection, store_id, file.file_id)
        self._wake()
        return state

    async def find_file(self, store_id: str, file_id: str) -> FileState:
        """Return a file of a store."""
        async with self._storage.database.read() as connection:
            await self._stores.find(connection, store_id)
            return await self._member(connection, store_id, file_id)

    async def page_files(
        self,
        store_id: str,
        query: PageQuery,
        *,
        status: Status | None = None,
        batch_id: str | None = None,
    ) -> tuple[list[FileState], bool]:
        """Return one page of a store's files, of one status or one batch if it is given."""
        async with self._storage.database.read() as connection:
            await self._stores.find(connection, store_id)
            conditions: list[ColumnElement[bool]] = []
            if status is not None:
                conditions.append(members.has_status(status))
            if batch_id is not None:
                batch = await self._batches(store_id).find(connection, batch_id)
                conditions.append(members.is_one_of(batch.document["file_ids"]))
            return await members.page(connection, store_id, query, *conditions)

    async def set_attributes(
        self, store_id: str, file_id: str, attributes: dict[str, Any]
    ) -> FileState:
        """Replace the attributes of a file, by which searches are filtered."""
        async with self._storage.database.write() as connection:
            await self._stores.find(connection, store_id)
            await self._member(connection, store_id, file_id)
            await members.set_attributes(connection, store_id, file_id, attributes)
            return await self._member(connection, store_id, file_id)

    async def remove_file(self, store_id: str, file_id: str) -> None:
        """Take a file out of a store; the file itself stays."""
        async with self._storage.database.write() as connection:
            await self._stores.find(connection, store_id)
            await self._member(connection, store_id, file_id)
            await members.remove(connection, store_id, file_id)
        self._wake()

    async def file_content(self, store_id: str, file_id: str) -> list[str]:
        """Return the texts that were read from a file, chunk by chunk, overlaps included."""
        async with self._storage.database.read() as connection:
            await self._stores.find(connection, store_id)
            state = await self._member(connection, store_id, file_id)
            if state.status != "completed":
                raise InvalidRequest(
                    f"The file '{file_id}' has no content in '{store_id}': it is {state.status}.",
                    code="file_not_ready",
                )
            texts = (
                select(chunks.c.text)
                .join(vector_store_files, vector_store_files.c.seq == chunks.c.file_seq)
                .where(
                    vector_store_files.c.vector_store_id == store_id,
                    vector_store_files.c.file_id == file_id,
                    vector_store_files.c.deleted_at.is_(None),
                )
                .order_by(chunks.c.position)
            )
            return list((await connection.scalars(texts)).all())

    async def create_batch(
        self, store_id: str, files: Sequence[FileToAdd], creation: Creation | None = None
    ) -> BatchState:
        """Queue files to be read into a store, and follow them together."""
        made = StoredObject(
            id=new_id("vsfb"),
            kind=BATCH,
            parent=store_id,
            created_at=now_s(),
            document={"file_ids": members.ids_of(files)},
        )
        async with self._storage.database.write() as connection:
            if creation and (earlier := await creation.claim(connection, made.id)):
                await self._stores.find(connection, store_id)
                made = await self._batches(store_id).find(connection, earlier)
            else:
                await self._writable(connection, store_id)
                await self._batches(store_id).insert(connection, made)
                await self._add(connection, store_id, files)
            state = await _batch_state(connection, made)
        self._wake()
        return state

    async def find_batch(self, store_id: str, batch_id: str) -> BatchState:
        """Return a batch."""
        async with self._storage.database.read() as connection:
            await self._stores.find(connection, store_id)
            batch = await self._batches(store_id).find(connection, batch_id)
            return await _batch_state(connection, batch)

    async def cancel_batch(self, store_id: str, batch_id: str) -> BatchState:
        """Stop reading what is not read yet of a batch."""
        async with self._storage.database.write() as connection:
            await self._stores.find(connection, store_id)
            batch = await self._batches(store_id).find(connection, batch_id, for_update=True)
            before = await _batch_state(connection, batch)
            if before.counts.in_progress:
                await members.cancel(connection, store_id, batch.document["file_ids"])
                batch = await self._batches(store_id).update(
                    connection, batch_id, status="cancelled"
                )
            state = await _batch_state(connection, batch)
        self._wake()
        return state

    async def search(self, store_id: str, request: SearchRequest) -> list[SearchResult]:
        """Return the best passages of a store, and note that it is in use."""
        async with self._storage.database.read() as connection:
            found = await self._stores.find(connection, store_id)
        _refuse_expired(found)
        if _is_due(found):
            await self.update(store_id)
        return await self._search([store_id], request)

    async def search_together(
        self, store_ids: Sequence[str], request: SearchRequest
    ) -> list[SearchResult]:
        """Return the best passages of several stores; one that is gone has none.

        A file that several of them hold gives each of its passages once.
        """
        wanted = request.max_num_results
        enough = replace(request, max_num_results=wanted * len(store_ids))
        found = await self._search(store_ids, enough)
        return _each_once(found)[:wanted]

    async def use(self, store_ids: Sequence[str]) -> list[str]:
        """Note that the stores are in use; return those that are there and have not expired."""
        async with self._storage.database.read() as connection:
            found = await self._stores.find_all(connection, store_ids)
        usable = [id_ for id_ in store_ids if id_ in found and not _is_expired(found[id_])]
        for id_ in usable:
            if _is_due(found[id_]):
                with suppress(NotFound):  # deleted meanwhile: nothing will be found in it
                    await self.update(id_)
        return usable

    async def count_unread(self, store_ids: Sequence[str]) -> int:
        """Return how many files of these stores are still to be read."""
        async with self._storage.database.read() as connection:
            counted = await members.count(connection, store_ids)
        return sum(statuses["in_progress"] for statuses, _ in counted.values())

    async def holding(self, store_ids: Sequence[str], file_ids: Sequence[str]) -> list[str]:
        """Return those of the files that one of the stores holds, in their order."""
        held: set[str] = set()
        async with self._storage.database.read() as connection:
            for store_id in store_ids:
                found = await members.find(connection, store_id, file_ids)
                held.update(state.file_id for state in found)
        return [id_ for id_ in file_ids if id_ in held]

    async def _search(self, store_ids: Sequence[str], request: SearchRequest) -> list[SearchResult]:
        database = self._storage.database
        return await search(database, self._project_id, store_ids, request, self._vectors)

    def _batches(self, store_id: str) -> Collection:
        return Collection(self._project_id, BATCH, store_id, noun="file batch")

    async def _writable(self, connection: AsyncConnection, store_id: str) -> None:
        found = await self._stores.find(connection, store_id, for_update=True)
        _refuse_expired(found)
        document = {**found.document, "last_active_at": now_s()}
        await self._stores.update(connection, store_id, document=document)

    async def _add(
        self, connection: AsyncConnection, store_id: str, files: Sequence[FileToAdd]
    ) -> None:
        wanted = members.ids_of(files)
        known = await Collection(self._project_id, FILE).find_all(connection, wanted)
        for file in files:
            if file.file_id not in known:
                message = f"No file found with id '{file.file_id}'."
                raise NotFound(message, param=file.param, code="not_found")
        await members.add(connection, self._project_id, store_id, files)

    async def _member(self, connection: AsyncConnection, store_id: str, file_id: str) -> FileState:
        for state in await members.find(connection, store_id, [file_id]):
            return state
        raise NotFound(
            f"No file found with id '{file_id}' in vector store '{store_id}'.", code="not_found"
        )


async def expire_stores(storage: Storage) -> None:
    """Clear away what was read into the stores of every project that have expired."""
    async with storage.database.write() as connection:
        ids = select(vector_store_files.c.vector_store_id).where(
            vector_store_files.c.deleted_at.is_(None)
        )
        for found in await of_every_project(connection, KIND, ids.distinct()):
            if _is_expired(found):
                await members.remove(connection, found.id)


def _each_once(results: Sequence[SearchResult]) -> list[SearchResult]:
    """Return the results without those whose text an earlier one has from the same file."""
    first: dict[tuple[str, str], SearchResult] = {}
    for result in results:
        first.setdefault((result.file_id, result.text), result)
    return list(first.values())


async def _states(connection: AsyncConnection, stores: Sequence[StoredObject]) -> list[StoreState]:
    counted = await members.count(connection, [store.id for store in stores])
    return [_state(store, Counts(**counted[store.id][0]), counted[store.id][1]) for store in stores]


def _state(store: StoredObject, counts: Counts, usage_bytes: int) -> StoreState:
    status: Literal["expired", "in_progress", "completed"] = "completed"
    if _is_expired(store):
        status = "expired"
    elif counts.in_progress:
        status = "in_progress"
    document = store.document
    return StoreState(
        id=store.id,
        created_at=store.created_at,
        name=document["name"],
        description=document["description"],
        metadata=document["metadata"],
        expires_after_days=document["expires_after_days"],
        expires_at=_expires_at(store),
        last_active_at=document["last_active_at"],
        counts=counts,
        usage_bytes=usage_bytes,
        status=status,
    )


def _expires_at(store: StoredObject) -> int | None:
    days: int | None = store.document["expires_after_days"]
    last_active_at: int = store.document["last_active_at"]
    return None if days is None else last_active_at + days * _DAY_S


def _is_expired(store: StoredObject) -> bool:
    expires_at = _expires_at(store)
    return expires_at is not None and expires_at <= now_s()


def _is_due(store: StoredObject) -> bool:
    """Tell whether it is time to write down again that a store is in use."""
    last_active_at: int = store.document["last_active_at"]
    return now_s() - last_active_at >= _ACTIVE_EVERY_S


def _refuse_expired(store: StoredObject) -> None:
    if _is_expired(store):
        raise InvalidRequest(
            f"The vector store '{store.id}' has expired, {store.document['expires_after_days']} "
            "days after its last use. Create another one from the same files.",
            code="vector_store_expired",
        )


async def _batch_state(connection: AsyncConnection, batch: StoredObject) -> BatchState:
    """Count a batch; a file that was taken out of the store since then counts as cancelled."""
    wanted: list[str] = batch.document["file_ids"]
    found = await members.find(connection, batch.parent, wanted)
    statuses = [state.status for state in found]
    counts = Counts(
        in_progress=statuses.count("in_progress"),
        completed=statuses.count("completed"),
        failed=statuses.count("failed"),
        cancelled=statuses.count("cancelled") + len(wanted) - len(found),
    )
    status: Literal["in_progress", "completed", "cancelled", "failed"] = "completed"
    if batch.status == "cancelled":
        status = "cancelled"
    elif counts.in_progress:
        status = "in_progress"
    elif counts.failed == counts.total:
        status = "failed"
    return BatchState(batch.id, batch.parent, batch.created_at, status, counts)
