"""curl, which is nothing but the wire: plain answers, streams as lines, errors on every path."""

import json
import shutil
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from tests.sdk.programs.reporting import QUESTION, TEXTS, WEATHER, user
from tests.sdk.servers import RunningServer, clean_environ
from tests.sdk.validation import errors_of_answer, errors_of_object

pytestmark = [
    pytest.mark.xdist_group("curl"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]


def _curl(server: RunningServer, path: str, body: Any = None) -> tuple[int, str]:
    command = ["curl", "--silent", "--show-error", "--no-buffer", "--max-time", "30"]
    command += ["--write-out", "\n%{http_code}"]
    if server.key:
        command += ["--header", f"Authorization: Bearer {server.key}"]
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body)
        command += ["--header", "Content-Type: application/json", "--data-binary", text]
    done = subprocess.run(
        [*command, f"{server.base_url}{path}"],
        capture_output=True,
        encoding="utf-8",
        env=clean_environ(),
        check=True,
    )
    answered, _, status = done.stdout.rpartition("\n")
    return int(status), answered


def _answer(server: RunningServer, method: str, path: str, body: Any = None) -> Any:
    """Return a valid answer of status 200, parsed."""
    status, text = _curl(server, path, body)
    assert status == 200, text
    answered = json.loads(text)
    assert not errors_of_answer(method, path, 200, answered)
    return answered


@pytest.mark.parametrize("language", TEXTS)
def test_chat(embedded: RunningServer, language: str) -> None:
    asked = {"model": "gpt-4", "messages": user(TEXTS[language])}
    answered = _answer(embedded, "POST", "/chat/completions", asked)
    assert "Understudy" in answered["choices"][0]["message"]["content"]


def test_objects_keep_their_nulls(embedded: RunningServer) -> None:
    asked = {"model": "gpt-4", "messages": user("Hello")}
    (choice,) = _answer(embedded, "POST", "/chat/completions", asked)["choices"]
    assert (choice["logprobs"], choice["message"]["refusal"]) == (None, None)
    text = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"}
    (choice,) = _answer(embedded, "POST", "/completions", text)["choices"]
    assert choice["logprobs"] is None


def test_a_stream_is_data_lines_and_then_done(embedded: RunningServer) -> None:
    asked = {"model": "gpt-4", "messages": user("Hello"), "stream": True}
    status, text = _curl(embedded, "/chat/completions", asked)
    events = text.removesuffix("\n\n").split("\n\n")
    assert status == 200
    assert events[-1] == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    faults = [errors_of_object("CreateChatCompletionStreamResponse", chunk) for chunk in chunks]
    assert faults == [[]] * len(chunks)
    finish_reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert finish_reasons == [None] * (len(chunks) - 1) + ["stop"]


def test_tools(embedded: RunningServer) -> None:
    tools = [{"type": "function", "function": WEATHER}]
    asked = {"model": "gpt-4", "messages": user(QUESTION), "tools": tools}
    answered = _answer(embedded, "POST", "/chat/completions", asked)
    (call,) = answered["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Madrid"}


def test_embeddings_without_an_encoding_are_numbers(embedded: RunningServer) -> None:
    asked = {"model": "text-embedding-3-small", "input": "Hello"}
    answered = _answer(embedded, "POST", "/embeddings", asked)
    assert {type(number) for number in answered["data"][0]["embedding"]} == {float}


def test_completions_and_models(embedded: RunningServer) -> None:
    asked = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"}
    assert _answer(embedded, "POST", "/completions", asked)["choices"][0]["text"]
    assert _answer(embedded, "GET", "/models")["data"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/chat/completions", '{"messages": [', 400),
        ("/chat/completions", {"messages": "Hello"}, 400),
        ("/chat/completions", {"messages": user("Hello"), "temperature": "hot"}, 400),
        ("/completions", {"prompt": "Hello", "n": -1}, 400),
        ("/embeddings", {"model": "text-embedding-3-small"}, 400),
        ("/models/no-such-model", None, 404),
        ("/no-such-path", None, 404),
        ("/embeddings", None, 405),
    ],
)
def test_errors_have_the_envelope(
    echoing: RunningServer, path: str, body: Any, status: int
) -> None:
    answered_status, text = _curl(echoing, path, body)
    assert answered_status == status
    envelope = json.loads(text)
    assert set(envelope) == {"error"}
    assert set(envelope["error"]) == {"message", "type", "param", "code"}
    assert not errors_of_object("ErrorResponse", envelope)


def test_no_key_is_an_authentication_error(echoing: RunningServer) -> None:
    status, text = _curl(replace(echoing, key=""), "/models")
    assert status == 401
    assert json.loads(text)["error"]["type"] == "invalid_request_error"
