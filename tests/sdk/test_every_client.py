"""Every client generation does what its programs do: unmodified, only the address and the key are
Understudy's. The same is asked of the embedded models and of a provider behind the server.
"""

import functools
import itertools
import json
import math
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.sdk.clients import Client, Report, node_client, python_client
from tests.sdk.programs.reporting import TEXTS
from tests.sdk.servers import RunningServer
from tests.sdk.validation import errors_of_answer
from tests.upstreams.scripted import ScriptedUpstream, answer, break_off

CLIENTS = ("openai-0.28.1", "openai-1.14.3", "openai-1.35.3", "openai-2.54.0", "openai-3.52.0")
NODE = "openai-node-6.49.0"
COMMON = (
    "chat",
    "stream",
    "stream_usage",
    "tools",
    "streamed_tools",
    "forced_tool",
    "functions",
    "structured",
    "embeddings",
    "completions",
    "models",
    "in_parallel",
    "errors",
)
OWN = {
    "openai-0.28.1": ("engines",),
    "openai-1.14.3": ("headers",),
    "openai-1.35.3": ("headers",),
    "openai-2.54.0": ("headers", "parse"),
    "openai-3.52.0": ("headers", "parse"),
    NODE: ("headers", "parse", "run_tools"),
}
ECHO_MODELS = {"MODEL": "echo", "EMBEDDING_MODEL": "echo-embedding"}
SAYS = {
    "embedded": {"es": "Soy ", "en": "I am ", "zh": "我是"},
    "echoing": {language: f"You said: {text}" for language, text in TEXTS.items()},
}
_TURNS = ("first", "second")
ANSWERED_BY = {"embedded": "understudy-extractive", "echoing": "echo"}

ECHOING = pytest.mark.parametrize("seen", ["echoing"], indirect=True)


@dataclass(frozen=True)
class Seen:
    """What one client saw of one server."""

    report: Report
    server: RunningServer
    name: str

    @property
    def model(self) -> str:
        return ANSWERED_BY[self.name]


def _with(section: str) -> list[Any]:
    """The clients that have this section of their own."""
    return _grouped(name for name, sections in OWN.items() if section in sections)


def _grouped(names: Iterable[str]) -> list[Any]:
    """One process tests a client, so that each environment is built beside the others."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]


@pytest.fixture(scope="module", params=_grouped((*CLIENTS, NODE)))
def client_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def client(client_name: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    if client_name == NODE:
        return node_client(tmp_path_factory.mktemp("node"))
    if client_name.startswith("openai-0."):
        return python_client(client_name, "openai_0_28.py", "OPENAI_API_BASE")
    return python_client(client_name, "openai_1_and_later.py")


@pytest.fixture(scope="module", params=["embedded", "echoing"])
def seen(request: pytest.FixtureRequest, client: Client, client_name: str) -> Seen:
    server = request.getfixturevalue(request.param)
    variables = ECHO_MODELS if request.param == "echoing" else {}
    report = client.report(server, *COMMON, *OWN[client_name], **variables)
    return Seen(report, server, request.param)


def test_chat_answers_in_three_languages(seen: Seen) -> None:
    for language, answered in seen.report["chat"].items():
        choice = answered["choices"][0]
        assert SAYS[seen.name][language] in choice["message"]["content"]
        assert (choice["message"]["role"], choice["finish_reason"]) == ("assistant", "stop")
        assert answered["model"] == seen.model
        used = answered["usage"]
        assert 0 < used["completion_tokens"] < used["total_tokens"]
        assert used["total_tokens"] == used["prompt_tokens"] + used["completion_tokens"]


def test_a_stream_says_what_the_plain_answer_says(seen: Seen) -> None:
    for streamed in seen.report["stream"].values():
        assert streamed["streamed"] == streamed["plain"]
        assert streamed["finish_reasons"] == ["stop"]
        assert streamed["roles"] == ["assistant"]
        assert streamed["chunks"] > 3


def test_a_stream_ends_with_usage_when_it_is_asked_for(seen: Seen) -> None:
    streamed = seen.report["stream_usage"]
    *before, last = streamed["usages"]
    assert last == streamed["plain"]
    assert before == [None] * len(before)
    assert streamed["last"]["choices"] == []


def test_a_tool_is_called_and_its_result_is_used(seen: Seen) -> None:
    turns = seen.report["tools"]
    (choice,) = turns["first"]["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert call["type"] == "function"
    assert call["id"].startswith("call_")
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Madrid"}
    (choice,) = turns["second"]["choices"]
    assert choice["finish_reason"] == "stop"
    assert "21" in choice["message"]["content"]
    assert not choice["message"].get("tool_calls")


def test_streamed_tool_calls_name_each_call_once(seen: Seen) -> None:
    streamed = seen.report["streamed_tools"]
    first, *later = streamed["pieces"]
    assert (first["index"], first["type"]) == (0, "function")
    assert first["function"]["name"] == "get_weather"
    for piece in later:
        assert set(piece) == {"index", "function"}
        assert set(piece["function"]) == {"arguments"}
        assert piece["index"] == 0
    arguments = "".join(piece["function"]["arguments"] for piece in streamed["pieces"])
    assert json.loads(arguments) == {"city": "Madrid"}
    assert streamed["finish_reason"] == "tool_calls"


def test_a_named_tool_is_called_whatever_the_text(seen: Seen) -> None:
    (call,) = seen.report["forced_tool"]["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Rome"}


def test_functions_are_answered_in_their_own_form(seen: Seen) -> None:
    turns = seen.report["functions"]
    (choice,) = turns["first"]["choices"]
    call = choice["message"]["function_call"]
    assert choice["finish_reason"] == "function_call"
    assert not choice["message"].get("tool_calls")
    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "Madrid"})
    (choice,) = turns["second"]["choices"]
    assert choice["finish_reason"] == "stop"
    assert "21" in choice["message"]["content"]
    streamed = turns["streamed"]
    assert streamed["name"] == "get_weather"
    assert json.loads(streamed["arguments"]) == {"city": "Madrid"}
    assert streamed["finish_reasons"] == ["function_call"]


def test_answers_keep_to_a_schema(seen: Seen) -> None:
    contents = seen.report["structured"]
    assert json.loads(contents["json_schema"]) == {"name": "Ana", "age": 41}
    assert isinstance(json.loads(contents["json_object"]), dict)


def test_vectors_are_the_same_in_every_client_and_encoding(seen: Seen) -> None:
    vectors = seen.report["embeddings"]
    model = ECHO_MODELS["EMBEDDING_MODEL"] if seen.name == "echoing" else "understudy-lexical"
    expected = _embeddings(seen.server, model)
    assert vectors["indexes"] == [0, 1, 2]
    assert vectors["usage"]["prompt_tokens"] == vectors["usage"]["total_tokens"] > 0
    for sent in (vectors["default"], vectors["float"]):
        assert [len(vector) for vector in sent] == [len(vector) for vector in expected]
        assert math.dist(itertools.chain(*sent), itertools.chain(*expected)) < 1e-5
    assert math.dist(vectors["single"][0], expected[0]) < 1e-5


@functools.cache
def _embeddings(server: RunningServer, model: str) -> list[list[float]]:
    """Return the vectors as the server sends them to a client that asks for nothing special."""
    body = json.dumps({"model": model, "input": list(TEXTS.values())}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {server.key}"}
    request = urllib.request.Request(f"{server.base_url}/embeddings", body, headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return [item["embedding"] for item in json.load(response)["data"]]


def test_legacy_completions(seen: Seen) -> None:
    answered = seen.report["completions"]
    (choice,) = answered["plain"]["choices"]
    assert answered["plain"]["object"] == "text_completion"
    assert answered["plain"]["model"] == seen.model
    assert SAYS[seen.name]["en"] in choice["text"]
    assert answered["streamed"] == choice["text"]
    assert answered["finish_reasons"] == [choice["finish_reason"]] == ["stop"]


def test_models_are_listed_and_retrieved(seen: Seen) -> None:
    models = seen.report["models"]
    names = {model["id"] for model in models["listed"]}
    assert {"understudy-extractive", "understudy-lexical"} <= names
    assert ("scripted/echo" in names) == (seen.name == "echoing")
    assert models["retrieved"] == models["listed"]


def test_calls_in_parallel_get_their_own_answers(seen: Seen) -> None:
    *plain, streamed = seen.report["in_parallel"]
    for language, content in zip(TEXTS, plain, strict=True):
        assert SAYS[seen.name][language] in content
    assert streamed == plain[1]


@ECHOING
def test_error_classes(seen: Seen, client_name: str) -> None:
    errors = seen.report["errors"]
    is_old = client_name == "openai-0.28.1"
    expected = {
        "unknown model": ("NotFoundError", 404, "model", "model_not_found", "no-such-model"),
        "bad value": ("BadRequestError", 400, "temperature", "invalid_value", "temperature"),
        "no messages": ("BadRequestError", 400, "messages", "invalid_value", "messages"),
        "wrong key": ("AuthenticationError", 401, None, "invalid_api_key", "API key"),
    }
    for name, (kind, status, param, code, words) in expected.items():
        error = errors[name]
        if is_old and kind != "AuthenticationError":
            kind = "InvalidRequestError"
        assert (error["class"], error["status"], error["param"]) == (kind, status, param)
        assert words in error["message"]
        assert error["code"] == code


def test_a_rate_limit_of_the_provider_reaches_the_client(
    client: Client, echoing: RunningServer, provider: ScriptedUpstream
) -> None:
    limited = {"error": {"message": "Slow down", "type": "requests", "code": "rate_limit_exceeded"}}
    provider.play(answer(limited, 429, {"retry-after": "7"}))
    error = client.report(echoing, "one_error", **ECHO_MODELS)["one_error"]
    assert (error["class"], error["status"]) == ("RateLimitError", 429)
    assert "Slow down" in error["message"]


def test_a_stream_that_breaks_off_is_an_error(
    client: Client, echoing: RunningServer, provider: ScriptedUpstream
) -> None:
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "echo"}
    chunk["choices"] = [{"index": 0, "delta": {"content": "You"}, "finish_reason": None}]
    provider.play(break_off([b"data: " + json.dumps(chunk).encode() + b"\n\n"]))
    error = client.report(echoing, "one_stream_error", **ECHO_MODELS)["one_stream_error"]
    assert error["class"] == "APIError"
    assert "broke off" in error["message"]


def test_leaving_a_stream_cancels_the_call_to_the_provider(
    client: Client, echoing: RunningServer, provider: ScriptedUpstream
) -> None:
    assert client.report(echoing, "cancel")["cancel"] == 3
    assert provider.calls[-1].json["model"] == "paced-2000x10"
    assert provider.calls[-1].disconnected.wait(10)


@ECHOING
@pytest.mark.parametrize("client_name", _with("headers"), indirect=True)
def test_headers_tell_the_request_and_the_model(seen: Seen) -> None:
    answered = seen.report["headers"]
    assert answered["headers"]["x-request-id"].startswith("req_")
    assert answered["headers"]["x-understudy-model"] == "scripted/echo"
    assert answered["parsed"]["choices"][0]["message"]["content"] == "You said: Hello"


@pytest.mark.parametrize("client_name", _with("parse"), indirect=True)
def test_typed_answers(seen: Seen) -> None:
    typed = seen.report["parse"]
    assert len(typed["parsed"]) >= 2
    assert typed["parsed"] == [{"name": "Ana", "age": 41}] * len(typed["parsed"])
    assert typed["tool"] == [{"name": "Ana", "age": 41}]


@pytest.mark.parametrize("client_name", _with("run_tools"), indirect=True)
def test_the_tool_runner_of_node_ends_with_an_answer(seen: Seen) -> None:
    assert "21" in seen.report["run_tools"]


@pytest.mark.parametrize("client_name", _with("engines"), indirect=True)
def test_calls_by_engine_have_paths_of_their_own(seen: Seen) -> None:
    engines = seen.report["engines"]
    names = [engine["id"] for engine in engines["listed"]["data"]]
    assert "understudy-extractive" in names
    assert {engine["object"] for engine in engines["listed"]["data"]} == {"engine"}
    assert engines["retrieved"] == engines["listed"]["data"][0]
    assert engines["chat"]["object"] == "chat.completion"
    assert engines["chat"]["model"] == seen.model
    assert engines["streamed"] == engines["chat"]["choices"][0]["message"]["content"] != ""
    assert engines["completion"]["object"] == "text_completion"
    assert engines["completion"]["choices"][0]["text"]
    (embedded,) = engines["embedding"]
    assert embedded["embedding"] == seen.report["embeddings"]["default"][1]


@pytest.mark.parametrize("client_name", _grouped((CLIENTS[0], NODE)), indirect=True)
def test_plain_answers_are_valid_by_the_api_description(seen: Seen) -> None:
    report = seen.report
    chats = [*report["chat"].values(), report["forced_tool"]]
    chats += [report[section][turn] for section in ("tools", "functions") for turn in _TURNS]
    faults = [errors_of_answer("POST", "/chat/completions", 200, answered) for answered in chats]
    faults.append(errors_of_answer("POST", "/completions", 200, report["completions"]["plain"]))
    retrieved = report["models"]["retrieved"]
    faults += [errors_of_answer("GET", "/models/{model}", 200, model) for model in retrieved]
    assert not [fault for found in faults for fault in found]
