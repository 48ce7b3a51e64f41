"""What requests for runs, outputs and steps may say, and which field is named when they may not."""

from typing import Any

import pytest
from msgspec import UNSET
from tests.wire import assistant_samples as samples

from understudy.errors import InvalidRequest, InvalidValue
from understudy.wire.assistant_tools import (
    CodeInterpreterTool,
    FileSearchTool,
    FunctionDefinition,
    FunctionTool,
    Tool,
)
from understudy.wire.runs import (
    ChosenFunction,
    CreateRun,
    NamedToolChoice,
    ToolChoice,
    ToolOutput,
    TruncationStrategy,
    check_chosen_tool,
    parse_create_run,
    parse_create_thread_and_run,
    parse_submit_tool_outputs,
)
from understudy.wire.steps import (
    FileSearchToolCall,
    FunctionToolCall,
    ToolCallsDetails,
    include_of,
    with_included,
)

CONTENT = "step_details.tool_calls[*].file_search.results[*].content"
WEATHER = {"type": "function", "function": {"name": "weather"}}


def test_a_full_run() -> None:
    request = parse_create_run(
        {
            "assistant_id": "asst_1",
            "model": "m",
            "instructions": "i" * 256_000,
            "additional_instructions": "More.",
            "additional_messages": [{"role": "user", "content": "Hi"}],
            "tools": [{"type": "retrieval"}, WEATHER],
            "metadata": {"k": "v"},
            "temperature": 0,
            "top_p": 1,
            "stream": True,
            "max_prompt_tokens": 256,
            "max_completion_tokens": 256,
            "truncation_strategy": {"type": "last_messages", "last_messages": 1},
            "tool_choice": WEATHER,
            "parallel_tool_calls": False,
            "response_format": "none",
            "reasoning_effort": "none",
            "something_new": 1,
        }
    )
    assert request.tools == [FileSearchTool(), FunctionTool(FunctionDefinition("weather"))]
    assert request.truncation_strategy == TruncationStrategy("last_messages", 1)
    assert request.tool_choice == NamedToolChoice("function", ChosenFunction("weather"))
    assert request.response_format == "auto"


def test_the_least_run_leaves_all_to_the_assistant() -> None:
    assert parse_create_run({"assistant_id": "asst_1"}) == CreateRun(assistant_id="asst_1")


@pytest.mark.parametrize("kind", ["file_search", "retrieval"])
def test_a_search_can_be_chosen_in_the_words_of_both_dialects(kind: str) -> None:
    body = {"assistant_id": "asst_1", "tool_choice": {"type": kind, "function": None}}
    assert parse_create_run(body).tool_choice == NamedToolChoice("file_search")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"assistant_id": None}, "assistant_id"),
    ({"assistant_id": ""}, "assistant_id"),
    ({"assistant_id": "a\0b"}, "assistant_id"),
    ({"instructions": "i" * 256_001}, "instructions"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
    ({"tools": [WEATHER, WEATHER]}, "tools[1].function.name"),
    ({"temperature": 3}, "temperature"),
    ({"top_p": 2}, "top_p"),
    ({"stream": "yes"}, "stream"),
    ({"max_prompt_tokens": 255}, "max_prompt_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"truncation_strategy": "auto"}, "truncation_strategy"),
    ({"truncation_strategy": {"type": "all"}}, "truncation_strategy.type"),
    ({"truncation_strategy": {"type": "last_messages"}}, "truncation_strategy.last_messages"),
    (
        {"truncation_strategy": {"type": "last_messages", "last_messages": 0}},
        "truncation_strategy.last_messages",
    ),
    (
        {"truncation_strategy": {"type": "auto", "last_messages": 1}},
        "truncation_strategy.last_messages",
    ),
    ({"tool_choice": "any"}, "tool_choice"),
    ({"tool_choice": {"type": "other"}}, "tool_choice.type"),
    ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
    ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
    ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": {"type": 1}},
            }
        },
        "response_format.json_schema.schema",
    ),
    ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ({"metadata": {"k": "x" * 513}}, "metadata"),
]


@pytest.mark.parametrize(("fields", "param"), WRONG, ids=lambda given: str(given)[:60])
@pytest.mark.parametrize("parse", [parse_create_run, parse_create_thread_and_run])
def test_wrong_runs(parse: Any, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse({"assistant_id": "asst_1", **fields})
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"additional_instructions": "i" * 256_001}, "additional_instructions"),
        ({"additional_messages": [{"role": "user"}]}, "additional_messages[0].content"),
        (
            {"additional_messages": [{"role": "user", "content": ""}]},
            "additional_messages[0].content",
        ),
    ],
    ids=["instructions", "no content", "empty"],
)
def test_wrong_additions(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_create_run({"assistant_id": "asst_1", **fields})
    assert caught.value.param == param


BOTH_STORES = {"file_search": {"vector_store_ids": ["vs_1"], "vector_stores": [{}]}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"thread": "thread_1"}, "thread"),
        (
            {"thread": {"messages": [{"role": "user", "content": ""}]}},
            "thread.messages[0].content",
        ),
        (
            {"thread": {"tool_resources": BOTH_STORES}},
            "thread.tool_resources.file_search.vector_stores",
        ),
        ({"tool_resources": BOTH_STORES}, "tool_resources.file_search.vector_stores"),
    ],
)
def test_wrong_threads_of_runs(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_create_thread_and_run({"assistant_id": "asst_1", **fields})
    assert caught.value.param == param


def test_a_thread_with_its_run() -> None:
    body = {"assistant_id": "asst_1", "thread": {"messages": [{"role": "user", "content": "Hi"}]}}
    thread = parse_create_thread_and_run(body).thread
    assert thread is not None and thread.messages is not None
    assert thread.messages[0].content == "Hi"


SEARCH, CODE = FileSearchTool(), CodeInterpreterTool()
FUNCTION = FunctionTool(FunctionDefinition("weather"))
CHOSEN = NamedToolChoice("function", ChosenFunction("weather"))


@pytest.mark.parametrize(
    ("choice", "tools"),
    [
        ("none", []),
        ("auto", []),
        ("required", [CODE]),
        (NamedToolChoice("file_search"), [CODE, SEARCH]),
        (NamedToolChoice("code_interpreter"), [CODE]),
        (CHOSEN, [SEARCH, FUNCTION]),
    ],
)
def test_choices_that_a_run_can_obey(choice: ToolChoice, tools: list[Tool]) -> None:
    check_chosen_tool(choice, tools)


@pytest.mark.parametrize(
    ("choice", "tools"),
    [
        ("required", []),
        (NamedToolChoice("file_search"), [CODE, FUNCTION]),
        (NamedToolChoice("code_interpreter"), [SEARCH]),
        (CHOSEN, [SEARCH, FunctionTool(FunctionDefinition("time"))]),
    ],
)
def test_choices_that_no_run_can_obey(choice: ToolChoice, tools: list[Tool]) -> None:
    with pytest.raises(InvalidValue) as caught:
        check_chosen_tool(choice, tools)
    assert caught.value.param == "tool_choice"


def test_outputs() -> None:
    outputs = [{"tool_call_id": "call_1", "output": "a"}, {"tool_call_id": "call_2"}]
    request = parse_submit_tool_outputs({"tool_outputs": outputs, "stream": True})
    assert request.tool_outputs == [ToolOutput("call_1", "a"), ToolOutput("call_2")]
    assert request.stream is True


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "tool_outputs"),
        ({"tool_outputs": None}, "tool_outputs"),
        ({"tool_outputs": {"tool_call_id": "call_1"}}, "tool_outputs"),
        ({"tool_outputs": [{"output": "a"}]}, "tool_outputs[0].tool_call_id"),
        (
            {"tool_outputs": [{"tool_call_id": "call_1", "output": {"a": 1}}]},
            "tool_outputs[0].output",
        ),
        ({"tool_outputs": [{"tool_call_id": "call_1"}] * 2}, "tool_outputs[1].tool_call_id"),
        ({"tool_outputs": [], "stream": 1}, "stream"),
    ],
)
def test_wrong_outputs(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_submit_tool_outputs(body)
    assert caught.value.param == param


@pytest.mark.parametrize("name", ["include", "include[]"])
def test_include(name: str) -> None:
    assert include_of([(name, CONTENT), ("limit", "x"), (name, CONTENT)]) == {CONTENT}


def test_nothing_is_included_by_itself() -> None:
    assert include_of([("limit", CONTENT)]) == frozenset()


@pytest.mark.parametrize("value", ["", "step_details", CONTENT + "x"])
def test_unknown_values_of_include(value: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        include_of([("include[]", CONTENT), ("include[]", value)])
    assert caught.value.param == "include"


def test_content_of_results_is_there_only_when_asked_for() -> None:
    step = samples.step(samples.called())
    assert with_included(step, include_of([("include", CONTENT)])) == step
    plain = with_included(step, frozenset())
    assert isinstance(plain.step_details, ToolCallsDetails)
    function, _, found, unfinished, _ = plain.step_details.tool_calls
    assert isinstance(function, FunctionToolCall) and function.function.output == "sun"
    assert isinstance(found, FileSearchToolCall) and isinstance(found.file_search.results, list)
    assert [(r.file_name, r.content) for r in found.file_search.results] == [("a.pdf", UNSET)]
    assert unfinished == FileSearchToolCall("call_3")
    assert isinstance(step.step_details, ToolCallsDetails)
    assert step.step_details.tool_calls[2] == samples.searched()


def test_steps_without_calls_have_nothing_to_include() -> None:
    step = samples.steps()[0].value
    assert with_included(step, frozenset()) is step  # type: ignore[arg-type]
