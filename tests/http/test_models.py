"""Which model answers for which name, and what the server tells of its models."""

from collections.abc import Iterator

import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import HELLO, Served, error_of, provider_at, serve, settings_for
from tests.upstreams.scripted import ScriptedUpstream

ALIASES = {"gpt-4": "up/echo", "best": "gpt-4", "mine": "renamed/large", "plain": "echo"}


@pytest.fixture(scope="module")
def module_server(
    module_upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        aliases=ALIASES,
        providers={
            "up": provider_at(module_upstream),
            "off": provider_at(module_upstream, enabled=False),
            "renamed": provider_at(module_upstream, models={"large": "echo", "a/b": "echo"}),
        },
    )
    with serve(settings) as served:
        yield served


@pytest.mark.parametrize(
    ("asked", "sent", "served"),
    [
        ("up/echo", "echo", "up/echo"),
        ("up/never-heard-of", "never-heard-of", "up/never-heard-of"),
        ("up/with/slash", "with/slash", "up/with/slash"),
        ("off/echo", "echo", "off/echo"),
        ("echo", "echo", "up/echo"),
        ("gpt-4", "echo", "up/echo"),
        ("best", "echo", "up/echo"),
        ("plain", "echo", "up/echo"),
        ("large", "echo", "renamed/large"),
        ("mine", "echo", "renamed/large"),
        ("a/b", "echo", "renamed/a/b"),
    ],
)
def test_names_that_lead_to_a_provider(
    server: Served, upstream: ScriptedUpstream, asked: str, sent: str, served: str
) -> None:
    response = server.chat(model=asked)
    assert response.status_code == 200
    chats = [call for call in upstream.calls if call.method == "POST"]
    assert [call.json["model"] for call in chats] == [sent]
    assert response.headers["x-understudy-model"] == served


@pytest.mark.parametrize("asked", ["gpt-3.5-turbo-0301", "nobody/knows", "", None, "ünïcode"])
@pytest.mark.parametrize("is_streamed", [False, True])
def test_unknown_and_absent_names_lead_to_the_default(
    server: Served, asked: str | None, is_streamed: bool
) -> None:
    response = server.chat(stream=is_streamed, **({} if asked is None else {"model": asked}))
    assert response.headers["x-understudy-model"] == "understudy-extractive"
    if not is_streamed:
        assert response.json()["model"] == "understudy-extractive"


def test_an_unknown_embedding_model_leads_to_its_own_default(server: Served) -> None:
    body = {"model": "text-embedding-3-small", "input": "hello"}
    response = server.client.post("/v1/embeddings", json=body)
    assert response.json()["model"] == "understudy-lexical"
    assert response.headers["x-understudy-model"] == "understudy-lexical"


def test_unknown_names_can_be_errors(serve_with: ServeWith, upstream: ScriptedUpstream) -> None:
    with serve_with(
        unknown_model="error", providers={"up": provider_at(upstream)}, default_model="up/echo"
    ) as server:
        requests = [
            ("/v1/chat/completions", {"messages": HELLO}),
            ("/v1/completions", {"prompt": "hello"}),
            ("/v1/embeddings", {"input": "hello"}),
        ]
        for path, body in requests:
            response = server.client.post(path, json={**body, "model": "gpt-4"})
            error = error_of(response, 404)
            assert (error["code"], error["param"]) == ("model_not_found", "model")
            assert "'gpt-4'" in error["message"]
            assert response.headers["x-should-retry"] == "false"
        assert server.chat().status_code == 200
        assert server.chat(model="echo").status_code == 200


def test_a_model_of_the_wrong_kind_is_refused(server: Served) -> None:
    error = error_of(server.chat(model="understudy-lexical"), 400)
    assert (error["param"], error["code"]) == ("model", "model_kind_mismatch")
    body = {"model": "understudy-extractive", "input": "hello"}
    error = error_of(server.client.post("/v1/embeddings", json=body), 400)
    assert error["code"] == "model_kind_mismatch"


def test_the_list_holds_what_can_be_used(server: Served) -> None:
    listed = server.client.get("/v1/models").json()
    assert listed["object"] == "list"
    ids = [model["id"] for model in listed["data"]]
    assert {"understudy-extractive", "understudy-lexical", "up/echo", "gpt-4", "best"} <= set(ids)
    assert {"renamed/large", "renamed/a/b"} <= set(ids)
    assert not any(name.startswith("off/") for name in ids)
    assert len(ids) == len(set(ids))
    for model in listed["data"]:
        assert model["object"] == "model"
        assert isinstance(model["created"], int) and isinstance(model["owned_by"], str)


def test_every_listed_model_can_be_retrieved_and_asked(server: Served) -> None:
    for model in server.client.get("/v1/models").json()["data"]:
        name = model["id"]
        for path in (name, name.replace("/", "%2F")):
            assert server.client.get(f"/v1/models/{path}").json()["id"] == name
        if "embedding" not in name and "lexical" not in name:
            assert server.chat(model=name).status_code == 200


@pytest.mark.parametrize("path", ["up/echo", "up%2Fecho", "echo", "gpt-4", "understudy-extractive"])
def test_retrieve(server: Served, path: str) -> None:
    found = server.client.get(f"/v1/models/{path}").json()
    assert (found["id"], found["object"]) == (path.replace("%2F", "/"), "model")


@pytest.mark.parametrize("path", ["nothing", "up/nothing", "up%2Fnothing", "a/b/c", "gpt-5"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_model_that_is_not_there(server: Served, method: str, path: str) -> None:
    error = error_of(server.client.request(method, f"/v1/models/{path}"), 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert path.replace("%2F", "/") in error["message"]


@pytest.mark.parametrize("path", ["up/echo", "up%2Fecho", "understudy-extractive"])
def test_models_cannot_be_deleted(server: Served, path: str) -> None:
    response = server.client.delete(f"/v1/models/{path}")
    assert error_of(response, 403)["code"] == "model_not_deletable"
    assert response.headers["x-should-retry"] == "false"


def test_a_provider_that_is_away_does_not_hide_the_others(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    away = {"base_url": "http://127.0.0.1:9/v1", "enabled": True}
    with serve_with(providers={"away": away, "up": provider_at(upstream)}) as server:
        ids = [model["id"] for model in server.client.get("/v1/models").json()["data"]]
        assert "up/echo" in ids
        assert server.chat(model="echo").headers["x-understudy-model"] == "up/echo"


def test_engines_of_openai_0_28(server: Served, upstream: ScriptedUpstream) -> None:
    listed = server.client.get("/v1/engines").json()
    assert {"id": "up/echo", "object": "engine"}.items() <= next(
        engine for engine in listed["data"] if engine["id"] == "up/echo"
    ).items()
    assert server.client.get("/v1/engines/echo").json()["id"] == "echo"
    for path in ("/v1/engines/echo", "/v1/engines/up%2Fecho", "/v1/engines/up/echo"):
        upstream.calls.clear()
        made = server.client.post(f"{path}/chat/completions", json={"messages": HELLO})
        assert made.headers["x-understudy-model"] == "up/echo"
        made = server.client.post(f"{path}/completions", json={"prompt": "hello"})
        assert made.json()["object"] == "text_completion"
        assert [call.json["model"] for call in upstream.calls if call.json] == ["echo", "echo"]
    made = server.client.post("/v1/engines/echo-embedding/embeddings", json={"input": "hello"})
    assert made.headers["x-understudy-model"] == "up/echo-embedding"
