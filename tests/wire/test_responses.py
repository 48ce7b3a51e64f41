"""What a request for a response may say, which field is named when it may not, what is echoed."""

from typing import Any

import msgspec
import pytest
from tests.sdk.validation import errors_of_object

from understudy.errors import InvalidRequest
from understudy.wire.responses import (
    CreateResponse,
    Response,
    echoed,
    parse_compact,
    parse_create,
    parse_input_tokens,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FULL: dict[str, Any] = {
    "model": "m",
    "input": [{"role": "user", "content": "Hi"}],
    "instructions": "Be short.",
    "conversation": {"id": "conv_1"},
    "store": True,
    "background": True,
    "stream": True,
    "stream_options": {"include_obfuscation": True},
    "include": ["file_search_call.results", "reasoning.encrypted_content"],
    "tools": [
        {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True},
        {
            "type": "file_search",
            "vector_store_ids": ["vs_1"],
            "max_num_results": 3,
            "ranking_options": {"score_threshold": 0.5},
            "filters": {"type": "eq", "key": "k", "value": "v"},
        },
        {
            "type": "mcp",
            "server_label": "wiki",
            "server_url": "https://user:pass@mcp.example/secret-path?key=secret-query",
            "authorization": "secret-token",
            "headers": {"X-Key": "secret-header"},
            "allowed_tools": {"tool_names": ["ask"]},
            "require_approval": {"never": {"tool_names": ["ask"]}},
            "server_description": "An encyclopedia.",
        },
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "weather"}, {"type": "file_search"}],
    },
    "parallel_tool_calls": False,
    "max_output_tokens": 16,
    "max_tool_calls": 2,
    "text": {
        "format": {"type": "json_schema", "name": "city", "schema": SCHEMA, "strict": True},
        "verbosity": "low",
    },
    "reasoning": {"effort": "low", "summary": "auto"},
    "temperature": 0,
    "top_p": 0.5,
    "presence_penalty": 1,
    "frequency_penalty": -1,
    "top_logprobs": 2,
    "truncation": "auto",
    "metadata": {"k": "v"},
    "user": "u",
    "safety_identifier": "s",
    "prompt_cache_key": "p",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "explicit"},
    "service_tier": "flex",
    "enable_thinking": False,
    "seed": 7,
}


def _echo(body: dict[str, Any]) -> dict[str, Any]:
    wanted = parse_create(body)
    response = echoed(wanted, id_="resp_1", created_at=1, model="m", status="completed")
    shown: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(response))
    return shown


def test_everything_that_is_honoured_is_echoed() -> None:
    echo = _echo(FULL)
    assert errors_of_object("Response", echo) == []
    same = (
        *("instructions", "background", "parallel_tool_calls", "max_output_tokens"),
        *("max_tool_calls", "temperature", "top_p", "presence_penalty", "frequency_penalty"),
        *("top_logprobs", "truncation", "metadata", "user", "safety_identifier", "tool_choice"),
        *("prompt_cache_key", "prompt_cache_retention", "service_tier", "text", "conversation"),
        *("reasoning", "store"),
    )
    assert {name: echo[name] for name in same} == {name: FULL[name] for name in same}
    assert echo["prompt_cache_options"] == {"ttl": "30m", "mode": "explicit"}
    function, search, mcp = echo["tools"]
    assert function == {**FULL["tools"][0], "description": None}
    assert search["ranking_options"] == {"ranker": "auto", "score_threshold": 0.5}
    assert mcp["require_approval"] == {"never": {"tool_names": ["ask"]}}
    assert mcp["server_url"] == "https://mcp.example/<redacted>"
    assert "secret" not in str(echo) and "pass" not in str(echo)


def test_a_request_that_says_little_is_echoed_with_the_defaults_of_the_api() -> None:
    echo = _echo({"input": "Hi", "tools": [{"type": "function", "name": "f"}]})
    assert errors_of_object("Response", echo) == []
    defaults = {
        "object": "response",
        "background": False,
        "store": True,
        "temperature": 1.0,
        "top_p": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "top_logprobs": 0,
        "truncation": "disabled",
        "service_tier": "default",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "metadata": {},
        "reasoning": {"effort": None, "summary": None},
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
    }
    assert {name: echo[name] for name in defaults} == defaults
    for name in ("error", "incomplete_details", "instructions", "conversation", "completed_at"):
        assert echo[name] is None
    assert not {"user", "usage", "prompt_cache_options"} & set(echo)
    tool = {"type": "function", "name": "f", "description": None, "parameters": None}
    assert echo["tools"] == [{**tool, "strict": False}]


def test_a_request_and_a_response_survive_being_kept_as_json() -> None:
    wanted = parse_create(FULL)
    kept = msgspec.json.decode(msgspec.json.encode(wanted))
    assert msgspec.convert(kept, CreateResponse) == wanted
    response = echoed(wanted, id_="resp_1", created_at=1, model="m", status="queued")
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(response)), Response)
    assert again == response


def test_what_nobody_knows_is_kept_for_the_engine() -> None:
    wanted = parse_create(FULL | {"unknown": 1, "messages": None})
    assert wanted.unknown == {"enable_thinking": False, "seed": 7, "unknown": 1}


def test_probabilities_that_are_asked_for_by_their_number_are_included() -> None:
    assert parse_create({"input": "Hi", "top_logprobs": 1}).wants_logprobs
    assert not parse_create({"input": "Hi", "top_logprobs": 0}).wants_logprobs


def test_the_spellings_of_sdks_are_read() -> None:
    wanted = parse_create({"input": "Hi", "prompt_cache_retention": "in-memory"})
    echo = echoed(wanted, id_="r", created_at=1, model="m", status="queued")
    assert echo.prompt_cache_retention == "in_memory"
    assert parse_create({"input": "Hi", "conversation": "conv_1"}).conversation == "conv_1"


@pytest.mark.parametrize(
    ("changes", "param", "said"),
    [
        ({"input": None}, "input", "Missing required"),
        ({"input": []}, "input", "Missing required"),
        ({"input": 7}, "input", "a string or an array"),
        ({"background": True, "store": False}, "background", "'store'"),
        (
            {"conversation": "conv_1", "previous_response_id": "resp_1"},
            "previous_response_id",
            "'conversation'",
        ),
        ({"previous_response_id": "resp_\0"}, "previous_response_id", ""),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", "'instructions'"),
        ({"context_management": [{"type": "compaction"}]}, "context_management", "compact"),
        ({"moderation": {"model": "m"}}, "moderation", "/moderations"),
        ({"n": 2}, "n", "several times"),
        ({"messages": []}, "messages", "'input'"),
        ({"max_tokens": 5}, "max_tokens", "'max_output_tokens'"),
        ({"response_format": {"type": "text"}}, "response_format", "'text.format'"),
        ({"include": ["x.y"]}, "include[0]", "file_search_call.results"),
        ({"stream_options": {"include_obfuscation": True}}, "stream_options", "'stream'"),
        ({"stream_options": {"include_usage": True}, "stream": True}, "stream_options", "usage"),
        ({"max_output_tokens": 15}, "max_output_tokens", "16"),
        ({"max_tool_calls": 0}, "max_tool_calls", "1"),
        ({"temperature": 2.1}, "temperature", "2"),
        ({"top_logprobs": 21}, "top_logprobs", "20"),
        ({"truncation": "oldest"}, "truncation", ""),
        ({"service_tier": "best"}, "service_tier", ""),
        ({"metadata": {"k": 1}}, "metadata", ""),
        ({"reasoning": {"effort": "much"}}, "reasoning.effort", ""),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode", "standard"),
        ({"reasoning": {"context": "all_turns"}}, "reasoning.context", "auto"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", ""),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema", ""),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "no"}}}},
            "text.format.schema",
            "",
        ),
        ({"seed": "\0"}, "seed", "U+0000"),
    ],
)
def test_what_cannot_be_honoured_is_named(changes: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_create({"model": "m", "input": "Hi", **changes})
    assert caught.value.param == param
    assert said in caught.value.message


def test_tokens_can_be_counted_of_nothing_and_a_compaction_needs_a_model() -> None:
    assert parse_input_tokens({}).input == []
    assert parse_compact({"model": "m", "previous_response_id": "resp_1"}).model == "m"
    for body, param in (({"input": "Hi"}, "model"), ({"model": "m"}, "input")):
        with pytest.raises(InvalidRequest) as caught:
            parse_compact(body)
        assert caught.value.param == param
