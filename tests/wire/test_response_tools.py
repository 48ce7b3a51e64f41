"""Tools and the choice among them: what is refused, and what is left of a choice after a call."""

from typing import Any

import pytest

from understudy.errors import InvalidRequest
from understudy.wire.response_tools import AllowedTools, ChosenFunction, choice_after_calls
from understudy.wire.responses import parse_create

FUNCTION = {"type": "function", "name": "f"}
SEARCH = {"type": "file_search", "vector_store_ids": ["vs_1"]}
MCP = {"type": "mcp", "server_label": "wiki", "server_url": "https://mcp.example"}


def _deep() -> dict[str, Any]:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"properties": deep}
    return deep


@pytest.mark.parametrize(
    ("tools", "param", "said"),
    [
        ([{"name": "f"}], "tools[0].type", "Missing"),
        ([FUNCTION, {"type": "web_search"}], "tools[1].type", "'web_search'"),
        ([{"type": "code_interpreter", "container": {}}], "tools[0].type", "Supported"),
        ([{"type": "telepathy"}], "tools[0].type", "expected one of 'function'"),
        ([{"type": "function", "function": {"name": "f"}}], "tools[0].name", "Missing"),
        ([{"type": "function", "name": "f g"}], "tools[0].name", ""),
        ([{**FUNCTION, "parameters": {"type": 7}}], "tools[0].parameters", "schema"),
        ([{**FUNCTION, "parameters": _deep()}], "tools[0].parameters", "levels deep"),
        ([FUNCTION, FUNCTION], "tools[1].name", "another"),
        ([{"type": "file_search"}], "tools[0].vector_store_ids", "Missing"),
        ([{**SEARCH, "vector_store_ids": []}], "tools[0].vector_store_ids", ""),
        ([{**SEARCH, "max_num_results": 51}], "tools[0].max_num_results", "50"),
        ([SEARCH, SEARCH], "tools[1].type", "another"),
        ([{"type": "mcp", "server_label": "wiki"}], "tools[0].server_url", "Missing"),
        ([{**MCP, "connector_id": "connector_gmail"}], "tools[0].connector_id", "server_url"),
        ([{**MCP, "headers": {"X": "a\r\nY: b"}}], "tools[0].headers", ""),
        ([{**MCP, "authorization": "a\n"}], "tools[0].authorization", ""),
        ([{**MCP, "require_approval": "sometimes"}], "tools[0].require_approval", ""),
        (
            [{**MCP, "require_approval": {"never": {}}}],
            "tools[0].require_approval.never",
            "tool_names",
        ),
        ([{**MCP, "defer_loading": True}], "tools[0].defer_loading", "at once"),
        (
            [{**MCP, "allowed_callers": ["programmatic"]}],
            "tools[0].allowed_callers",
            "Leave it out",
        ),
        ([MCP, MCP], "tools[1].server_label", "another"),
        ([FUNCTION] * 129, "tools", "128"),
    ],
)
def test_a_tool_that_cannot_be_offered_is_named(
    tools: list[dict[str, Any]], param: str, said: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_create({"input": "Hi", "tools": tools})
    assert caught.value.param == param
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("any", "tool_choice"),
        ({"name": "f"}, "tool_choice.type"),
        ({"type": "web_search_preview"}, "tool_choice.type"),
        ({"type": "function", "name": "g"}, "tool_choice"),
        ({"type": "mcp", "server_label": "other"}, "tool_choice"),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, "tool_choice.tools"),
        ({"type": "allowed_tools", "tools": [FUNCTION]}, "tool_choice.mode"),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "image_generation"}]},
            "tool_choice.tools[0].type",
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]},
            "tool_choice",
        ),
    ],
)
def test_a_choice_that_cannot_be_obeyed_is_named(choice: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_create({"input": "Hi", "tools": [FUNCTION, SEARCH, MCP], "tool_choice": choice})
    assert caught.value.param == param


def test_no_tool_can_be_required_where_there_is_none() -> None:
    with pytest.raises(InvalidRequest, match="tools"):
        parse_create({"input": "Hi", "tool_choice": "required"})
    assert parse_create({"input": "Hi", "tool_choice": "none"}).tool_choice == "none"


def test_what_was_forced_is_forced_once_and_what_was_allowed_stays_allowed() -> None:
    allowed = [ChosenFunction("f")]
    assert choice_after_calls("required") == "auto"
    assert choice_after_calls(ChosenFunction("f")) == "auto"
    assert choice_after_calls("none") == "none"
    assert choice_after_calls(AllowedTools("required", list(allowed))) == AllowedTools(
        "auto", list(allowed)
    )
