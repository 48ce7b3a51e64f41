"""Searches of vector stores with the SDK, against a real server."""

from collections.abc import Iterator, Sequence
from typing import Any

import openai
import pytest
from tests.http.serving import Served, error_of, serve, settings_for

CAT = "The cat sleeps on the warm roof."
DOG = "The dog guards the old harbour at night."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(settings_for(tmp_path_factory.mktemp("data"))) as served:
        yield served


@pytest.fixture(scope="module")
def animals(server: Served) -> str:
    """A store that tests only read: a cat of 2021, and a dog of 2022."""
    with openai.OpenAI(base_url=f"{server.root}/v1", api_key="any") as client:
        store = client.vector_stores.create(name="animals")
        for name, text, year in (("cat.txt", CAT, 2021), ("dog.txt", DOG, 2022)):
            file = client.files.create(file=(name, text.encode()), purpose="assistants")
            done = client.vector_stores.files.create_and_poll(
                file.id, vector_store_id=store.id, attributes={"year": year, "pet": True}
            )
            assert done.status == "completed"
        return store.id


def found(results: Sequence[Any]) -> list[str]:
    return [result.filename for result in results]


def test_a_search(client: openai.OpenAI, animals: str) -> None:
    (first, *_) = client.vector_stores.search(animals, query="Where does the cat sleep?").data
    assert first.filename == "cat.txt"
    assert [(part.type, part.text) for part in first.content] == [("text", CAT)]
    assert first.attributes == {"year": 2021, "pet": True}
    assert 0 < first.score <= 1


def test_a_search_of_several_queries(client: openai.OpenAI, animals: str) -> None:
    page = client.vector_stores.search(animals, query=["cat", "dog"], rewrite_query=True)
    assert set(found(page.data)) == {"cat.txt", "dog.txt"}
    assert page.to_dict()["search_query"] == ["cat", "dog"]
    one = client.vector_stores.search(animals, query=["cat", "dog"], max_num_results=1)
    assert len(one.data) == 1


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"type": "eq", "key": "year", "value": 2021}, {"cat.txt"}),
        ({"type": "gt", "key": "year", "value": 2021}, {"dog.txt"}),
        ({"type": "nin", "key": "year", "value": [2021, 2022]}, set()),
        (
            {
                "type": "and",
                "filters": [
                    {"type": "eq", "key": "pet", "value": True},
                    {"type": "lte", "key": "year", "value": 2022},
                ],
            },
            {"cat.txt", "dog.txt"},
        ),
    ],
)
def test_filters(client: openai.OpenAI, animals: str, where: Any, expected: set[str]) -> None:
    page = client.vector_stores.search(animals, query=["cat", "dog"], filters=where)
    assert set(found(page.data)) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["cat.txt"]),
        ({"ranker": "auto"}, ["cat.txt"]),
        ({"ranker": "none", "score_threshold": 0}, ["cat.txt"]),
        ({"ranker": "default-2024-11-15"}, ["cat.txt"]),
        ({"ranker": "default_2024_08_21"}, ["cat.txt"]),
        ({"score_threshold": 1.0}, []),
        ({"hybrid_search": {"embedding_weight": 0, "text_weight": 1}}, ["cat.txt"]),
        ({"hybrid_search": {"embedding_weight": 1, "text_weight": 0}}, []),
    ],
)
def test_ranking_options(
    client: openai.OpenAI, animals: str, options: Any, expected: list[str]
) -> None:
    query = "cat lunar submarine"
    page = client.vector_stores.search(animals, query=query, ranking_options=options)
    assert found(page.data) == expected


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "query"),
        ({"query": "a", "max_num_results": 51}, "max_num_results"),
        ({"query": "a", "filters": {"type": "eq", "key": "k"}}, "filters.value"),
        (
            {
                "query": "a",
                "ranking_options": {"hybrid_search": {"embedding_weight": 0, "text_weight": 0}},
            },
            "ranking_options.hybrid_search",
        ),
    ],
)
def test_wrong_searches(server: Served, animals: str, body: Any, param: str) -> None:
    answer = server.client.post(f"/v1/vector_stores/{animals}/search", json=body)
    assert error_of(answer, 400)["param"] == param
