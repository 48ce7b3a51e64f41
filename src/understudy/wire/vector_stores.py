"""Vector stores, their files and batches on the wire, and what requests for them may say.

Pure: knows neither how files are read nor how they are searched.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from understudy.errors import InvalidValue, MissingParameter
from understudy.wire.metadata import Metadata, MetadataKey, MetadataValue

_LARGEST = 2**63 - 1
_QUERY_MAX_LENGTH = 20_000

Text = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
"""PostgreSQL keeps no NUL."""
FileId = Annotated[Text, Meta(min_length=1)]
Attribute = (
    MetadataValue
    | bool
    | Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)]
    | Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
)
"""What a filter can compare with; numbers have the same bounds there."""
Attributes = Annotated[dict[MetadataKey, Attribute], Meta(max_length=16)]
"""At most 16 pairs; a key has up to 64 characters, a string up to 512 (spec)."""
Query = Annotated[str, Meta(min_length=1, max_length=_QUERY_MAX_LENGTH)]
Weight = Annotated[float, Meta(ge=0)]
FileStatus = Literal["in_progress", "completed", "failed", "cancelled"]
Ranker = Literal["auto", "none", "default-2024-11-15", "default_2024_08_21"]
"""The last is how Assistants call theirs."""


class ExpiresAfter(Struct):
    """When a vector store expires, counted from its last use."""

    anchor: Literal["last_active_at"]
    days: Annotated[int, Meta(ge=1, le=365)]


class StaticChunking(Struct):
    """Sizes of chunks; `static_chunking` judges the overlap."""

    max_chunk_size_tokens: Annotated[int, Meta(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Meta(ge=0)]


class ChunkingStrategy(Struct):
    """How files are cut; `static` goes with the type of that name."""

    type: Literal["auto", "static"]
    static: StaticChunking | None = None


class StaticChunkingAnswer(Struct):
    """How a file was cut; a request for `auto` is answered with its sizes."""

    static: StaticChunking
    type: Literal["static"] = "static"


class CreateVectorStore(Struct):
    """A request for a vector store."""

    name: Text | None = None
    description: Text | None = None
    metadata: Metadata | None = None
    expires_after: ExpiresAfter | None = None
    file_ids: Annotated[list[FileId], Meta(max_length=500)] | None = None
    chunking_strategy: ChunkingStrategy | None = None


class UpdateVectorStore(Struct):
    """What a vector store can be changed in; null empties a field, absence leaves it."""

    name: Text | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    expires_after: ExpiresAfter | UnsetType | None = UNSET


class CreateFile(Struct):
    """A request to add a file to a vector store."""

    file_id: FileId
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | None = None


class UpdateAttributes(Struct):
    """New attributes of a file in place of all old ones; null removes them."""

    attributes: Attributes | None


class CreateBatch(Struct):
    """A request to add many files, by `file_ids` or by `files`."""

    file_ids: Annotated[list[FileId], Meta(min_length=1, max_length=2000)] | None = None
    files: Annotated[list[CreateFile], Meta(min_length=1, max_length=2000)] | None = None
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | None = None


class HybridSearch(Struct):
    """How much vectors and words count, as the tool file_search names it."""

    embedding_weight: Weight
    text_weight: Weight


class RankingOptions(Struct):
    """How results are ranked; `hybrid_search` is not in OpenAI's search."""

    ranker: Ranker = "auto"
    score_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0
    hybrid_search: HybridSearch | None = None


class SearchVectorStore(Struct):
    """A request for passages; `filters` is judged where it is understood."""

    query: Query | Annotated[list[Query], Meta(min_length=1, max_length=50)]
    max_num_results: Annotated[int, Meta(ge=1, le=50)] = 10
    rewrite_query: bool | None = None
    filters: dict[str, Any] | None = None
    ranking_options: RankingOptions | None = None


class FileCounts(Struct):
    """How many files are in which state."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class VectorStore(Struct):
    """A vector store; `expires_after` and `description` are omitted rather than null."""

    id: str
    created_at: int
    name: str
    usage_bytes: int
    file_counts: FileCounts
    status: Literal["expired", "in_progress", "completed"]
    last_active_at: int
    expires_at: int | None
    metadata: dict[str, str]
    expires_after: ExpiresAfter | UnsetType = UNSET
    description: str | UnsetType = UNSET
    object: Literal["vector_store"] = "vector_store"


class VectorStoreFile(Struct):
    """A file in a vector store; its id is that of the file."""

    id: str
    created_at: int
    vector_store_id: str
    status: FileStatus
    usage_bytes: int
    attributes: dict[str, Any]
    chunking_strategy: StaticChunkingAnswer
    last_error: dict[str, str] | None
    object: Literal["vector_store.file"] = "vector_store.file"


class VectorStoreFileBatch(Struct):
    """Files that were added together."""

    id: str
    created_at: int
    vector_store_id: str
    status: FileStatus
    file_counts: FileCounts
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"


class DeletedVectorStore(Struct):
    """The answer to the deletion of a vector store."""

    id: str
    object: Literal["vector_store.deleted"] = "vector_store.deleted"
    deleted: bool = True


class DeletedVectorStoreFile(Struct):
    """The answer to the removal of a file from a vector store."""

    id: str
    object: Literal["vector_store.file.deleted"] = "vector_store.file.deleted"
    deleted: bool = True


class Content(Struct):
    """A piece of text."""

    text: str
    type: Literal["text"] = "text"


class FileContentPage(Struct):
    """The text of a file as it is searched."""

    data: list[Content]
    has_more: bool = False
    next_page: str | None = None
    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"


class SearchResultItem(Struct):
    """A passage that was found."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, Any]
    content: list[Content]


class SearchResultsPage(Struct):
    """All results of a search."""

    search_query: Sequence[str]
    data: list[SearchResultItem]
    has_more: bool = False
    next_page: str | None = None
    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"


def static_chunking(strategy: ChunkingStrategy | None, param: str) -> StaticChunking | None:
    """Return the sizes that a request sets, None where it leaves them to us.

    Raises InvalidRequest whose param begins with `param`.
    """
    if strategy is None:
        return None
    if strategy.type == "auto":
        if strategy.static is not None:
            raise InvalidValue(f"{param}.static", "it goes with the type 'static' only")
        return None
    sizes = strategy.static
    if sizes is None:
        raise MissingParameter(f"{param}.static")
    if sizes.chunk_overlap_tokens * 2 > sizes.max_chunk_size_tokens:
        raise InvalidValue(
            f"{param}.static.chunk_overlap_tokens", "over half of max_chunk_size_tokens"
        )
    return sizes


def files_of_batch(batch: CreateBatch) -> list[tuple[str, CreateFile]]:
    """Return the files of a batch, each once, with the path of its fields: "" or `files[0].`.

    Raises InvalidRequest unless exactly one of `file_ids` and `files` is given.
    """
    if batch.files is None and batch.file_ids is None:
        raise MissingParameter("file_ids")
    if batch.files is None:
        ids = dict.fromkeys(batch.file_ids or ())
        return [("", CreateFile(id_, batch.attributes, batch.chunking_strategy)) for id_ in ids]
    if batch.file_ids is not None:
        raise InvalidValue("files", "it cannot be given together with 'file_ids'")
    seen: set[str] = set()
    for index, file in enumerate(batch.files):
        if file.file_id in seen:
            raise InvalidValue(f"files[{index}].file_id", "the list has this file already")
        seen.add(file.file_id)
    return [(f"files[{index}].", file) for index, file in enumerate(batch.files)]


def check_weights(weights: HybridSearch, param: str) -> HybridSearch:
    """Return `weights` unless both are 0. Raises InvalidValue."""
    if weights.embedding_weight == weights.text_weight == 0:
        raise InvalidValue(param, "one of its weights must be over 0")
    return weights


def file_status(text: str | None) -> FileStatus | None:
    """Return the status that a list is filtered by, None for all. Raises InvalidValue."""
    if not text:
        return None
    statuses: tuple[FileStatus, ...] = get_args(FileStatus)
    for status in statuses:
        if text == status:
            return status
    raise InvalidValue("filter", f"expected one of {', '.join(statuses)}")
