"""What of a run's tools a model is offered, which one it must call, and what it searched for."""

import json
from typing import Any

import pytest

from understudy.chat.validate import validate_chat
from understudy.runs.tools import OfferedTools, choice, choice_after_calls, offered, search_queries

PING = {"type": "function", "function": {"name": "ping", "parameters": {"type": "object"}}}
SEARCH = {"type": "file_search", "file_search": {"max_num_results": 5}}
CODE = {"type": "code_interpreter"}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def names(tools: OfferedTools) -> list[str]:
    return [tool["function"]["name"] for tool in tools.tools]


def test_functions_are_offered_as_they_are() -> None:
    assert offered([PING, CODE]) == OfferedTools([PING], None)


@pytest.mark.parametrize("type_", ["file_search", "retrieval"])
def test_search_is_offered_as_a_function(type_: str) -> None:
    tools = offered([PING, {"type": type_}])
    assert names(tools) == ["ping", "file_search"]
    assert tools.search_name == "file_search"


def test_a_function_of_the_client_keeps_its_name() -> None:
    taken = [named("file_search"), named("search_attached_files"), named("understudy_file_search")]
    tools = offered([*taken, named("file_search_2"), SEARCH])
    assert tools.search_name not in names(OfferedTools(tools.tools[:-1], None))
    assert names(tools)[-1] == tools.search_name
    assert offered([named("file_search"), SEARCH]).search_name == "search_attached_files"


@pytest.mark.parametrize(
    ("wanted", "tools", "expected"),
    [
        (None, [PING], None),
        ("auto", [PING], "auto"),
        ("none", [PING], "none"),
        ("required", [PING], "required"),
        ("required", [CODE], None),
        ("required", [], None),
        (named("ping"), [PING], named("ping")),
        ({"type": "file_search"}, [PING, SEARCH], named("file_search")),
        ({"type": "retrieval"}, [PING, SEARCH], named("file_search")),
        ({"type": "file_search"}, [named("file_search"), SEARCH], named("search_attached_files")),
        ({"type": "file_search"}, [PING], "auto"),
        ({"type": "code_interpreter"}, [PING, CODE], "auto"),
        ({"type": "code_interpreter"}, [CODE], None),
    ],
)
def test_the_choice_of_a_tool(wanted: Any, tools: list[Any], expected: Any) -> None:
    assert choice(wanted, offered(tools)) == expected


@pytest.mark.parametrize(
    ("first", "later"),
    [(None, None), ("none", "none"), ("auto", "auto"), ("required", "auto"), (PING, "auto")],
)
def test_what_was_forced_is_forced_once(first: Any, later: Any) -> None:
    assert choice_after_calls(first) == later


def test_a_request_with_these_tools_is_valid() -> None:
    tools = offered([PING, SEARCH])
    asked = [{"role": "user", "content": "hi"}]
    validate_chat(
        {
            "model": "m",
            "messages": asked,
            "tools": tools.tools,
            "tool_choice": choice({"type": "file_search"}, tools),
        }
    )


@pytest.mark.parametrize(
    ("arguments", "queries"),
    [
        ('{"queries": ["a", "b"]}', ["a", "b"]),
        ('{"queries": "a"}', ["a"]),
        ('{"query": "a"}', ["a"]),
        ('{"queries": [], "query": " a "}', ["a"]),
        ('{"queries": ["a", "a", "", 7, null]}', ["a"]),
        ('["a", "b"]', ["a", "b"]),
        ('"a"', ["a"]),
        (json.dumps({"queries": list("abcdefg")}), list("abcde")),
        (json.dumps({"query": "x" * 5_000}), ["x" * 1_000]),
        ('{"queries": ["a"', ["asked"]),
        ("", ["asked"]),
        ("{}", ["asked"]),
        ("7", ["asked"]),
        ('{"queries": {"deep": 1}}', ["asked"]),
        ("[" * 100_000, ["asked"]),
    ],
)
def test_queries_are_read_from_what_the_model_wrote(arguments: str, queries: list[str]) -> None:
    assert search_queries(arguments, " asked ") == queries
