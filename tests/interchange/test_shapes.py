"""Objects of v1 and v2 in the latest shape, and what they say besides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.interchange.exports import (
    MADE_AT,
    assistant_v1,
    assistant_v2,
    message,
    run,
    step,
)

from understudy.errors import InvalidRequest
from understudy.interchange.shapes import holds_nul, leftover, parse, with_leftover
from understudy.wire.assistant_tools import CodeInterpreterTool, FileSearchTool
from understudy.wire.assistants import Assistant
from understudy.wire.messages import Message
from understudy.wire.runs import NamedToolChoice, Run, TruncationStrategy
from understudy.wire.steps import FileSearchToolCall, RunStep, ToolCallsDetails

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(said=json_values, understood=json_values)
def test_nothing_that_was_said_is_lost_and_what_is_understood_counts(
    said: Any, understood: Any
) -> None:
    joined = with_leftover(understood, leftover(said, understood))
    assert leftover(said, joined) == {}
    assert leftover(understood, joined) == {}
    assert with_leftover(said, leftover(said, said)) == said


def test_unknown_members_are_kept_at_every_depth() -> None:
    parsed = parse(assistant_v2(), Assistant)
    weights = {"embedding_weight": 1, "text_weight": 2}
    options = {"ranking_options": {"hybrid_search": weights}}
    assert parsed.unknown == {"owner": {"person": "ana"}, "tools": {"0": {"file_search": options}}}
    assert parse(run(), Run).unknown == {
        "tool_resources": {},
        "usage": {"prompt_token_details": {"cached_tokens": 0}},
    }


def test_what_changed_since_is_not_overwritten_by_what_was_kept() -> None:
    rest = leftover({"tools": [{"a": 1}, {"b": 2}]}, {"tools": [{}, {}]})
    assert with_leftover({"tools": "none"}, rest) == {"tools": "none"}
    assert with_leftover({"tools": [{"c": 3}]}, rest) == {"tools": [{"c": 3, "a": 1}]}


def test_words_of_v1_become_those_of_v2() -> None:
    parsed = parse(assistant_v1(), Assistant)
    assert parsed.shape.tools == [CodeInterpreterTool(), FileSearchTool()]
    assert parsed.shape.file_ids == ["file-abc123"]
    assert parsed.unknown == {}
    details = {
        "type": "tool_calls",
        "tool_calls": [{"id": "call_1", "type": "retrieval", "retrieval": {}}],
    }
    shape = parse(step("step_1", details, MADE_AT), RunStep).shape.step_details
    assert shape == ToolCallsDetails([FileSearchToolCall("call_1")])
    choice = parse(run(tool_choice={"type": "retrieval"}), Run).shape.tool_choice
    assert choice == NamedToolChoice("file_search")


def test_a_run_of_v1_without_fields_that_came_later_has_their_defaults() -> None:
    old = {name: value for name, value in run().items() if "tool" not in name}
    later = ("truncation_strategy", "response_format", "max_prompt_tokens", "temperature", "usage")
    shape = parse({name: v for name, v in old.items() if name not in later}, Run).shape
    assert (shape.tool_choice, shape.truncation_strategy) == ("auto", TruncationStrategy())


@pytest.mark.parametrize("name", ["tool_choice", "truncation_strategy", "metadata", "tools"])
def test_null_where_there_is_none_means_absence(name: str) -> None:
    assert (
        parse(run(**{name: None}), Run).shape
        == parse({key: value for key, value in run().items() if key != name}, Run).shape
    )


def test_null_within_means_absence_too() -> None:
    function = {"name": "f", "description": None, "strict": None}
    search = {"type": "file_search", "file_search": None}
    tools = [{"type": "function", "function": function}, search]
    parsed = parse(assistant_v2(tools=tools), Assistant)
    assert parsed.shape.tools[1] == FileSearchTool()
    call = {"id": "call_1", "type": "file_search", "file_search": {"results": None}}
    details = {"type": "tool_calls", "tool_calls": [call]}
    shape = parse(step("step_1", details, MADE_AT), RunStep).shape.step_details
    assert shape == ToolCallsDetails([FileSearchToolCall("call_1")])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"role": "robot"}, "role"),
        ({"content": [{"type": "hologram"}]}, "content"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": None}, "created_at"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"content": "text"}, "content"),
    ],
)
def test_what_has_no_shape_is_refused_by_the_name_of_the_field(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidRequest, match=named):
        parse({**message("msg_1", "one", MADE_AT), **changes}, Message)


@pytest.mark.parametrize("value", ["\0", {"a": ["b\0"]}, {"\0": 1}, [[{"a": "x\0"}]]])
def test_nul_is_found_anywhere(value: object) -> None:
    assert holds_nul(value)
    assert not holds_nul({"a": ["b", 1, None, True, {"c": "d"}]})
