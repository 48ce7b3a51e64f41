"""What an assistant or a thread can search: the stores that `tool_resources` names, and the files
that were attached one by one, for which a store is made at need.

Every function works within the transaction of its caller. Knows neither assistants nor threads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotFound
from understudy.ids import new_id, now_s
from understudy.retrieval.chunk import Chunking
from understudy.retrieval.vector_stores import KIND as VECTOR_STORE
from understudy.store import vector_store_files as members
from understudy.store.files import KIND as FILE
from understudy.store.objects import Collection, StoredObject
from understudy.store.vector_store_files import FileToAdd
from understudy.wire.assistant_tools import (
    NewVectorStore,
    RequestedFileSearchResources,
    RequestedToolResources,
    ToolResources,
)
from understudy.wire.vector_stores import static_chunking

_DAY_S = 86_400
_PER_QUERY = 500
"""Ids in one query: databases limit how many."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """An id that a request names, and where it does, e.g. `attachments[0].file_id`."""

    param: str
    id: str


@dataclass(frozen=True, slots=True)
class Resources:
    """Members of an assistant's or a thread's document.

    `shown` is its `tool_resources`; `own_store_id` the store that was made for attached files.
    """

    shown: Document | None
    own_store_id: str | None = None

    @property
    def store_ids(self) -> list[str]:
        """The stores that are searched."""
        return list(((self.shown or {}).get("file_search") or {}).get("vector_store_ids") or [])

    def with_own_store(self, store_id: str) -> "Resources":
        """Return these resources with a store of the owner's own in place of any other."""
        search = {"file_search": {"vector_store_ids": [store_id]}}
        return Resources({**(self.shown or {}), **search}, store_id)

    def as_document(self) -> Document:
        """Return the members as they are stored."""
        return {"tool_resources": self.shown, "own_store_id": self.own_store_id}


def resources_in(document: Document) -> Resources:
    """Return the resources of an assistant's or a thread's document."""
    return Resources(document.get("tool_resources"), document.get("own_store_id"))


def shown_resources(document: Document) -> ToolResources | None:
    """Return `tool_resources` as clients see it."""
    return msgspec.convert(document.get("tool_resources"), ToolResources | None)


def numbered(param: str, ids: Sequence[str] | None) -> list[Named]:
    """Return the ids of a list in a request, each with its place."""
    return [Named(f"{param}[{index}]", id_) for index, id_ in enumerate(ids or ())]


async def find_files(
    connection: AsyncConnection, project_id: str, named: Sequence[Named]
) -> dict[str, StoredObject]:
    """Return the files by id. Raises NotFound whose `param` names the first that is not there."""
    return await _find(connection, Collection(project_id, FILE, noun="file"), named)


async def find_present(
    connection: AsyncConnection, project_id: str, file_ids: Sequence[str]
) -> list[str]:
    """Return those of the files that have not been deleted, in their order."""
    found = await Collection(project_id, FILE).find_all(connection, file_ids)
    return [id_ for id_ in file_ids if id_ in found]


async def make_resources(
    connection: AsyncConnection,
    project_id: str,
    requested: RequestedToolResources | None,
    param: str,
) -> Document | None:
    """Return `tool_resources` as a request wants it, with the stores made that it describes.

    Raises NotFound for a file or a store that is not there; `param` is where the request says so.
    """
    if requested is None:
        return None
    made: Document = {}
    if requested.code_interpreter is not None:
        ids = requested.code_interpreter.file_ids
        await find_files(
            connection, project_id, numbered(f"{param}.code_interpreter.file_ids", ids)
        )
        made["code_interpreter"] = {"file_ids": ids}
    if requested.file_search is not None:
        ids = await _stores(connection, project_id, requested.file_search, f"{param}.file_search")
        made["file_search"] = {"vector_store_ids": ids}
    return made


async def replace_resources(
    connection: AsyncConnection,
    project_id: str,
    was: Resources,
    requested: RequestedToolResources | None,
) -> Resources:
    """Return the resources after a change: what the request does not name stays, null empties all.

    Raises NotFound as `make_resources` does.
    """
    made = await make_resources(connection, project_id, requested, "tool_resources")
    shown = None if made is None else {**(was.shown or {}), **made}
    return Resources(shown, was.own_store_id)


async def feed(
    connection: AsyncConnection, project_id: str, was: Resources, file_ids: Iterable[str]
) -> Resources:
    """Queue files, which must exist, to be read into the store that is searched already.

    Where there is none, or it was deleted or has expired, the owner gets a store of its own. What a
    store has stays as it is.
    """
    wanted = list(dict.fromkeys(file_ids))
    if not wanted:
        return was
    store_id = await _usable_store(connection, project_id, was)
    if store_id is None:
        store_id = await _insert_store(connection, project_id, {})
    states = await members.find(connection, store_id, wanted)
    has = {state.file_id for state in states if state.status in ("in_progress", "completed")}
    files = [_with_usual_chunks(id_) for id_ in wanted if id_ not in has]
    await members.add(connection, project_id, store_id, files)
    return was if store_id in was.store_ids else was.with_own_store(store_id)


async def unfeed(connection: AsyncConnection, was: Resources, file_ids: Iterable[str]) -> None:
    """Take files out of the stores that are searched; the files themselves stay."""
    ids = list(file_ids)
    for store_id in was.store_ids:
        for id_ in ids:
            await members.remove(connection, store_id, id_)


async def drop_own_store(connection: AsyncConnection, project_id: str, was: Resources) -> None:
    """Delete the store that was made for attached files, unless somebody deleted it before."""
    if was.own_store_id is None:
        return
    stores = _vector_stores(project_id)
    if await stores.find_all(connection, [was.own_store_id]):
        await stores.delete(connection, was.own_store_id)
        await members.remove(connection, was.own_store_id)


async def _stores(
    connection: AsyncConnection,
    project_id: str,
    requested: RequestedFileSearchResources,
    param: str,
) -> list[str]:
    """Return the ids of the stores that a request names or describes; the latter are made."""
    ids = requested.vector_store_ids or []
    await _find(connection, _vector_stores(project_id), numbered(f"{param}.vector_store_ids", ids))
    made = [
        await _make_store(connection, project_id, new, f"{param}.vector_stores[{index}]")
        for index, new in enumerate(requested.vector_stores or ())
    ]
    return [*ids, *made]


async def _make_store(
    connection: AsyncConnection, project_id: str, new: NewVectorStore, param: str
) -> str:
    """Make a store with the files that a request gives it, and return its id."""
    await find_files(connection, project_id, numbered(f"{param}.file_ids", new.file_ids))
    store_id = await _insert_store(connection, project_id, new.metadata or {})
    sizes = static_chunking(new.chunking_strategy, f"{param}.chunking_strategy")
    chunking = (
        Chunking(sizes.max_chunk_size_tokens, sizes.chunk_overlap_tokens) if sizes else Chunking()
    )
    files = [
        FileToAdd(id_, {}, chunking.max_tokens, chunking.overlap_tokens)
        for id_ in new.file_ids or ()
    ]
    await members.add(connection, project_id, store_id, files)
    return store_id


async def _insert_store(
    connection: AsyncConnection, project_id: str, metadata: dict[str, str]
) -> str:
    made = StoredObject(
        id=new_id("vs"),
        kind=VECTOR_STORE,
        created_at=now_s(),
        document={
            "name": "",
            "description": None,
            "metadata": metadata,
            "expires_after_days": None,
            "last_active_at": now_s(),
        },
    )
    await _vector_stores(project_id).insert(connection, made)
    return made.id


async def _usable_store(connection: AsyncConnection, project_id: str, was: Resources) -> str | None:
    """Return the store to put files in, and note that it is in use; None when all are gone."""
    stores = _vector_stores(project_id)
    candidates = [*was.store_ids, *([was.own_store_id] if was.own_store_id else [])]
    found = await stores.find_all(connection, candidates)
    for id_ in candidates:
        if id_ not in found:
            continue
        store = await stores.find(connection, id_, for_update=True)
        days = store.document["expires_after_days"]
        if days is None or store.document["last_active_at"] + days * _DAY_S > now_s():
            used = {**store.document, "last_active_at": now_s()}
            await stores.update(connection, id_, document=used)
            return id_
    return None


async def _find(
    connection: AsyncConnection, collection: Collection, named: Sequence[Named]
) -> dict[str, StoredObject]:
    ids = list(dict.fromkeys(each.id for each in named))
    found: dict[str, StoredObject] = {}
    for start in range(0, len(ids), _PER_QUERY):
        found |= await collection.find_all(connection, ids[start : start + _PER_QUERY])
    for each in named:
        if each.id not in found:
            message = collection.not_found(each.id).message
            raise NotFound(message, param=each.param, code="not_found")
    return found


def _vector_stores(project_id: str) -> Collection:
    return Collection(project_id, VECTOR_STORE, noun="vector store")


def _with_usual_chunks(file_id: str) -> FileToAdd:
    usual = Chunking()
    return FileToAdd(file_id, {}, usual.max_tokens, usual.overlap_tokens)
