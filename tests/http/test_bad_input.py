"""A request that makes no sense is a 400 whose `param` names the field; nothing is logged as a
fault of the server, and no provider hears of it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.http.serving import (
    HELLO,
    LogLines,
    Served,
    error_of,
    provider_at,
    serve,
    settings_for,
)
from tests.upstreams.scripted import ScriptedUpstream

SPEC = Path(__file__).parents[3] / "shared" / "openapi" / "openapi.json"
CHAT = "/v1/chat/completions"
VALID: dict[str, dict[str, Any]] = {
    CHAT: {"messages": HELLO},
    "/v1/completions": {"prompt": "hello"},
    "/v1/embeddings": {"input": "hello"},
    "/v1/moderations": {"input": "hello"},
}


@pytest.fixture(scope="module")
def module_server(
    module_upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        default_model="up/echo",
        default_embedding_model="up/echo-embedding",
        moderation_model="up/moderator",
        providers={"up": provider_at(module_upstream)},
    )
    with serve(settings) as served:
        yield served


def refused_param(server: Served, path: str, body: dict[str, Any]) -> str | None:
    response = server.client.post(path, json=body)
    error = error_of(response, 400)
    assert error["type"] == "invalid_request_error"
    assert response.headers["x-should-retry"] == "false"
    param = error["param"]
    assert param is None or isinstance(param, str)
    return param


def names(param: str | None, field: str) -> bool:
    """Whether `param` is the field or something within it."""
    return param is not None and (param == field or param[len(field) :][:1] in (".", "["))


TEXT, NUMBER, HALF, YES, LIST, MAP = "text", 7, 1.5, True, [7], {"k": 7}
NO_TEXT = [NUMBER, YES, LIST, MAP]
NO_NUMBER = [TEXT, YES, LIST, MAP]
NO_COUNT = [*NO_NUMBER, HALF, 0, -1]
NO_YES = [TEXT, NUMBER, LIST, MAP]
NO_MAP = [TEXT, NUMBER, YES, LIST]
NO_LIST = [NUMBER, YES, MAP]

CHAT_FIELDS: dict[str, list[Any]] = {
    "model": NO_TEXT,
    "messages": [TEXT, NUMBER, YES, MAP, [], LIST, ["text"], [[]]],
    "stream": NO_YES,
    "stream_options": NO_MAP,
    "temperature": [*NO_NUMBER, -0.1, 2.1],
    "top_p": [*NO_NUMBER, -0.1, 1.1],
    "n": [*NO_COUNT, 129, 10**9, 10**30],
    "stop": [NUMBER, YES, LIST, MAP, ["a"] * 17],
    "max_tokens": NO_COUNT,
    "max_completion_tokens": NO_COUNT,
    "presence_penalty": [*NO_NUMBER, -2.1, 2.1],
    "frequency_penalty": [*NO_NUMBER, -2.1, 2.1],
    "logit_bias": [*NO_MAP, {"1": "text"}, {"1": 101}, {"1": -101}],
    "logprobs": NO_YES,
    "top_logprobs": [*NO_NUMBER, HALF, -1, 21],
    "seed": [*NO_NUMBER, HALF],
    "user": NO_TEXT,
    "tools": [TEXT, *NO_LIST, LIST, [{"type": "function", "function": {"name": "f"}}] * 129],
    "tool_choice": [NUMBER, YES, LIST, MAP, "sometimes"],
    "parallel_tool_calls": NO_YES,
    "functions": [TEXT, *NO_LIST, LIST, []],
    "function_call": [NUMBER, YES, LIST, MAP, "sometimes"],
    "response_format": [*NO_MAP, MAP, {"type": "xml"}, {"type": "json_schema"}],
    "store": NO_YES,
    "metadata": [*NO_MAP, MAP],
    "modalities": [TEXT, *NO_LIST, LIST, ["smell"]],
    "audio": NO_MAP,
    "prediction": NO_MAP,
    "reasoning_effort": NO_TEXT,
    "verbosity": NO_TEXT,
    "service_tier": NO_TEXT,
    "safety_identifier": NO_TEXT,
    "prompt_cache_key": NO_TEXT,
    "web_search_options": NO_MAP,
}
OTHER_FIELDS: dict[str, dict[str, list[Any]]] = {
    "/v1/completions": {
        "model": NO_TEXT,
        "prompt": [NUMBER, YES, MAP, [], [MAP], [-1], [TEXT, 7], [[]], [[TEXT]], [True]],
        "best_of": [*NO_NUMBER, HALF, -1, 21],
        "echo": NO_YES,
        "logprobs": [*NO_NUMBER, HALF, -1, 6],
        "max_tokens": [*NO_NUMBER, HALF, -1],
        "n": [*NO_COUNT, 129],
        "stop": [NUMBER, YES, LIST, MAP],
        "stream": NO_YES,
        "stream_options": NO_MAP,
        "suffix": NO_TEXT,
        "temperature": [*NO_NUMBER, -0.1, 2.1],
        "top_p": [*NO_NUMBER, -0.1, 1.1],
        "presence_penalty": [*NO_NUMBER, -2.1, 2.1],
        "frequency_penalty": [*NO_NUMBER, -2.1, 2.1],
        "logit_bias": [*NO_MAP, {"1": "text"}],
        "seed": [*NO_NUMBER, HALF],
        "user": NO_TEXT,
    },
    "/v1/embeddings": {
        "model": NO_TEXT,
        "input": [NUMBER, YES, MAP, "", [], [""], [MAP], [TEXT, 7], [[]], [-1], [HALF], [[TEXT]]],
        "encoding_format": [NUMBER, YES, LIST, MAP, "int8"],
        "dimensions": NO_COUNT,
        "user": NO_TEXT,
    },
    "/v1/moderations": {
        "model": NO_TEXT,
        "input": [NUMBER, YES, MAP, [], LIST, [MAP], [[TEXT]], [TEXT, {"type": "text"}]],
    },
}
WRONG = [
    *[(CHAT, field, value) for field, values in CHAT_FIELDS.items() for value in values],
    *[
        (path, field, value)
        for path, fields in OTHER_FIELDS.items()
        for field, values in fields.items()
        for value in values
    ],
]


@pytest.mark.parametrize("path", VALID)
def test_the_requests_that_are_spoilt_below_are_good(server: Served, path: str) -> None:
    assert server.client.post(path, json=VALID[path]).status_code == 200


def test_every_wrong_value_of_a_field_is_refused_by_name(
    server: Served, upstream: ScriptedUpstream, logs: LogLines
) -> None:
    wrong = [
        (path, field, value, param)
        for path, field, value in WRONG
        if not names(
            param := refused_param(server, path, {**VALID[path], field: value}),
            field,
        )
    ]
    assert wrong == []
    assert upstream.calls == []
    assert logs.failures() == []


def call(**fields: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, **fields}


def asks(*messages: Any) -> dict[str, Any]:
    return {"messages": list(messages)}


def offers(*tools: Any, **fields: Any) -> dict[str, Any]:
    return {"messages": HELLO, "tools": list(tools), **fields}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **function}}


def schema_format(schema: Any, name: str = "x") -> dict[str, Any]:
    wanted = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    return {"messages": HELLO, "response_format": wanted}


USER = {"role": "user", "content": "hello"}
BAD_SCHEMA = {"type": "object", "properties": {"a": {"type": "text"}}}
NESTED: list[tuple[dict[str, Any], str]] = [
    ({}, "messages"),
    ({"messages": None}, "messages"),
    (asks({"role": "wizard", "content": "x"}), "messages[0].role"),
    (asks(USER, {"content": "x"}), "messages[1].role"),
    (asks({"role": 7, "content": "x"}), "messages[0].role"),
    (asks({"role": "user"}), "messages[0].content"),
    (asks({"role": "user", "content": None}), "messages[0].content"),
    (asks({"role": "user", "content": 7}), "messages[0].content"),
    (asks({"role": "user", "content": {"a": 1}}), "messages[0].content"),
    (asks({"role": "user", "content": []}), "messages[0].content"),
    (asks({"role": "user", "content": ["x"]}), "messages[0].content[0]"),
    (asks({"role": "user", "content": [{}]}), "messages[0].content[0].type"),
    (asks({"role": "user", "content": [{"type": "smell"}]}), "messages[0].content[0].type"),
    (asks({"role": "user", "content": [{"type": "text"}]}), "messages[0].content[0].text"),
    (
        asks({"role": "user", "content": [{"type": "text", "text": 7}]}),
        "messages[0].content[0].text",
    ),
    (
        asks({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}),
        "messages[0].content[0].image_url",
    ),
    (asks({"role": "assistant"}), "messages[0].content"),
    (asks({"role": "assistant", "tool_calls": "x"}), "messages[0].tool_calls"),
    (asks({"role": "assistant", "tool_calls": [{}]}), "messages[0].tool_calls[0].id"),
    (
        asks({"role": "assistant", "tool_calls": [{"id": "c1", "type": "function"}]}),
        "messages[0].tool_calls[0].function",
    ),
    (
        asks({"role": "assistant", "tool_calls": [call(function={})]}),
        "messages[0].tool_calls[0].function.name",
    ),
    (
        asks({"role": "assistant", "function_call": {"name": 7}}),
        "messages[0].function_call.name",
    ),
    (asks(USER, {"role": "tool", "content": "x"}), "messages[1].tool_call_id"),
    (
        asks(USER, {"role": "tool", "content": "x", "tool_call_id": "c1"}),
        "messages[1].tool_call_id",
    ),
    (asks(USER, {"role": "function", "content": "x"}), "messages[1].name"),
    (offers({}), "tools[0].type"),
    (offers({"type": "magic"}), "tools[0].type"),
    (offers({"type": "function"}), "tools[0].function"),
    (offers({"type": "function", "function": {}}), "tools[0].function.name"),
    (offers(tool(name="")), "tools[0].function.name"),
    (offers(tool(name="two words")), "tools[0].function.name"),
    (offers(tool(), tool(parameters="x")), "tools[1].function.parameters"),
    (offers(tool(parameters=BAD_SCHEMA)), "tools[0].function.parameters"),
    (offers(tool(parameters={"properties": []})), "tools[0].function.parameters"),
    (offers(tool(parameters={"pattern": "("})), "tools[0].function.parameters"),
    (offers(tool(strict="yes")), "tools[0].function.strict"),
    (offers(tool(), tool_choice=tool(name="g")), "tool_choice"),
    (offers(tool(), tool_choice={"type": "function"}), "tool_choice"),
    (offers(tool(), tool_choice={"type": "magic"}), "tool_choice"),
    (
        offers(
            tool(),
            tool_choice={"type": "allowed_tools", "allowed_tools": {"tools": [tool(name="g")]}},
        ),
        "tool_choice",
    ),
    ({"messages": HELLO, "tool_choice": "required"}, "tool_choice"),
    ({"messages": HELLO, "function_call": "auto"}, "function_call"),
    ({"messages": HELLO, "functions": [{"name": "f"}], "tools": [tool()]}, "functions"),
    ({"messages": HELLO, "functions": [{}]}, "functions[0].name"),
    (
        {"messages": HELLO, "functions": [{"name": "f", "parameters": BAD_SCHEMA}]},
        "functions[0].parameters",
    ),
    (
        {"messages": HELLO, "functions": [{"name": "f"}], "function_call": {"name": "g"}},
        "function_call",
    ),
    (schema_format(BAD_SCHEMA), "response_format.json_schema.schema"),
    (schema_format("x"), "response_format.json_schema.schema"),
    (schema_format({}, name="two words"), "response_format.json_schema.name"),
    ({"messages": HELLO, "stream_options": {"include_usage": True}}, "stream_options"),
    (
        {"messages": HELLO, "stream": True, "stream_options": {"include_usage": "yes"}},
        "stream_options.include_usage",
    ),
    ({"messages": HELLO, "top_logprobs": 3}, "top_logprobs"),
]


@pytest.mark.parametrize(("body", "field"), NESTED)
def test_what_is_wrong_within_a_field_is_named(
    server: Served, upstream: ScriptedUpstream, logs: LogLines, body: dict[str, Any], field: str
) -> None:
    assert names(refused_param(server, CHAT, body), field)
    assert names(refused_param(server, "/v1/engines/echo/chat/completions", body), field)
    assert upstream.calls == []
    assert logs.failures() == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/completions", {}, "prompt"),
        ("/v1/completions", {"prompt": "x", "n": 3, "best_of": 2}, "best_of"),
        ("/v1/completions", {"prompt": "x", "best_of": 2, "stream": True}, "best_of"),
        ("/v1/completions", {"prompt": "x", "best_of": 2}, "best_of"),
        ("/v1/completions", {"prompt": "x", "suffix": "y"}, "suffix"),
        ("/v1/completions", {"prompt": "x", "logprobs": 2}, "logprobs"),
        ("/v1/completions", {"prompt": [1, 2, 3]}, "prompt"),
        ("/v1/completions", {"prompt": [[1], [2]]}, "prompt"),
        ("/v1/completions", {"prompt": "x", "stream": True, "suffix": "y"}, "suffix"),
        ("/v1/embeddings", {}, "input"),
        ("/v1/embeddings", {"input": ["x"] * 2049}, "input"),
        ("/v1/moderations", {}, "input"),
    ],
)
def test_other_routes(server: Served, path: str, body: dict[str, Any], field: str) -> None:
    assert names(refused_param(server, path, body), field)


def test_the_default_models_refuse_alike(serve_with: Any, logs: LogLines) -> None:
    with serve_with() as server:
        for path, field, value in WRONG:
            if path == "/v1/moderations" and field == "model":
                continue
            param = refused_param(server, path, {**VALID[path], field: value})
            assert names(param, field), (path, field, value)
    assert logs.failures() == []


# --- generated from OpenAI's own description ---------------------------------------------------

SPEC_PATHS = {path: path.removeprefix("/v1") for path in VALID}
CANDIDATES = [TEXT, NUMBER, HALF, -1, 10**12, YES, LIST, MAP, [], {}, [MAP], [[TEXT]]]
_PROVIDERS = "the values differ from provider to provider"
LENIENT: dict[tuple[str, str], tuple[type, str]] = {
    (CHAT, "stop"): (list, "clients send an empty list for none"),
    ("/v1/completions", "stop"): (list, "clients send an empty list for none"),
    (CHAT, "reasoning_effort"): (str, _PROVIDERS),
    (CHAT, "verbosity"): (str, _PROVIDERS),
    (CHAT, "service_tier"): (str, _PROVIDERS),
    (CHAT, "prompt_cache_retention"): (str, _PROVIDERS),
    (CHAT, "audio"): (dict, _PROVIDERS),
    (CHAT, "moderation"): (dict, _PROVIDERS),
    (CHAT, "prediction"): (dict, _PROVIDERS),
}
"""Values of the right kind that pass although the spec forbids them; other kinds do not."""


def wrong_by_spec() -> Iterator[tuple[str, str, Any]]:
    spec = json.loads(SPEC.read_text(encoding="utf-8"))
    for path, documented in SPEC_PATHS.items():
        content = spec["paths"][documented]["post"]["requestBody"]["content"]
        schema = content["application/json"]["schema"]
        for field, part in properties_of(schema, spec).items():
            judge = Draft202012Validator({**part, "components": spec["components"]})
            for value in CANDIDATES:
                lenient, _ = LENIENT.get((path, field), (type(None), ""))
                if not isinstance(value, lenient) and not judge.is_valid(value):
                    yield path, field, value


def properties_of(schema: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a request, through references and `allOf`."""
    if reference := schema.get("$ref"):
        return properties_of(spec["components"]["schemas"][reference.rpartition("/")[2]], spec)
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= properties_of(part, spec)
    return found


@pytest.mark.skipif(not SPEC.exists(), reason="OpenAI's description is not beside the repository")
def test_what_the_spec_forbids_is_refused_by_name(
    server: Served, upstream: ScriptedUpstream, logs: LogLines
) -> None:
    cases = list(wrong_by_spec())
    assert len(cases) > 300
    missed = []
    for path, field, value in cases:
        response = server.client.post(path, json={**VALID[path], field: value})
        body = response.json()
        param = body["error"]["param"] if response.status_code == 400 else None
        if not names(param, field):
            missed.append((path, field, value, response.status_code, param))
    assert not missed, "\n".join(map(str, missed))
    assert upstream.calls == []
    assert logs.failures() == []
