"""Tool calls, finish reasons and the legacy `functions`, streamed and plain, from providers that
number, name and end them badly.
"""

from typing import Any

import pytest
from tests.http.chunks import (
    HEAD,
    TOOLS,
    WEATHER,
    call_piece,
    calls_chunk,
    calls_of,
    choices_of,
    chunk,
    reasons_of,
    text_of,
)
from tests.http.serving import HELLO, Served
from tests.upstreams.scripted import ScriptedUpstream, answer, stream

TWO_CALLS: dict[str, list[dict[str, Any]]] = {
    "empty id and name in later pieces": [
        calls_chunk(call_piece(index=0, id="a", type="function", name="get_weather")),
        calls_chunk(call_piece('{"city":"Rome"}', index=0, id="", name="")),
        calls_chunk(call_piece(index=1, id="b", type="function", name="get_weather")),
        calls_chunk(call_piece('{"city":"Oslo"}', index=1, id="", name="")),
    ],
    "no index": [
        calls_chunk(call_piece('{"city":"Rome"}', id="a", type="function", name="get_weather")),
        calls_chunk(call_piece('{"city":"Oslo"}', id="b", type="function", name="get_weather")),
    ],
    "index 0 for both": [
        calls_chunk(call_piece(index=0, id="a", type="function", name="get_weather")),
        calls_chunk(call_piece('{"city":"Rome"}', index=0)),
        calls_chunk(call_piece(index=0, id="b", type="function", name="get_weather")),
        calls_chunk(call_piece('{"city":"Oslo"}', index=0)),
    ],
    "two entries of one index in a chunk": [
        calls_chunk(
            call_piece('{"city":"Rome"}', index=0, id="a", type="function", name="get_weather"),
            call_piece('{"city":"Oslo"}', index=0, id="b", type="function", name="get_weather"),
        ),
    ],
    "id and name repeated with every piece": [
        calls_chunk(call_piece('{"city":', index=0, id="a", type="function", name="get_weather")),
        calls_chunk(call_piece('"Rome"}', index=0, id="a", type="function", name="get_weather")),
        calls_chunk(call_piece('{"city":"Oslo"}', index=1, id="b", name="get_weather")),
    ],
}


@pytest.mark.parametrize("shape", TWO_CALLS)
def test_rule_1_tool_calls_have_stable_indexes(
    server: Served, upstream: ScriptedUpstream, shape: str
) -> None:
    upstream.play(stream([chunk({"role": "assistant"}), *TWO_CALLS[shape], chunk({}, "stop")]))
    events = server.events(tools=TOOLS)
    assert calls_of(events) == {
        0: {"id": "a", "type": "function", "name": "get_weather", "args": '{"city":"Rome"}'},
        1: {"id": "b", "type": "function", "name": "get_weather", "args": '{"city":"Oslo"}'},
    }
    assert reasons_of(events) == ["tool_calls"]


ONE_CALL = [
    calls_chunk(call_piece(index=0, id="a", type="function", name="get_weather")),
    calls_chunk(call_piece('{"city":"Rome"}', index=0)),
]
FINISHES = [
    ("stop", [], {}, "stop"),
    ("length", [], {}, "length"),
    ("tool_calls", [], {"tools": TOOLS}, "stop"),
    ("stop", ONE_CALL, {"tools": TOOLS}, "tool_calls"),
    ("stop", ONE_CALL, {"functions": [WEATHER]}, "function_call"),
    ("tool_calls", ONE_CALL, {"functions": [WEATHER]}, "function_call"),
    ("tool_calls", [], {"functions": [WEATHER]}, "stop"),
]


@pytest.mark.parametrize(("sent", "calls", "fields", "expected"), FINISHES)
def test_rule_2_the_finish_reason_tells_what_came(
    server: Served,
    upstream: ScriptedUpstream,
    sent: str,
    calls: list[dict[str, Any]],
    fields: dict[str, Any],
    expected: str,
) -> None:
    text = chunk({"role": "assistant", "content": "Let me see."})
    upstream.play(stream([text, *calls, chunk({}, sent)]))
    events = server.events(**fields)
    assert text_of(events) == "Let me see."
    assert reasons_of(events) == [expected]
    assert all("finish_reason" in choice for choice in choices_of(events))
    assert choices_of(events)[-1]["finish_reason"] == expected


@pytest.mark.parametrize(("sent", "calls", "fields", "expected"), FINISHES)
def test_rule_2_plain(
    server: Served,
    upstream: ScriptedUpstream,
    sent: str,
    calls: list[dict[str, Any]],
    fields: dict[str, Any],
    expected: str,
) -> None:
    message: dict[str, Any] = {"role": "assistant", "content": "Let me see."}
    if calls:
        function = {"name": "get_weather", "arguments": '{"city":"Rome"}'}
        message["tool_calls"] = [{"id": "a", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": sent}
    upstream.play(answer({**HEAD, "object": "chat.completion", "choices": [choice]}))
    (made,) = server.chat(**fields).json()["choices"]
    assert made["finish_reason"] == expected
    assert ("function_call" in made["message"]) == (expected == "function_call")
    assert ("tool_calls" in made["message"]) == (expected == "tool_calls")


def test_functions_are_answered_as_function_call(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(stream([chunk({"role": "assistant"}), *ONE_CALL, chunk({}, "tool_calls")]))
    events = server.events(functions=[WEATHER], function_call={"name": "get_weather"})
    pieces = [choice["delta"].get("function_call", {}) for choice in choices_of(events)]
    assert "".join(piece.get("name", "") for piece in pieces) == "get_weather"
    assert "".join(piece.get("arguments", "") for piece in pieces) == '{"city":"Rome"}'
    assert all("tool_calls" not in choice["delta"] for choice in choices_of(events))
    sent = upstream.calls[0].json
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["get_weather"]
    assert sent["tool_choice"]["function"]["name"] == "get_weather"
    assert not {"functions", "function_call"} & set(sent)


def test_role_function_becomes_a_tool_answer(server: Served, upstream: ScriptedUpstream) -> None:
    call = {"name": "get_weather", "arguments": '{"city":"Rome"}'}
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "get_weather", "content": {"sky": "clear"}},
    ]
    made = server.chat(messages=messages, functions=[WEATHER]).json()
    assert made["choices"][0]["message"]["content"] == 'The tool says: {"sky":"clear"}'
    _, assistant, tool = upstream.calls[0].json["messages"]
    assert assistant["tool_calls"][0]["id"] == tool["tool_call_id"]
    assert assistant["tool_calls"][0]["function"] == call
