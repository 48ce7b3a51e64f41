"""What requests for assistants and threads may say, and which field is named when they may not."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import UNSET

from understudy.errors import InvalidRequest
from understudy.wire.assistant_tools import (
    FileSearchOptions,
    FileSearchRankingOptions,
    FileSearchTool,
    FunctionDefinition,
    FunctionTool,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    TextFormat,
)
from understudy.wire.assistants import (
    CreateAssistant,
    ModifyAssistant,
    parse_create_assistant,
    parse_modify_assistant,
)
from understudy.wire.threads import ModifyThread, parse_create_thread, parse_modify_thread

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
NO_SCHEMA = {"type": "objekt"}


def function(**fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "weather", **fields}}


def functions(count: int) -> list[dict[str, Any]]:
    return [function(name=f"f{number}") for number in range(count)]


def search(**options: Any) -> dict[str, Any]:
    return {"type": "file_search", "file_search": options}


def json_format(**fields: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", **fields}}


def stores(*stores: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"file_search": {"vector_stores": list(stores), **fields}}


def chunking(size: int, overlap: int) -> dict[str, Any]:
    sizes = {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}
    return {"chunking_strategy": {"type": "static", "static": sizes}}


def pairs(count: int) -> dict[str, str]:
    return {str(number): "x" for number in range(count)}


def nested(depth: int) -> dict[str, Any]:
    """Return a schema with that many lists within each other, in a list, in an object."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return {"type": "object", "enum": [{"default": value}]}


def test_parameters_may_be_nested() -> None:
    parse_create_assistant({"tools": [function(parameters=nested(97))]})


def test_a_full_request() -> None:
    request = parse_create_assistant(
        {
            "model": "gpt-4o",
            "name": "n" * 256,
            "description": "d" * 512,
            "instructions": "i" * 256_000,
            "tools": [
                {"type": "code_interpreter"},
                {"type": "retrieval"},
                search(max_num_results=50, ranking_options={"score_threshold": 0.5}),
                function(description="Tells.", parameters=PARAMETERS, strict=True),
                function(name="a_B-9"),
            ],
            "tool_resources": {"code_interpreter": {"file_ids": ["file-1"]}, "file_search": None},
            "metadata": pairs(16),
            "temperature": 2,
            "top_p": 0,
            "response_format": json_format(schema=PARAMETERS, strict=True),
            "reasoning_effort": "low",
            "something_new": {"a": 1},
        }
    )
    assert request.tools is not None
    assert request.tools[1:] == [
        FileSearchTool(),
        FileSearchTool(FileSearchOptions(50, FileSearchRankingOptions("auto", 0.5))),
        FunctionTool(FunctionDefinition("weather", "Tells.", PARAMETERS, True)),
        FunctionTool(FunctionDefinition("a_B-9")),
    ]
    assert request.response_format == JsonSchemaFormat(JsonSchema("answer", PARAMETERS, True))
    assert request.tool_resources is not None and request.tool_resources.code_interpreter
    assert request.tool_resources.code_interpreter.file_ids == ["file-1"]


def test_the_least_request() -> None:
    assert parse_create_assistant({}) == CreateAssistant(response_format="auto")


def test_a_request_of_v1() -> None:
    body = {"model": "gpt-4", "tools": [{"type": "retrieval"}], "file_ids": ["file-1"] * 20}
    request = parse_create_assistant(body)
    assert request.tools == [FileSearchTool()]
    assert request.file_ids == ["file-1"] * 20


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", "auto"),
        ("none", "auto"),
        (None, "auto"),
        ({"type": "text"}, TextFormat()),
        ({"type": "json_object"}, JsonObjectFormat()),
        (json_format(), JsonSchemaFormat(JsonSchema("answer"))),
    ],
)
def test_response_formats(given: object, expected: object) -> None:
    assert parse_create_assistant({"response_format": given}).response_format == expected
    assert parse_modify_assistant({"response_format": given}).response_format == expected


def test_128_tools() -> None:
    assert len(parse_create_assistant({"tools": functions(128)}).tools or ()) == 128


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"model": 1}, "model"),
    ({"model": ""}, "model"),
    ({"name": "n" * 257}, "name"),
    ({"name": "a\0b"}, "name"),
    ({"description": "d" * 513}, "description"),
    ({"instructions": "i" * 256_001}, "instructions"),
    ({"instructions": ["x"]}, "instructions"),
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": "1"}, "temperature"),
    ({"top_p": -0.1}, "top_p"),
    ({"reasoning_effort": "extreme"}, "reasoning_effort"),
    ({"metadata": pairs(17)}, "metadata"),
    ({"metadata": {"k": 1}}, "metadata"),
    ({"metadata": {"k" * 65: "x"}}, "metadata"),
    ({"metadata": {"k": "x" * 513}}, "metadata"),
    ({"file_ids": ["file-1"] * 21}, "file_ids"),
    ({"file_ids": "file-1"}, "file_ids"),
    ({"file_ids": [""]}, "file_ids[0]"),
    ({"tools": {}}, "tools"),
    ({"tools": functions(129)}, "tools"),
    ({"tools": [{"type": "browser"}]}, "tools[0].type"),
    ({"tools": [{}]}, "tools[0].type"),
    ({"tools": ["function"]}, "tools[0]"),
    ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
    ({"tools": [function(name="two words")]}, "tools[0].function.name"),
    ({"tools": [function(name="n" * 65)]}, "tools[0].function.name"),
    ({"tools": [function(name="")]}, "tools[0].function.name"),
    ({"tools": [function(name="line\n")]}, "tools[0].function.name"),
    ({"tools": [function(), function()]}, "tools[1].function.name"),
    ({"tools": [function(strict="yes")]}, "tools[0].function.strict"),
    ({"tools": [function(parameters="x")]}, "tools[0].function.parameters"),
    (
        {"tools": [*functions(3), function(parameters=NO_SCHEMA)]},
        "tools[3].function.parameters",
    ),
    (
        {"tools": [function(parameters={"properties": {"a": {"enum": ["\0"]}}})]},
        "tools[0].function.parameters",
    ),
    ({"tools": [function(parameters=nested(98))]}, "tools[0].function.parameters"),
    ({"tools": [function(parameters=nested(900))]}, "tools[0].function.parameters"),
    ({"tools": [search(max_num_results=0)]}, "tools[0].file_search.max_num_results"),
    ({"tools": [search(max_num_results=51)]}, "tools[0].file_search.max_num_results"),
    (
        {"tools": [search(ranking_options={"ranker": "best"})]},
        "tools[0].file_search.ranking_options.ranker",
    ),
    (
        {"tools": [search(ranking_options={"score_threshold": 1.1})]},
        "tools[0].file_search.ranking_options.score_threshold",
    ),
    ({"response_format": "text"}, "response_format"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"response_format": json_format(name="a b")}, "response_format.json_schema.name"),
    ({"response_format": json_format(schema=NO_SCHEMA)}, "response_format.json_schema.schema"),
    (
        {"response_format": json_format(schema={"const": "\0"})},
        "response_format.json_schema.schema",
    ),
    ({"tool_resources": []}, "tool_resources"),
    (
        {"tool_resources": {"code_interpreter": {"file_ids": ["file-1"] * 21}}},
        "tool_resources.code_interpreter.file_ids",
    ),
    (
        {"tool_resources": {"file_search": {"vector_store_ids": ["vs_1", "vs_2"]}}},
        "tool_resources.file_search.vector_store_ids",
    ),
    ({"tool_resources": stores({}, {})}, "tool_resources.file_search.vector_stores"),
    (
        {"tool_resources": stores({}, vector_store_ids=["vs_1"])},
        "tool_resources.file_search.vector_stores",
    ),
    (
        {"tool_resources": stores({"metadata": pairs(17)})},
        "tool_resources.file_search.vector_stores[0].metadata",
    ),
    (
        {"tool_resources": stores(chunking(100, 51))},
        "tool_resources.file_search.vector_stores[0].chunking_strategy.static.chunk_overlap_tokens",
    ),
]


@pytest.mark.parametrize(("body", "param"), WRONG, ids=lambda given: str(given)[:60])
@pytest.mark.parametrize("parse", [parse_create_assistant, parse_modify_assistant])
def test_wrong_assistants(
    parse: Callable[[object], object], body: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse({"model": "gpt-4o", **body})
    assert caught.value.param == param


@pytest.mark.parametrize("body", [None, [], "x"])
def test_a_body_must_be_an_object(body: object) -> None:
    with pytest.raises(InvalidRequest, match="must be a JSON object"):
        parse_create_assistant(body)


def test_what_a_change_does_not_name_stays() -> None:
    assert parse_modify_assistant({}) == ModifyAssistant()
    assert parse_modify_assistant({}).tools is UNSET
    emptied = parse_modify_assistant({"name": None, "tools": None, "tool_resources": None})
    assert emptied == ModifyAssistant(name=None, tools=None, tool_resources=None)


def test_a_thread() -> None:
    request = parse_create_thread(
        {
            "messages": [{"role": "user", "content": "Hi"}],
            "tool_resources": stores({"file_ids": ["file-1"], **chunking(200, 100)}),
            "metadata": {"k": "v"},
        }
    )
    assert request.messages is not None and request.messages[0].content == "Hi"
    assert request.tool_resources is not None and request.tool_resources.file_search is not None
    (store,) = request.tool_resources.file_search.vector_stores or ()
    assert store.file_ids == ["file-1"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"role": "user", "content": "Hi"}, {}]}, "messages[1].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content"),
        ({"metadata": pairs(17)}, "metadata"),
        ({"tool_resources": stores({}, {})}, "tool_resources.file_search.vector_stores"),
        (
            {"tool_resources": stores({}, vector_store_ids=["vs_1"])},
            "tool_resources.file_search.vector_stores",
        ),
    ],
)
def test_wrong_threads(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_create_thread(body)
    assert caught.value.param == param


def test_changes_of_a_thread() -> None:
    assert parse_modify_thread({}) == ModifyThread(UNSET, UNSET)
    assert parse_modify_thread({"tool_resources": None}) == ModifyThread(None, UNSET)
    with pytest.raises(InvalidRequest) as caught:
        parse_modify_thread({"tool_resources": stores(chunking(99, 0))})
    assert caught.value.param is not None and caught.value.param.endswith("max_chunk_size_tokens")
