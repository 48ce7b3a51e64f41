"""`/v1/vector_stores`: stores, their files and batches, contents and searches."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from understudy.api.http.plain import (
    answer,
    json_body,
    list_answer,
    project_of,
    read_creation,
    read_page,
    read_shape,
)
from understudy.retrieval.chunk import Chunking
from understudy.retrieval.filters import parse_filter
from understudy.retrieval.search import (
    RankingOptions,
    SearchRequest,
    SearchResult,
    VectorSearch,
)
from understudy.retrieval.vector_stores import (
    BatchState,
    Counts,
    NewStore,
    StoreState,
    VectorStores,
)
from understudy.store.storage import Storage
from understudy.store.vector_store_files import FileState, FileToAdd
from understudy.wire import vector_stores as wire

_STORES = "/v1/vector_stores"
_STORE = f"{_STORES}/{{vector_store_id}}"
_FILES = f"{_STORE}/files"
_FILE = f"{_FILES}/{{file_id}}"
_BATCHES = f"{_STORE}/file_batches"
_BATCH = f"{_BATCHES}/{{batch_id}}"
_POLL_AFTER_MS = 200

StoresOf = Callable[[Request], VectorStores]


def vector_stores_router(
    storage: Storage, ingest_wake: Callable[[], None], vectors: VectorSearch | None = None
) -> APIRouter:
    """Return the routes of vector stores; `ingest_wake` is called once files are to be read."""
    router = APIRouter(tags=["Vector stores"])

    def stores_of(request: Request) -> VectorStores:
        return VectorStores(storage, project_of(request), ingest_wake, vectors)

    _add_store_routes(router, stores_of)
    _add_search_route(router, stores_of)
    _add_file_routes(router, stores_of)
    _add_batch_routes(router, stores_of)
    return router


def _add_store_routes(router: APIRouter, stores_of: StoresOf) -> None:
    @router.post(
        _STORES, summary="Create vector store", openapi_extra=json_body(wire.CreateVectorStore)
    )
    async def create_vector_store(request: Request) -> Response:
        new = _new_store(await read_shape(request, wire.CreateVectorStore))
        creation = await read_creation(request)
        return answer(_store(await stores_of(request).create(new, creation)))

    @router.get(_STORES, summary="List vector stores")
    async def list_vector_stores(request: Request) -> Response:
        stores, has_more = await stores_of(request).page(read_page(request))
        return list_answer([_store(store) for store in stores], has_more=has_more)

    @router.get(_STORE, summary="Retrieve vector store")
    async def retrieve_vector_store(vector_store_id: str, request: Request) -> Response:
        return answer(_store(await stores_of(request).find(vector_store_id)))

    @router.post(
        _STORE, summary="Modify vector store", openapi_extra=json_body(wire.UpdateVectorStore)
    )
    async def modify_vector_store(vector_store_id: str, request: Request) -> Response:
        changes = _changes(await read_shape(request, wire.UpdateVectorStore))
        return answer(_store(await stores_of(request).update(vector_store_id, **changes)))

    @router.delete(_STORE, summary="Delete vector store")
    async def delete_vector_store(vector_store_id: str, request: Request) -> Response:
        await stores_of(request).delete(vector_store_id)
        return answer(wire.DeletedVectorStore(vector_store_id))


def _add_search_route(router: APIRouter, stores_of: StoresOf) -> None:
    @router.post(
        f"{_STORE}/search",
        summary="Search vector store",
        openapi_extra=json_body(wire.SearchVectorStore),
    )
    async def search_vector_store(vector_store_id: str, request: Request) -> Response:
        wanted = _search_request(await read_shape(request, wire.SearchVectorStore))
        results = await stores_of(request).search(vector_store_id, wanted)
        found = [_result(result) for result in results]
        return answer(wire.SearchResultsPage(wanted.queries, found))


def _add_file_routes(router: APIRouter, stores_of: StoresOf) -> None:
    @router.post(
        _FILES, summary="Add file to vector store", openapi_extra=json_body(wire.CreateFile)
    )
    async def create_vector_store_file(vector_store_id: str, request: Request) -> Response:
        file = _file_to_add(await read_shape(request, wire.CreateFile), "", "file_id")
        stores, creation = stores_of(request), await read_creation(request)
        return answer(_file(await stores.add_file(vector_store_id, file, creation)))

    @router.get(_FILES, summary="List files of vector store")
    async def list_vector_store_files(vector_store_id: str, request: Request) -> Response:
        status = wire.file_status(request.query_params.get("filter"))
        files, has_more = await stores_of(request).page_files(
            vector_store_id, read_page(request), status=status
        )
        return list_answer([_file(file) for file in files], has_more=has_more)

    @router.get(_FILE, summary="Retrieve file of vector store")
    async def retrieve_vector_store_file(
        vector_store_id: str, file_id: str, request: Request
    ) -> Response:
        return _polled(_file(await stores_of(request).find_file(vector_store_id, file_id)))

    @router.post(
        _FILE,
        summary="Update attributes of a file in a vector store",
        openapi_extra=json_body(wire.UpdateAttributes),
    )
    async def update_vector_store_file(
        vector_store_id: str, file_id: str, request: Request
    ) -> Response:
        attributes = (await read_shape(request, wire.UpdateAttributes)).attributes or {}
        stores = stores_of(request)
        return answer(_file(await stores.set_attributes(vector_store_id, file_id, attributes)))

    @router.delete(_FILE, summary="Remove file from vector store")
    async def delete_vector_store_file(
        vector_store_id: str, file_id: str, request: Request
    ) -> Response:
        await stores_of(request).remove_file(vector_store_id, file_id)
        return answer(wire.DeletedVectorStoreFile(file_id))

    @router.get(f"{_FILE}/content", summary="Retrieve the text of a file in a vector store")
    async def retrieve_vector_store_file_content(
        vector_store_id: str, file_id: str, request: Request
    ) -> Response:
        texts = await stores_of(request).file_content(vector_store_id, file_id)
        return answer(wire.FileContentPage([wire.Content(text) for text in texts]))


def _add_batch_routes(router: APIRouter, stores_of: StoresOf) -> None:
    @router.post(
        _BATCHES,
        summary="Create vector store file batch",
        openapi_extra=json_body(wire.CreateBatch),
    )
    async def create_vector_store_file_batch(vector_store_id: str, request: Request) -> Response:
        given = wire.files_of_batch(await read_shape(request, wire.CreateBatch))
        files = [
            _file_to_add(file, path, f"{path}file_id" if path else "file_ids")
            for path, file in given
        ]
        stores, creation = stores_of(request), await read_creation(request)
        return answer(_batch(await stores.create_batch(vector_store_id, files, creation)))

    @router.get(_BATCH, summary="Retrieve vector store file batch")
    async def retrieve_vector_store_file_batch(
        vector_store_id: str, batch_id: str, request: Request
    ) -> Response:
        return _polled(_batch(await stores_of(request).find_batch(vector_store_id, batch_id)))

    @router.post(f"{_BATCH}/cancel", summary="Cancel vector store file batch")
    async def cancel_vector_store_file_batch(
        vector_store_id: str, batch_id: str, request: Request
    ) -> Response:
        return answer(_batch(await stores_of(request).cancel_batch(vector_store_id, batch_id)))

    @router.get(f"{_BATCH}/files", summary="List files of vector store file batch")
    async def list_files_in_vector_store_batch(
        vector_store_id: str, batch_id: str, request: Request
    ) -> Response:
        status = wire.file_status(request.query_params.get("filter"))
        files, has_more = await stores_of(request).page_files(
            vector_store_id, read_page(request), status=status, batch_id=batch_id
        )
        return list_answer([_file(file) for file in files], has_more=has_more)


def _new_store(wanted: wire.CreateVectorStore) -> NewStore:
    chunking = _chunking(wanted.chunking_strategy, "chunking_strategy")
    sizes = (chunking.max_tokens, chunking.overlap_tokens)
    return NewStore(
        name=wanted.name or "",
        description=wanted.description,
        metadata=wanted.metadata or {},
        expires_after_days=_days(wanted.expires_after),
        files=[FileToAdd(id_, {}, *sizes, "file_ids") for id_ in wanted.file_ids or ()],
    )


def _changes(wanted: wire.UpdateVectorStore) -> dict[str, Any]:
    """Return the fields that a request gives, as the store keeps them."""
    changes: dict[str, Any] = {}
    if wanted.name is not UNSET:
        changes["name"] = wanted.name or ""
    if wanted.description is not UNSET:
        changes["description"] = wanted.description
    if wanted.metadata is not UNSET:
        changes["metadata"] = wanted.metadata or {}
    if wanted.expires_after is not UNSET:
        changes["expires_after_days"] = _days(wanted.expires_after)
    return changes


def _days(policy: wire.ExpiresAfter | None) -> int | None:
    return None if policy is None else policy.days


def _file_to_add(wanted: wire.CreateFile, path: str, param: str) -> FileToAdd:
    """Return what a request says of a file: at `path`, and of its id in `param`."""
    chunking = _chunking(wanted.chunking_strategy, f"{path}chunking_strategy")
    return FileToAdd(
        wanted.file_id,
        wanted.attributes or {},
        chunking.max_tokens,
        chunking.overlap_tokens,
        param,
    )


def _chunking(strategy: wire.ChunkingStrategy | None, param: str) -> Chunking:
    sizes = wire.static_chunking(strategy, param)
    if sizes is None:
        return Chunking()
    return Chunking(sizes.max_chunk_size_tokens, sizes.chunk_overlap_tokens)


def _search_request(wanted: wire.SearchVectorStore) -> SearchRequest:
    queries = [wanted.query] if isinstance(wanted.query, str) else wanted.query
    return SearchRequest(
        queries=tuple(queries),
        max_num_results=wanted.max_num_results,
        filters=None if wanted.filters is None else parse_filter(wanted.filters),
        ranking=_ranking(wanted.ranking_options or wire.RankingOptions()),
    )


def _ranking(wanted: wire.RankingOptions) -> RankingOptions:
    if wanted.hybrid_search is None:
        return RankingOptions(wanted.ranker, wanted.score_threshold)
    weights = wire.check_weights(wanted.hybrid_search, "ranking_options.hybrid_search")
    return RankingOptions(
        wanted.ranker,
        wanted.score_threshold,
        lexical_weight=weights.text_weight,
        vector_weight=weights.embedding_weight,
    )


def _store(state: StoreState) -> wire.VectorStore:
    days = state.expires_after_days
    return wire.VectorStore(
        id=state.id,
        created_at=state.created_at,
        name=state.name,
        usage_bytes=state.usage_bytes,
        file_counts=_counts(state.counts),
        status=state.status,
        last_active_at=state.last_active_at,
        expires_at=state.expires_at,
        metadata=state.metadata or {},
        expires_after=UNSET if days is None else wire.ExpiresAfter("last_active_at", days),
        description=UNSET if state.description is None else state.description,
    )


def _file(state: FileState) -> wire.VectorStoreFile:
    return wire.VectorStoreFile(
        id=state.file_id,
        created_at=state.created_at,
        vector_store_id=state.vector_store_id,
        status=state.status,
        usage_bytes=state.usage_bytes,
        attributes=state.attributes,
        chunking_strategy=wire.StaticChunkingAnswer(
            wire.StaticChunking(state.max_tokens, state.overlap_tokens)
        ),
        last_error=state.last_error,
    )


def _batch(state: BatchState) -> wire.VectorStoreFileBatch:
    return wire.VectorStoreFileBatch(
        id=state.id,
        created_at=state.created_at,
        vector_store_id=state.vector_store_id,
        status=state.status,
        file_counts=_counts(state.counts),
    )


def _counts(counts: Counts) -> wire.FileCounts:
    return wire.FileCounts(
        counts.in_progress, counts.completed, counts.failed, counts.cancelled, counts.total
    )


def _result(result: SearchResult) -> wire.SearchResultItem:
    return wire.SearchResultItem(
        file_id=result.file_id,
        filename=result.filename,
        score=result.score,
        attributes=result.attributes,
        content=[wire.Content(result.text)],
    )


def _polled(value: wire.VectorStoreFile | wire.VectorStoreFileBatch) -> Response:
    """Return `value`, and while it is in progress the time after which to ask again."""
    response = answer(value)
    if value.status == "in_progress":
        response.headers["openai-poll-after-ms"] = str(_POLL_AFTER_MS)
    return response
