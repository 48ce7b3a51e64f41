"""What a chat stream looks like to a client while the provider misbehaves as providers do."""

import json
import re
from typing import Any

import pytest
from tests.http.chunks import HEAD, WEATHER, choices_of, chunk, reasons_of, text_of
from tests.http.fixtures import ServeWith
from tests.http.serving import HELLO, Served, error_of, events_of, provider_at
from tests.upstreams.scripted import (
    ScriptedUpstream,
    answer,
    break_off,
    delayed,
    raw,
    stream,
    stream_bytes,
)

SAYS_HI = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
BROKEN = {
    "closed amid the body": break_off([SAYS_HI]),
    "reset": break_off([SAYS_HI], with_reset=True),
    "ended without a finish reason": stream([chunk({"role": "assistant", "content": "Hi"})]),
    "ended without [DONE] either": stream([chunk({"content": "Hi"})], is_done=False),
    "half an event": stream_bytes([SAYS_HI + b'data: {"choi']),
    "an error in the stream": stream_bytes(
        [SAYS_HI, b'data: {"error":{"message":"out of memory","code":"oom"}}\n\n']
    ),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("fields", [{}, {"functions": [WEATHER]}], ids=["plain", "functions"])
def test_rule_3_a_broken_stream_ends_in_an_error(
    server: Served, upstream: ScriptedUpstream, how: str, fields: dict[str, Any]
) -> None:
    upstream.play(BROKEN[how])
    *events, last = server.events(**fields)
    assert set(last) == {"error"}
    assert set(last["error"]) == {"message", "type", "param", "code"}
    assert last["error"]["type"] == "server_error"
    assert re.search(r"\bup\b", last["error"]["message"])
    assert text_of(events) == "Hi"
    assert reasons_of(events) == []


def test_rule_3_an_error_before_the_first_chunk_has_its_status(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(break_off())
    assert error_of(server.chat(stream=True), 502)["code"] == "provider_stream_broken"


def test_rule_3_without_done_from_upstream_the_client_still_gets_it(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(stream([chunk({"content": "Hi"}), chunk({}, "stop")], is_done=False))
    events = server.events()
    assert (text_of(events), reasons_of(events)) == ("Hi", ["stop"])


def test_rule_3_plain_answers_that_make_no_sense_are_errors(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(raw(b"<html>busy</html>"))
    assert error_of(server.chat(), 502)["code"] == "provider_error"


def test_rule_4_usage_comes_last_and_only_when_asked(
    server: Served, upstream: ScriptedUpstream
) -> None:
    *others, last = server.events(stream_options={"include_usage": True})
    assert last["choices"] == []
    usage = last["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert others and all(event["usage"] is None and event["choices"] for event in others)
    for options in ({}, {"stream_options": {"include_usage": False}}):
        events = server.events(**options)
        assert all("usage" not in event and event["choices"] for event in events)
    assert all(c.json["stream_options"] == {"include_usage": True} for c in upstream.calls)


@pytest.mark.parametrize("model", ["up/echo", "native/echo"], ids=["by chat", "native"])
def test_rule_4_for_text_completions(server: Served, model: str) -> None:
    request = {"model": model, "prompt": "hello world", "stream": True, "max_tokens": 50}
    bare = events_of(server.client.post("/v1/completions", json=request))
    assert all("usage" not in event and event["choices"] for event in bare)
    asked = {**request, "stream_options": {"include_usage": True}}
    *others, last = events_of(server.client.post("/v1/completions", json=asked))
    assert last["choices"] == [] and last["usage"]["total_tokens"] > 0
    assert all(event["usage"] is None for event in others)
    for events in (bare, others):
        assert "".join(c["text"] for c in choices_of(events)).strip() == "You said: hello world"
        assert reasons_of(events) == ["stop"]


def test_rule_4_usage_is_reported_when_the_provider_sends_none(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(stream([chunk({"content": "Hi there"}), chunk({}, "stop")]))
    *_, last = server.events(stream_options={"include_usage": True})
    assert last["usage"]["prompt_tokens"] > 0 and last["usage"]["completion_tokens"] > 0


def test_rule_5_deltas_omit_what_does_not_change(
    server: Served, upstream: ScriptedUpstream
) -> None:
    noisy = {"tool_calls": [], "function_call": None, "refusal": None, "reasoning_content": None}
    upstream.play(
        stream(
            [
                chunk({"role": "assistant", "content": "", **noisy}),
                chunk({"role": "assistant", "content": "Hi", **noisy}),
                chunk({"role": "assistant", "content": None, **noisy}, "stop"),
            ]
        )
    )
    deltas = [choice["delta"] for choice in choices_of(server.events())]
    assert [delta.get("role") for delta in deltas].count("assistant") == 1
    assert deltas[0]["role"] == "assistant"
    values = [value for delta in deltas for value in delta.values()]
    assert None not in values and [] not in values


def test_rule_5_silence_is_filled_with_comments_alone(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    late = delayed(0.5, stream([chunk({"content": "Hi"}), chunk({}, "stop")]))
    paused = stream([chunk({"content": "Hi"}), chunk({}, "stop")], pace_s=0.5)
    providers = {"up": provider_at(upstream)}
    with serve_with(providers=providers, default_model="up/echo", heartbeat_s=0.05) as server:
        upstream.play(paused, late)
        response = server.chat(stream=True)
        events_of(response)
        others = [line for line in response.text.splitlines() if not line.startswith("data: ")]
        assert sum(line.startswith(":") for line in others) > 1
        assert all(line.startswith(":") or not line for line in others)
        assert text_of(server.events()) == "Hi"


def test_rule_6_usage_details_are_objects(server: Served, upstream: ScriptedUpstream) -> None:
    usage = {
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "total_tokens": 5,
        "prompt_tokens_details": None,
        "completion_tokens_details": None,
    }
    message = {"role": "assistant", "content": "Hi"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    plain = {**HEAD, "object": "chat.completion", "choices": [choice], "usage": usage}
    streamed = [chunk({"content": "Hi"}, "stop"), {**HEAD, "choices": [], "usage": usage}]
    upstream.play(answer(plain), stream(streamed))
    found = [
        server.chat().json()["usage"],
        server.events(stream_options={"include_usage": True})[-1]["usage"],
    ]
    for one in found:
        assert (one["prompt_tokens"], one["completion_tokens"], one["total_tokens"]) == (3, 2, 5)
        assert set(one["prompt_tokens_details"].values()) == {0}
        assert set(one["completion_tokens_details"].values()) == {0}
        assert "cached_tokens" in one["prompt_tokens_details"]
        assert "reasoning_tokens" in one["completion_tokens_details"]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_rule_7_logprobs(server: Served, is_streamed: bool) -> None:
    fields = {"logprobs": True, "top_logprobs": 2}
    if is_streamed:
        found = [c.get("logprobs") for c in choices_of(server.events(**fields))]
        entries = [entry for logprobs in found if logprobs for entry in logprobs["content"]]
    else:
        entries = server.chat(**fields).json()["choices"][0]["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == "You said: hello world"
    assert all(set(e) == {"token", "logprob", "bytes", "top_logprobs"} for e in entries)
    assert all(len(entry["top_logprobs"]) == 2 for entry in entries)


def test_rule_7_logprobs_that_cannot_be_had_are_refused(server: Served) -> None:
    error = error_of(server.chat(model="no-logprobs/echo", logprobs=True), 400)
    assert error["param"] == "logprobs"
    assert server.chat().json()["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_rule_9_reasoning_is_kept_apart(
    server: Served, upstream: ScriptedUpstream, field: str
) -> None:
    message = {"role": "assistant", "content": "42", field: "Let me think."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    pieces = [chunk({field: "Let me "}), chunk({field: "think."}), chunk({"content": "42"}, "stop")]
    plain = {**HEAD, "object": "chat.completion", "choices": [choice]}
    upstream.play(stream(pieces), answer(plain))
    events = server.events()
    assert (text_of(events), text_of(events, "reasoning_content")) == ("42", "Let me think.")
    made = server.chat().json()["choices"][0]["message"]
    assert (made["content"], made["reasoning_content"]) == ("42", "Let me think.")


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085"])
def test_line_separators_are_escaped(
    server: Served, upstream: ScriptedUpstream, separator: str
) -> None:
    text = f"one{separator}two €"
    upstream.play(stream([chunk({"content": text}), chunk({}, "stop")]))
    response = server.chat(stream=True)
    assert separator not in response.text
    assert text_of(events_of(response)) == text


def test_chat_events_have_no_names_and_no_ids(server: Served) -> None:
    lines = server.chat(stream=True).text.splitlines()
    assert {line.partition(":")[0] for line in lines if line} == {"data"}


def test_every_chunk_has_the_same_head(server: Served) -> None:
    events = server.events(stream_options={"include_usage": True})
    assert len({(e["id"], e["created"], e["model"], e["object"]) for e in events}) == 1
    assert events[0]["object"] == "chat.completion.chunk"


def test_a_stream_ends_with_the_answer(server: Served) -> None:
    """The connection is closed or free at once: openai 0.28 reads to its end."""
    body = json.dumps({"messages": HELLO, "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}"
    head += "\r\ncontent-type: application/json\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head.encode() + body)
        got = b""
        while b"data: [DONE]\n\n" not in got:
            got += connection.recv(65536)
        while not got.endswith(b"0\r\n\r\n"):
            piece = connection.recv(65536)
            assert piece, "closed without the end of the chunked body"
            got += piece
    assert got.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
