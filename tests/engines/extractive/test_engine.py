"""The engine as `chat` sees it: choices, streams, limits, usage, tool choice, and hostile input."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from understudy.engines.extractive import (
    CHAT_MODEL,
    EMBEDDING_MODEL,
    ExtractiveEngine,
    render,
    tokens,
)
from understudy.engines.extractive import plan as plans
from understudy.errors import ContextLengthExceeded, InvalidRequest, UnderstudyError
from understudy.wire.chat import ChatChunk

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 4, 12, 0)
COUNT = [{"role": "user", "content": "Count from 1 to 20"}]
WEATHER = [{"role": "user", "content": "Weather in Rome and Oslo"}]


async def collect(engine: ExtractiveEngine, **request: Any) -> list[ChatChunk]:
    return [chunk async for chunk in engine.stream(request)]


def text_of(chunks: list[ChatChunk], index: int = 0) -> str:
    deltas = [c.delta for chunk in chunks for c in chunk.choices if c.index == index]
    return "".join(delta.content for delta in deltas if isinstance(delta.content, str))


async def test_lists_both_models(engine) -> None:
    assert engine.name == "understudy"
    assert [(m.id, m.kind) for m in await engine.models()] == [
        (CHAT_MODEL, "chat"),
        (EMBEDDING_MODEL, "embedding"),
    ]
    await engine.aclose()


def test_capabilities(engine) -> None:
    chat = engine.capabilities(CHAT_MODEL)
    assert (chat.logprobs, chat.vision, chat.audio, chat.token_ids) == (False,) * 4
    assert (chat.tools, chat.forced_tool_choice, chat.n, chat.json_schema) == (True,) * 4
    assert chat.context_length == plans.CONTEXT_LENGTH
    assert engine.capabilities(EMBEDDING_MODEL).kind == "embedding"


async def test_complete_and_stream_say_the_same(engine, catalogue) -> None:
    for messages in (COUNT, WEATHER):
        request = {"messages": messages, "tools": catalogue, "n": 2}
        whole = await engine.complete(request)
        chunks = await collect(engine, **request)

        assert chunks[-1].usage == whole.usage
        assert [c.usage for c in chunks[:-1]] == [UNSET] * (len(chunks) - 1)
        for choice in whole.choices:
            own = [c for chunk in chunks for c in chunk.choices if c.index == choice.index]
            assert own[0].delta.role == "assistant"
            assert [c.delta.role for c in own[1:]] == [UNSET] * (len(own) - 1)
            assert own[-1].finish_reason == choice.finish_reason
            assert {c.finish_reason for c in own[:-1]} == {None}
            assert text_of(chunks, choice.index) == (choice.message.content or "")


async def test_streamed_calls(engine, catalogue) -> None:
    chunks = await collect(engine, messages=WEATHER, tools=catalogue)
    pieces = [
        call
        for chunk in chunks
        for choice in chunk.choices
        if choice.delta.tool_calls is not UNSET
        for call in choice.delta.tool_calls
    ]

    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    for index, city in enumerate(["Rome", "Oslo"]):
        first, *rest = [piece for piece in pieces if piece.index == index]
        assert first.id.startswith("call_")
        assert (first.type, first.function.name, first.function.arguments) == (
            "function", "get_weather", "",
        )  # fmt: skip
        assert {piece.id for piece in rest} == {UNSET}
        assert json.loads("".join(p.function.arguments for p in rest)) == {"city": city}


async def test_n_choices_are_counted(engine) -> None:
    one = await engine.complete({"messages": COUNT})
    three = await engine.complete({"messages": COUNT, "n": 3})

    assert [choice.index for choice in three.choices] == [0, 1, 2]
    assert {choice.message.content for choice in three.choices} == {one.choices[0].message.content}
    assert three.usage.completion_tokens == 3 * one.usage.completion_tokens
    assert three.usage.prompt_tokens == one.usage.prompt_tokens
    assert three.usage.total_tokens == three.usage.prompt_tokens + three.usage.completion_tokens


async def test_answers_are_the_same_but_ids_are_not(engine, catalogue) -> None:
    first = await engine.complete({"messages": WEATHER, "tools": catalogue})
    second = await engine.complete({"messages": WEATHER, "tools": catalogue})

    assert first.id != second.id
    assert first.id.startswith("chatcmpl-")
    functions = [[c.function for c in a.choices[0].message.tool_calls] for a in (first, second)]
    assert functions[0] == functions[1]


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("7", "1, 2, 3, 4, 5, 6, "),
        ([" 5", ", 4"], "1, 2, 3"),
        (["x"], None),
        ("", None),
        ([], None),
    ],
)
async def test_stop(engine, stop: Any, expected: str | None) -> None:
    whole = ", ".join(map(str, range(1, 21)))
    answer = (await engine.complete({"messages": COUNT, "stop": stop})).choices[0]
    chunks = await collect(engine, messages=COUNT, stop=stop)

    assert answer.message.content == (whole if expected is None else expected)
    assert answer.finish_reason == "stop"
    assert text_of(chunks) == answer.message.content


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
async def test_limits_cut_by_documented_tokens(engine, field: str) -> None:
    answer = await engine.complete({"messages": COUNT, field: 5})
    assert answer.choices[0].message.content == "1, 2, 3"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 5

    enough = await engine.complete({"messages": COUNT, field: 500})
    assert enough.choices[0].finish_reason == "stop"


async def test_a_limit_cuts_calls(engine, catalogue) -> None:
    answer = await engine.complete({"messages": WEATHER, "tools": catalogue, "max_tokens": 8})
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 8


async def test_context_length(engine) -> None:
    # Two tokens a repetition, one for the white space at the end, four for the message, three more.
    messages = [{"role": "user", "content": "a b " * plans.CONTEXT_LENGTH}]
    with pytest.raises(ContextLengthExceeded) as caught:
        await engine.complete({"messages": messages})

    assert caught.value.param == "messages"
    assert caught.value.code == "context_length_exceeded"
    assert f"maximum context length is {plans.CONTEXT_LENGTH} tokens" in caught.value.message
    assert "resulted in 262152 tokens" in caught.value.message


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0), ("word", 1), ("words", 2), ("hello world", 4), ("12345", 2), ("你好吗", 3),
        ("a, b.", 4), ("niño", 1), ("\n\n", 1), ("x  y", 2), ("🙂", 1),
    ],
)  # fmt: skip
def test_token_count(text: str, count: int) -> None:
    assert tokens.count(text) == count


@given(text=st.text(), limit=st.integers(0, 20))
def test_tokens_are_lossless(text: str, limit: int) -> None:
    assert "".join(tokens.words(text)) == text
    assert tokens.cut(text, tokens.count(text)) == text
    assert text.startswith(tokens.cut(text, limit))
    assert tokens.count(tokens.cut(text, limit)) <= limit


def test_prompt_tokens_count_messages_and_tools(ask, catalogue) -> None:
    assert ask("hello").plan.prompt_tokens == 3 + 4 + 2
    assert ask("hello", tools=catalogue).plan.prompt_tokens > 500


# --- tool choice ------------------------------------------------------------------------------


def test_tool_choice_none(ask, catalogue) -> None:
    assert ask("What's the weather in Rome?", tools=catalogue, tool_choice="none").calls == []


def test_tool_choice_required_calls_the_best(ask, catalogue) -> None:
    answer = ask("What's the weather?", tools=catalogue, tool_choice="required")
    assert answer.names == ["get_weather"]
    assert isinstance(answer.calls[0][1]["city"], str)
    assert answer.plan.finish_reason == "tool_calls"


def test_tool_choice_named(ask, catalogue) -> None:
    choice = {"type": "function", "function": {"name": "convert_currency"}}
    answer = ask("Hello, 50 of them", tools=catalogue, tool_choice=choice)
    assert answer.names == ["convert_currency"]
    assert answer.calls[0][1]["amount"] == 50
    assert set(answer.calls[0][1]) == {"amount", "from_currency", "to_currency"}


def test_tool_choice_among_allowed(ask, catalogue) -> None:
    allowed = [{"type": "function", "function": {"name": "get_account_balance"}}]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": allowed}}
    assert ask("What's the weather in Rome?", tools=catalogue, tool_choice=choice).calls == []


def test_tool_choice_of_an_unknown_function(ask, catalogue) -> None:
    choice = {"type": "function", "function": {"name": "launch_rocket"}}
    with pytest.raises(InvalidRequest, match="launch_rocket") as caught:
        ask("hello", tools=catalogue, tool_choice=choice)
    assert caught.value.param == "tool_choice"


def test_forced_arguments_satisfy_the_schema(ask) -> None:
    properties = {
        "label": {"type": "string", "enum": ["positive", "negative"]},
        "score": {"type": "number", "minimum": 0.5, "maximum": 1},
        "person": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        },
    }
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    tools = [{"type": "function", "function": {"name": "classify", "parameters": parameters}}]

    arguments = ask("My name is Ana", tools=tools, tool_choice="required").calls[0][1]

    assert arguments["label"] in ("positive", "negative")
    assert 0.5 <= arguments["score"] <= 1
    assert arguments["person"] == {"name": "Ana"}


def test_strict_tools_get_every_property(ask) -> None:
    properties = {
        "city": {"type": "string"},
        "unit": {"type": ["string", "null"], "enum": ["celsius", "fahrenheit", None]},
        "days": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    }
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    function = {"name": "get_weather", "strict": True, "parameters": parameters}
    tools = [{"type": "function", "function": function}]

    assert ask("weather in Rome", tools=tools).calls == [
        ("get_weather", {"city": "Rome", "unit": None, "days": None})
    ]


def test_not_parallel(ask, catalogue) -> None:
    answer = ask("Weather in Rome and Oslo", tools=catalogue, parallel_tool_calls=False)
    assert len(answer.calls) == 1


# --- hostile input ----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(["role", "content", "tool_calls", "name", "tool_call_id", "function"])
ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "x"])
MESSAGES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"role": ROLES, "content": JSON}, optional={"tool_calls": JSON}),
        st.dictionaries(FIELDS, JSON, max_size=4),
        JSON,
    ),
    max_size=5,
)
SCHEMAS = st.dictionaries(
    st.sampled_from(
        ["type", "properties", "required", "enum", "items", "anyOf", "$ref", "pattern"]
    ),
    JSON,
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(messages=MESSAGES, schema=SCHEMAS)
def test_whatever_comes_only_our_errors_leave(messages: Any, schema: Any) -> None:
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}]
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    forced = {"tools": tools, "tool_choice": "required"}
    for fields in ({}, {"tools": tools}, forced, {"response_format": shape}):
        try:
            plans.make({"messages": messages, **fields}, NOW)
        except UnderstudyError:
            continue


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200), stop=st.lists(st.text(min_size=1, max_size=3), max_size=3))
def test_a_stop_sequence_never_leaks(text: str, stop: list[str]) -> None:
    messages = [{"role": "user", "content": f"Repeat: {text}"}]
    made = plans.make({"messages": messages, "stop": stop}, NOW)
    streamed = text_of(list(render.chunks(made, render.envelope("m", 1, 0))))
    assert streamed == made.text
    assert not any(sequence in made.text for sequence in stop)


@pytest.mark.parametrize(
    "unit",
    [
        "a", " ", "\t\n", "1", ".", "'", "a ", "1,", "A ", "é", "天", "二", "@", "a-", "(", "\\",
        "{",
        "\n", "x: ", "and ", "in ", '"', '<passage n="1" file="a">\n', "a@", "1-", "A b. ",
    ],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_long_runs_of_one_thing_do_not_hang(ask, catalogue, unit: str) -> None:
    text = unit * (60_000 // len(unit))
    ask(f"{text} What's the weather in Rome?", tools=catalogue)
    ask([{"role": "system", "content": text}, {"role": "user", "content": "What is a dog?"}])
    ask(text, response_format={"type": "json_object"})
