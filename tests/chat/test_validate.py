"""What a chat request must be, and which field an error names."""

import copy
from typing import Any

import pytest
from tests.chat.shapes import FUNCTION, JSON_SCHEMA, NAMED, TOOL, USER, called, request

from understudy.chat.validate import validate_chat
from understudy.errors import InvalidRequest

PART = {"type": "text", "text": "hello"}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}


def content(*parts: Any) -> dict[str, Any]:
    return request(messages=[{"role": "user", "content": list(parts)}])


def tool_answer(call_id: str | None = "call_1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "sunny"}


@pytest.mark.parametrize(
    "body",
    [
        request(),
        request(model=None, temperature=None, stop=None, tools=None),
        request(temperature=2, top_p=0, n=128, presence_penalty=-2, seed=-1),
        request(stop="x"),
        request(stop=["x", "y"]),
        request(stream=True, stream_options={"include_usage": True}),
        request(enable_thinking=True, some_field_of_tomorrow={"a": [1]}),
        request(messages=[{"role": "developer", "content": "Be brief."}, USER]),
        request(messages=[USER, called(), tool_answer()]),
        request(messages=[USER, {"role": "assistant", "content": "hi"}, USER]),
        request(messages=[USER, {"role": "assistant", "content": None, "refusal": "no"}]),
        request(messages=[{"role": "assistant", "function_call": {"name": "f"}}]),
        request(messages=[{"role": "function", "name": "f", "content": {"any": "thing"}}]),
        request(messages=[{"role": "function", "name": "f", "content": None}]),
        request(tools=[TOOL], tool_choice="required"),
        request(tools=[TOOL], tool_choice=NAMED),
        request(tools=[TOOL], tool_choice=ALLOWED),
        request(tools=[{"type": "function", "function": {"name": "f"}}]),
        request(tools=[{"type": "custom", "custom": {"name": "c"}}]),
        request(tools=[], tool_choice="none"),
        request(functions=[FUNCTION], function_call={"name": "get_weather"}),
        request(functions=[FUNCTION], function_call="auto"),
        request(response_format={"type": "json_object"}),
        request(response_format=JSON_SCHEMA),
        request(logprobs=True, top_logprobs=20),
        content(PART, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}),
        content(PART, {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}),
    ],
)
def test_a_valid_request_passes_unchanged(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)
    assert validate_chat(body) == before


TOOL_WITH_BAD_SCHEMA = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "objekt"}},
}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ([], None, "invalid_type"),
        ("text", None, "invalid_type"),
        ({}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": "hello"}, "messages", "invalid_value"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "missing_required_parameter"),
        (
            request(messages=[USER, {"role": "wizard", "content": "x"}]),
            "messages[1].role",
            "invalid_value",
        ),
        (request(messages=[{"role": "user", "content": None}]), "messages[0].content", None),
        (request(messages=[{"role": "user"}]), "messages[0].content", None),
        (request(messages=[{"role": "user", "content": {"a": 1}}]), "messages[0].content", None),
        (request(messages=[{"role": "assistant"}]), "messages[0].content", None),
        (request(messages=[USER, called(), tool_answer(None)]), "messages[2].tool_call_id", None),
        (request(messages=[USER, tool_answer()]), "messages[1].tool_call_id", None),
        (request(messages=[called("a"), tool_answer("b")]), "messages[1].tool_call_id", None),
        (request(messages=[{"role": "function", "content": "x"}]), "messages[0].name", None),
        (
            request(messages=[{"role": "assistant", "tool_calls": [{"id": "a"}]}]),
            "messages[0].tool_calls[0].function",
            None,
        ),
        (content(), "messages[0].content", None),
        (content({"type": "text"}), "messages[0].content[0].text", None),
        (content(PART, {"type": "text", "text": 5}), "messages[0].content[1].text", None),
        (content({"type": "video"}), "messages[0].content[0].type", None),
        (content({"type": ["text"]}), "messages[0].content[0].type", None),
        (content({"type": "image_url", "image_url": {}}), "messages[0].content[0].image_url", None),
        (request(temperature=2.1), "temperature", "invalid_value"),
        (request(temperature="hot"), "temperature", "invalid_value"),
        (request(n=0), "n", None),
        (request(n=129), "n", None),
        (request(max_tokens=-1), "max_tokens", None),
        (request(max_tokens=1.5), "max_tokens", None),
        (request(stop=["x"] * 17), "stop", None),
        (request(stream_options={}), "stream_options", None),
        (request(top_logprobs=1), "top_logprobs", None),
        (request(logit_bias={"a": 101}), None, None),
        (request(tools=[{"type": "function"}]), "tools[0].function", None),
        (request(tools=[{"type": "custom"}]), "tools[0].custom", None),
        (request(tools=[TOOL, TOOL_WITH_BAD_SCHEMA]), "tools[1].function.parameters", None),
        (request(tool_choice="required"), "tool_choice", None),
        (request(tools=[TOOL], tool_choice="sometimes"), "tool_choice", None),
        (request(tools=[TOOL], tool_choice={"type": "x"}), "tool_choice.type", None),
        (
            request(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "f"}}),
            "tool_choice",
            None,
        ),
        (
            request(tools=[TOOL], tool_choice={"type": "function"}),
            "tool_choice.function.name",
            "missing_required_parameter",
        ),
        (request(functions=[]), "functions", None),
        (request(functions=[FUNCTION], tools=[TOOL]), "functions", None),
        (
            request(functions=[{"name": "f", "parameters": {"type": 5}}]),
            "functions[0].parameters",
            None,
        ),
        (request(function_call="auto"), "function_call", None),
        (request(functions=[FUNCTION], function_call="required"), "function_call", None),
        (request(functions=[FUNCTION], function_call={"name": "f"}), "function_call", None),
        (request(response_format={"type": "xml"}), "response_format.type", None),
        (request(response_format={"type": "json_schema"}), "response_format.json_schema", None),
        (
            request(
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"type": "objekt"}},
                }
            ),
            "response_format.json_schema.schema",
            "invalid_json_schema",
        ),
    ],
)
def test_an_invalid_request_names_its_field(body: Any, param: str | None, code: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate_chat(body)
    assert caught.value.status == 400
    if param is not None:
        assert caught.value.param == param
    if code is not None:
        assert caught.value.code == code


def test_the_schema_is_judged_in_every_request_that_has_it() -> None:
    for _ in range(2):
        with pytest.raises(InvalidRequest, match="objekt"):
            validate_chat(request(tools=[TOOL_WITH_BAD_SCHEMA]))
