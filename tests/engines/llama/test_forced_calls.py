"""Calls that are written as JSON: what is demanded, and how it is read."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec import to_builtins

from understudy.engines.llama.forced_calls import (
    CallReader,
    with_calls_as_json,
    writes_calls_as_json,
)

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": CITY}},
    {"type": "function", "function": {"name": "now"}},
]
NAMED = {"type": "function", "function": {"name": "now"}}
WEATHER_CALL = {"name": "weather", "arguments": {"city": '}], \\"{['}}
UNASKED_CALL = {"name": "weather", "arguments": {"city": "x", "unasked": 1}}
NOW_CALL = {"name": "now", "arguments": {}}
JSON = {"type": "json_object"}


def request(**fields: Any) -> Any:
    return {"model": "m", "messages": [], "tools": TOOLS, **fields}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"tool_choice": "auto"}, False),
        ({"tool_choice": "required"}, True),
        ({"tool_choice": NAMED}, True),
        ({"tool_choice": "none", "response_format": JSON}, False),
        ({"response_format": {"type": "text"}}, False),
        ({"response_format": JSON}, True),
        ({"response_format": JSON, "tools": None}, False),
    ],
)
def test_when_calls_are_written_as_json(fields: dict[str, Any], expected: bool) -> None:
    assert writes_calls_as_json(request(**fields)) is expected


def demanded(**fields: Any) -> Any:
    made: Any = with_calls_as_json(request(**fields))
    return Draft202012Validator(made["response_format"]["json_schema"]["schema"])


@pytest.mark.parametrize(
    ("fields", "answer", "is_valid"),
    [
        ({"tool_choice": "required"}, [WEATHER_CALL, NOW_CALL], True),
        ({"tool_choice": "required"}, [], False),
        ({"tool_choice": "required"}, [{"name": "other", "arguments": {}}], False),
        ({"tool_choice": "required"}, [{"name": "weather", "arguments": {}}], False),
        ({"tool_choice": "required"}, [{"name": "now", "arguments": {"city": "x"}}], False),
        ({"tool_choice": "required"}, [UNASKED_CALL], False),
        ({"tool_choice": "required"}, {"any": "answer"}, False),
        ({"tool_choice": "required", "parallel_tool_calls": False}, [NOW_CALL, NOW_CALL], False),
        ({"tool_choice": NAMED}, [NOW_CALL], True),
        ({"tool_choice": NAMED}, [NOW_CALL, NOW_CALL], False),
        ({"tool_choice": NAMED}, [WEATHER_CALL], False),
        ({"response_format": JSON}, {"any": "answer"}, True),
        ({"response_format": JSON}, [NOW_CALL], True),
        ({"response_format": JSON}, "text", False),
    ],
)
def test_what_the_model_is_held_to(fields: Any, answer: Any, is_valid: bool) -> None:
    assert demanded(**fields).is_valid(answer) is is_valid


def test_the_template_still_shows_every_function_and_thinks_no_more() -> None:
    kwargs = {"enable_thinking": True, "a": 1}
    made: Any = with_calls_as_json(request(tool_choice=NAMED, chat_template_kwargs=kwargs))
    shown = made["chat_template_kwargs"]
    assert [tool["function"]["name"] for tool in shown["tools"]] == ["weather", "now"]
    assert all(tool["function"]["parameters"] for tool in shown["tools"])
    assert (shown["enable_thinking"], shown["a"]) == (False, 1)
    assert not {"tools", "tool_choice"} & made.keys()
    beside: Any = with_calls_as_json(request(response_format=JSON))
    assert "enable_thinking" not in beside["chat_template_kwargs"]


CALLS = [WEATHER_CALL, NOW_CALL, {"name": "weather", "arguments": {"a": [[{}], "\\"]}}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_calls_are_read_in_pieces_of_any_size(size: int, indent: int | None) -> None:
    reader, read = CallReader(), {}
    written = " " + json.dumps(CALLS, indent=indent)
    for start in range(0, len(written), size):
        text, pieces = reader.take(written[start : start + size])
        assert text == ""
        assert len({piece.index for piece in pieces}) == len(pieces)
        for piece in to_builtins(pieces):
            call = read.setdefault(piece["index"], {"arguments": "", "ids": []})
            call["ids"] += [piece["id"]] if "id" in piece else []
            call["name"] = piece["function"].get("name", call.get("name"))
            call["arguments"] += piece["function"]["arguments"]
    assert reader.has_calls
    assert [len(call["ids"]) for call in read.values()] == [1, 1, 1]
    assert CALLS == [
        {"name": call["name"], "arguments": json.loads(call["arguments"])} for call in read.values()
    ]


def test_an_answer_is_passed_through() -> None:
    reader = CallReader()
    assert [reader.take(text) for text in (" ", '{"a"', ": [1]}")] == [
        ("", []),
        (' {"a"', []),
        (": [1]}", []),
    ]
    assert not reader.has_calls
