"""Embeddings of token ids: which forms are inputs of their own, and who may get them."""

from typing import Any

import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import Served, error_of, provider_at
from tests.upstreams.scripted import ScriptedUpstream


def _embedded(server: Served, model: str, content: Any) -> Any:
    return server.client.post("/v1/embeddings", json={"model": model, "input": content})


@pytest.mark.parametrize(
    ("content", "sent"),
    [([1, 2, 3], [[1, 2, 3]]), ([[1, 2], [3]], [[1, 2], [3]]), ([0], [[0]])],
)
def test_a_list_of_ids_is_one_input(
    server: Served, upstream: ScriptedUpstream, content: Any, sent: Any
) -> None:
    made = _embedded(server, "up/echo-embedding", content)
    assert made.status_code == 200, made.text
    assert upstream.calls[-1].json["input"] == sent
    assert [item["index"] for item in made.json()["data"]] == list(range(len(sent)))


@pytest.mark.parametrize(
    ("content", "param"),
    [([True], "input[0]"), ([-1], "input[0]"), ([[1], [True]], "input[1]"), ([1, "a"], "input[0]")],
)
def test_what_is_no_list_of_ids_is_named(
    server: Served, upstream: ScriptedUpstream, content: Any, param: str
) -> None:
    assert error_of(_embedded(server, "up/echo-embedding", content), 400)["param"] == param
    assert upstream.calls == []


@pytest.mark.parametrize("content", [[1, 2, 3], [[1, 2], [3]]])
def test_a_provider_that_takes_text_alone_gets_no_ids(
    serve_with: ServeWith, upstream: ScriptedUpstream, content: Any
) -> None:
    provider = provider_at(upstream, capabilities={"token_ids": False})
    with serve_with(providers={"up": provider}) as server:
        error = error_of(_embedded(server, "up/echo-embedding", content), 400)
    assert error["param"] == "input"
    assert "send strings" in error["message"]
    assert upstream.calls == []
