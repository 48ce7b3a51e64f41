"""`functions` of 2023 to tools and back."""

from typing import Any

import pytest
from msgspec import UNSET
from tests.chat.shapes import (
    FUNCTION,
    NAMED,
    TOOL,
    USER,
    call_piece,
    calls,
    chunk,
    completion,
    piece,
    request,
    says,
)

from understudy.chat.legacy import is_legacy, legacy_chunk, legacy_completion, with_tools
from understudy.wire.chat import FunctionCall, FunctionDelta


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, {}),
        ({"function_call": "auto"}, {"tool_choice": "auto"}),
        ({"function_call": "none"}, {"tool_choice": "none"}),
        ({"function_call": {"name": "get_weather"}}, {"tool_choice": NAMED}),
    ],
)
def test_functions_become_tools(choice: Any, expected: Any) -> None:
    made = with_tools(request(functions=[FUNCTION], **choice))
    assert made == request(tools=[TOOL], **expected)


def test_a_request_of_today_stays_as_it_is() -> None:
    body = request(tools=[TOOL], tool_choice="auto")
    assert with_tools(body) == body
    assert not is_legacy(body)
    assert is_legacy(request(functions=[FUNCTION]))


def legacy_call(name: str = "f") -> dict[str, Any]:
    return {"role": "assistant", "function_call": {"name": name, "arguments": "{}"}}


def legacy_answer(content: Any) -> dict[str, Any]:
    return {"role": "function", "name": "f", "content": content}


@pytest.mark.parametrize(
    ("content", "text"),
    [("sunny", "sunny"), (None, ""), ({"sky": "azul"}, '{"sky":"azul"}'), ("", "")],
)
def test_a_function_call_and_its_answer_are_one_tool_call(content: Any, text: str) -> None:
    _, call, answer = with_tools(request(messages=[USER, legacy_call(), legacy_answer(content)]))[
        "messages"
    ]
    assert "function_call" not in call
    assert call["content"] is None
    (made,) = call["tool_calls"]
    assert made["function"] == {"name": "f", "arguments": "{}"}
    assert answer == {"role": "tool", "tool_call_id": made["id"], "content": text}


def test_two_calls_get_two_ids() -> None:
    history = [legacy_call(), legacy_answer("1"), legacy_call(), legacy_answer("2")]
    made = with_tools(request(messages=history))["messages"]
    ids = [made[0]["tool_calls"][0]["id"], made[2]["tool_calls"][0]["id"]]
    assert len(set(ids)) == 2
    assert [made[1]["tool_call_id"], made[3]["tool_call_id"]] == ids


def test_an_answer_without_its_call_gets_one() -> None:
    _, call, answer = with_tools(request(messages=[USER, legacy_answer("x")]))["messages"]
    assert call["tool_calls"][0]["function"]["name"] == "f"
    assert call["tool_calls"][0]["id"] == answer["tool_call_id"]


def test_an_answer_with_calls_shows_the_first_as_function_call() -> None:
    made = legacy_completion(
        completion(says(None, finish="tool_calls", tool_calls=calls("a", "b")))
    )
    (choice,) = made.choices
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call == FunctionCall("a", "{}")
    assert choice.message.tool_calls is UNSET


def test_an_answer_without_calls_stays_as_it_is() -> None:
    answer = completion(says("hello", finish="length"))
    assert legacy_completion(answer) == answer


def test_a_stream_of_calls_shows_the_first_as_function_call() -> None:
    stream = [
        chunk(piece(role="assistant")),
        chunk(piece(tool_calls=[call_piece(0, name="a", arguments="")])),
        chunk(piece(tool_calls=[call_piece(0, arguments='{"x"')])),
        chunk(piece(tool_calls=[call_piece(1, name="b", arguments="{}")])),
        chunk(piece(finish="tool_calls")),
    ]
    made = [legacy_chunk(one) for one in stream]
    assert made[3] is None
    deltas = [one.choices[0].delta for one in made if one is not None]
    assert [delta.function_call for delta in deltas] == [
        UNSET,
        FunctionDelta("a", ""),
        FunctionDelta(arguments='{"x"'),
        UNSET,
    ]
    assert all(delta.tool_calls is UNSET for delta in deltas)
    assert made[4] is not None
    assert made[4].choices[0].finish_reason == "function_call"


def test_a_chunk_without_choices_survives() -> None:
    assert legacy_chunk(chunk()) == chunk()
