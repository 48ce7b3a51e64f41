"""What requests may say of vector stores, and what answers leave out."""

from typing import Any

import msgspec
import pytest

from understudy.errors import InvalidRequest, MissingParameter
from understudy.wire.base import check_shape
from understudy.wire.vector_stores import (
    ChunkingStrategy,
    CreateBatch,
    CreateFile,
    CreateVectorStore,
    ExpiresAfter,
    FileCounts,
    HybridSearch,
    SearchVectorStore,
    StaticChunking,
    UpdateVectorStore,
    VectorStore,
    check_weights,
    file_status,
    files_of_batch,
    static_chunking,
)

AUTO = {"type": "auto"}


def static(size: object, overlap: object) -> dict[str, Any]:
    return {
        "type": "static",
        "static": {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap},
    }


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (None, None),
        (AUTO, None),
        ({**AUTO, "static": None}, None),
        (static(100, 0), StaticChunking(100, 0)),
        (static(101, 50), StaticChunking(101, 50)),
        (static(4096, 2048), StaticChunking(4096, 2048)),
    ],
)
def test_chunking(strategy: object, expected: StaticChunking | None) -> None:
    file = check_shape({"file_id": "file-1", "chunking_strategy": strategy}, CreateFile)
    assert static_chunking(file.chunking_strategy, "chunking_strategy") == expected


@pytest.mark.parametrize(
    ("strategy", "param"),
    [
        ("auto", ""),
        ({}, ".type"),
        ({"type": "other"}, ".type"),
        ({"type": "static"}, ".static"),
        ({**static(200, 0), "type": "auto"}, ".static"),
        (
            {"type": "static", "static": {"chunk_overlap_tokens": 1}},
            ".static.max_chunk_size_tokens",
        ),
        (
            {"type": "static", "static": {"max_chunk_size_tokens": 100}},
            ".static.chunk_overlap_tokens",
        ),
        (static(99, 0), ".static.max_chunk_size_tokens"),
        (static(4097, 0), ".static.max_chunk_size_tokens"),
        (static("800", 0), ".static.max_chunk_size_tokens"),
        (static(800, -1), ".static.chunk_overlap_tokens"),
        (static(101, 51), ".static.chunk_overlap_tokens"),
    ],
)
def test_wrong_chunking(strategy: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        file = check_shape({"file_id": "file-1", "chunking_strategy": strategy}, CreateFile)
        static_chunking(file.chunking_strategy, "chunking_strategy")
    assert caught.value.param == f"chunking_strategy{param}"


def test_attributes_keep_their_kind() -> None:
    given: dict[str, Any] = {"text": "x" * 512, "k" * 64: "", "int": 7, "real": 0.5, "yes": True}
    given |= {str(n): n for n in range(11)}
    assert len(given) == 16
    file = check_shape({"file_id": "file-1", "attributes": given}, CreateFile)
    assert file.attributes == given
    assert file.attributes is not None and file.attributes["yes"] is True


@pytest.mark.parametrize(
    "attributes",
    [
        "x",
        ["x"],
        {"key": None},
        {"key": ["a"]},
        {"key": {"a": 1}},
        {"key": "x" * 513},
        {"k" * 65: "x"},
        {"key": "a\0b"},
        {"a\0b": "x"},
        {"key": 2**63},
        {"key": 1e19},
        {str(n): n for n in range(17)},
    ],
    ids=lambda given: str(given)[:20],
)
def test_wrong_attributes(attributes: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_shape({"file_id": "file-1", "attributes": attributes}, CreateFile)
    assert caught.value.param == "attributes"


def test_a_batch_of_ids_shares_its_settings() -> None:
    strategy = ChunkingStrategy("auto")
    batch = CreateBatch(["file-2", "file-1", "file-2"], None, {"a": 1}, strategy)
    assert files_of_batch(batch) == [
        ("", CreateFile("file-2", {"a": 1}, strategy)),
        ("", CreateFile("file-1", {"a": 1}, strategy)),
    ]


def test_a_batch_of_files_has_settings_of_each() -> None:
    files = [CreateFile("file-1", {"a": 1}), CreateFile("file-2")]
    batch = CreateBatch(files=files, attributes={"ignored": True})
    assert files_of_batch(batch) == [("files[0].", files[0]), ("files[1].", files[1])]


@pytest.mark.parametrize(
    ("batch", "param"),
    [
        (CreateBatch(), "file_ids"),
        (CreateBatch(["file-1"], [CreateFile("file-2")]), "files"),
        (
            CreateBatch(files=[CreateFile("a"), CreateFile("b"), CreateFile("a")]),
            "files[2].file_id",
        ),
    ],
)
def test_wrong_batches(batch: CreateBatch, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        files_of_batch(batch)
    assert caught.value.param == param


@pytest.mark.parametrize("most", [500, 2000])
def test_how_many_files_a_request_may_name(most: int) -> None:
    shape = CreateVectorStore if most == 500 else CreateBatch
    ids = [f"file-{n}" for n in range(most + 1)]
    check_shape({"file_ids": ids[:most]}, shape)
    with pytest.raises(InvalidRequest) as caught:
        check_shape({"file_ids": ids}, shape)
    assert caught.value.param == "file_ids"


def test_null_and_absence_differ_in_an_update() -> None:
    assert check_shape({}, UpdateVectorStore) == UpdateVectorStore()
    emptied = check_shape(
        {"name": None, "description": None, "metadata": None, "expires_after": None},
        UpdateVectorStore,
    )
    assert emptied == UpdateVectorStore(None, None, None, None)


@pytest.mark.parametrize("days", [1, 365])
def test_the_shortest_and_the_longest_life(days: int) -> None:
    body = {"expires_after": {"anchor": "last_active_at", "days": days}}
    assert check_shape(body, CreateVectorStore).expires_after == ExpiresAfter(
        "last_active_at", days
    )


@pytest.mark.parametrize(
    ("search", "param"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": []}, "query"),
        ({"query": 3}, "query"),
        ({"query": ["a", ""]}, "query[1]"),
        ({"query": ["a", 1]}, "query[1]"),
        ({"query": ["a"] * 51}, "query"),
        ({"query": "x" * 20_001}, "query"),
        ({"query": "a", "max_num_results": 0}, "max_num_results"),
        ({"query": "a", "max_num_results": 51}, "max_num_results"),
        ({"query": "a", "max_num_results": "5"}, "max_num_results"),
        ({"query": "a", "rewrite_query": "yes"}, "rewrite_query"),
        ({"query": "a", "filters": []}, "filters"),
        ({"query": "a", "ranking_options": {"ranker": "best"}}, "ranking_options.ranker"),
        (
            {"query": "a", "ranking_options": {"score_threshold": 1.1}},
            "ranking_options.score_threshold",
        ),
        (
            {"query": "a", "ranking_options": {"score_threshold": -0.1}},
            "ranking_options.score_threshold",
        ),
        (
            {"query": "a", "ranking_options": {"hybrid_search": {"text_weight": 1}}},
            "ranking_options.hybrid_search.embedding_weight",
        ),
        (
            {
                "query": "a",
                "ranking_options": {"hybrid_search": {"text_weight": -1, "embedding_weight": 1}},
            },
            "ranking_options.hybrid_search.text_weight",
        ),
    ],
)
def test_wrong_searches(search: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_shape(search, SearchVectorStore)
    assert caught.value.param == param


def test_weights() -> None:
    weights = HybridSearch(0, 0.5)
    assert check_weights(weights, "x") is weights
    with pytest.raises(InvalidRequest) as caught:
        check_weights(HybridSearch(0, 0), "ranking_options.hybrid_search")
    assert caught.value.param == "ranking_options.hybrid_search"


def test_statuses() -> None:
    assert file_status(None) is None
    assert file_status("") is None
    assert file_status("failed") == "failed"
    with pytest.raises(InvalidRequest) as caught:
        file_status("expired")
    assert caught.value.param == "filter"


def test_a_missing_field_is_called_missing() -> None:
    with pytest.raises(MissingParameter):
        files_of_batch(CreateBatch())


def test_what_a_vector_store_omits_and_what_is_null() -> None:
    counts = FileCounts(0, 1, 0, 0, 1)
    store = VectorStore("vs_1", 1000, "", 3, counts, "completed", 1000, None, {})
    assert msgspec.to_builtins(store) == {
        "id": "vs_1",
        "created_at": 1000,
        "name": "",
        "usage_bytes": 3,
        "file_counts": {
            "in_progress": 0,
            "completed": 1,
            "failed": 0,
            "cancelled": 0,
            "total": 1,
        },
        "status": "completed",
        "last_active_at": 1000,
        "expires_at": None,
        "metadata": {},
        "object": "vector_store",
    }
