"""What a chat request becomes for llama.cpp, where no answer shows it."""

from typing import Any

import pytest

from understudy.engines.llama.requests import llama_request, thinks
from understudy.errors import InvalidRequest

USER = {"role": "user", "content": "hi"}


def request(**fields: Any) -> Any:
    return {"model": "m", "messages": [USER], **fields}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"temperature": None}, {}),
        ({"max_completion_tokens": 3}, {"max_tokens": 3}),
        ({"max_tokens": 2, "max_completion_tokens": 3}, {"max_tokens": 3}),
        ({"max_tokens": 10**12}, {"max_tokens": 2**31 - 1}),
        ({"thinking_budget": 9}, {"thinking_budget_tokens": 9}),
        ({"stop": ""}, {}),
        ({"stop": "x"}, {"timings_per_token": True}),
        ({"seed": 2**32 - 1}, {"seed": 0}),
        ({"seed": -1}, {"seed": 2**32 - 2}),
        ({"logprobs": True}, {"logprobs": True, "top_logprobs": 1}),
        ({"logprobs": True, "top_logprobs": 4}, {"logprobs": True, "top_logprobs": 4}),
        ({"presence_penalty": 1}, {"presence_penalty": 1, "repeat_last_n": 131_072}),
        ({"frequency_penalty": 1}, {"frequency_penalty": 1, "repeat_last_n": 131_072}),
        ({"repetition_penalty": 2}, {"repeat_penalty": 2, "repeat_last_n": 131_072}),
        ({"repetition_penalty": 2, "repeat_last_n": 8}, {"repeat_penalty": 2, "repeat_last_n": 8}),
        ({"dry_penalty_last_n": -1}, {"dry_penalty_last_n": 131_072}),
    ],
)
def test_fields_in_the_words_of_the_server(given: dict[str, Any], expected: Any) -> None:
    made = llama_request(request(**given))
    assert made == request(**expected)


def test_calls_may_be_parallel_unless_the_request_says_no() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert llama_request(request(tools=tools))["parallel_tool_calls"] is True
    one = llama_request(request(tools=tools, parallel_tool_calls=False))
    assert one["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('{"city": "Rome"}', '{"city": "Rome"}'),
        ("", "{}"),
        ('{"city": "Ro', r'{"arguments":"{\"city\": \"Ro"}'),
        ("[1]", '{"arguments":"[1]"}'),
    ],
)
def test_arguments_of_earlier_calls_are_objects(given: str, expected: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": given}}
    messages = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    (made,) = llama_request(request(messages=messages))["messages"]
    assert made["tool_calls"][0]["function"] == {"name": "f", "arguments": expected}


def test_a_refusal_is_text_to_a_template() -> None:
    messages = [{"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}]
    (made,) = llama_request(request(messages=messages))["messages"]
    assert made["content"] == [{"type": "text", "text": "No."}]


@pytest.mark.parametrize(
    "beside",
    [
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required"},
    ],
)
def test_a_grammar_stands_alone(beside: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        llama_request(request(grammar='root ::= "yes"', **beside))
    assert refused.value.param == "grammar"


def test_messages_are_what_templates_know() -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": None, "tool_calls": calls},
    ]
    given = request(messages=messages)
    assert llama_request(given)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": None, "tool_calls": calls},
    ]
    assert given["messages"][0]["role"] == "developer"


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text} for text in texts]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"enable_thinking": True}, True),
        ({"enable_thinking": False}, False),
        ({"chat_template_kwargs": {"enable_thinking": False}}, False),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "minimal"}, False),
        ({"reasoning_effort": "high"}, None),
        ({"messages": said("Why? /no_think")}, False),
        ({"messages": said("/no_think Why?")}, False),
        ({"messages": said("Why? /no_think", "Go on.")}, False),
        ({"messages": said("Why? /no_think", "Go on. /think")}, True),
        ({"messages": said("see a/no_think")}, None),
        ({"messages": said("the switch /no_think is a word")}, None),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "/no_think"}]}]},
            False,
        ),
        ({"messages": [{"role": "system", "content": "/no_think"}, USER]}, False),
        ({"messages": [USER, {"role": "assistant", "content": "/no_think"}]}, None),
        ({"messages": said("/think"), "enable_thinking": False}, False),
        ({"messages": said("/no_think"), "enable_thinking": True}, False),
    ],
)
def test_who_switches_thinking(fields: dict[str, Any], expected: bool | None) -> None:
    assert thinks(request(**fields)) is expected


def test_switches_reach_the_template() -> None:
    made: Any = llama_request(request(enable_thinking=False, chat_template_kwargs={"a": 1}))
    assert made["chat_template_kwargs"] == {"a": 1, "enable_thinking": False}
    assert "enable_thinking" not in made


@pytest.mark.parametrize("wrong", [{"repeat_last_n": 2**31 - 1}, {"dry_penalty_last_n": -2}])
def test_no_field_makes_the_engine_take_gigabytes(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidRequest) as raised:
        llama_request(request(**wrong))
    assert raised.value.param == next(iter(wrong))
