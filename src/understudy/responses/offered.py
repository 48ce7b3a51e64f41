"""What a model is offered in a response: functions as they are, search and MCP tools as functions.

Pure. Which tools an MCP server has, and which of them need approval, comes ready from the caller.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from understudy.errors import InvalidValue
from understudy.runs.tools import offered as offered_in_runs
from understudy.wire.response_tools import (
    AllowedTools,
    ChosenFileSearch,
    ChosenFunction,
    ChosenMcp,
    FileSearchTool,
    FunctionTool,
    McpTool,
    NamedTool,
    ResponseTool,
    ToolChoice,
)

_LONGEST_NAME = 64
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
ChatChoice: TypeAlias = str | dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool that an MCP server offers to this response."""

    name: str
    input_schema: dict[str, Any]
    description: str | None = None
    needs_approval: bool = True


@dataclass(frozen=True, slots=True)
class OfferedMcp:
    """The tool of an MCP server that stands behind a function's name."""

    server_label: str
    name: str
    needs_approval: bool = True


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """Tools of a chat request; `search_name` is what file search is called there, if it is.

    `mcp` holds the tools of MCP servers by the names of their functions.
    """

    tools: list[dict[str, Any]] = field(default_factory=list)
    search_name: str | None = None
    mcp: Mapping[str, OfferedMcp] = field(default_factory=dict)
    choice: ChatChoice = None

    def mcp_name(self, server_label: str, name: str) -> str:
        """Return the name of the function that stands for a tool, its own where there is none."""
        wanted = (server_label, name)
        found = (key for key, one in self.mcp.items() if (one.server_label, one.name) == wanted)
        return next(found, name)


def offered(
    tools: Sequence[ResponseTool],
    choice: ToolChoice | None,
    listed: Mapping[str, Sequence[ListedTool]],
) -> OfferedTools:
    """Return what of `tools` the model is offered under `choice`, as those of a chat request.

    `listed` holds the tools of MCP servers by label. Raises InvalidValue for a choice of a tool
    that its server does not offer.
    """
    everything = _everything(tools, listed)
    if choice is None or isinstance(choice, str):
        return _chosen(everything, choice or "auto")
    if isinstance(choice, AllowedTools):
        return _chosen(_narrowed(everything, choice.tools), choice.mode)
    narrowed = _narrowed(everything, [choice])
    if isinstance(choice, ChosenMcp) and not narrowed.tools:
        named = "no tools" if choice.name is None else f"no tool '{choice.name}'"
        raise InvalidValue("tool_choice", f"MCP server '{choice.server_label}' offers {named}")
    if len(narrowed.tools) > 1:
        return _chosen(narrowed, "required")
    # Forcing one of several tools leaves the others in the request, and the provider's cache warm.
    return _chosen(everything, _function(narrowed.tools[0]))


def without_hosted(given: OfferedTools) -> OfferedTools:
    """Return what is left to be called when this server makes no more calls: the functions.

    Where there are none, nothing may be called. What the other tools are called stays known, since
    their earlier calls are shown.
    """
    hosted = {given.search_name, *given.mcp}
    functions = [tool for tool in given.tools if tool["function"]["name"] not in hosted]
    if not functions:
        return replace(given, choice="none" if given.tools else None)
    is_forced = isinstance(given.choice, dict) and given.choice["function"]["name"] in hosted
    return replace(given, tools=functions, choice="auto" if is_forced else given.choice)


def _everything(
    tools: Sequence[ResponseTool], listed: Mapping[str, Sequence[ListedTool]]
) -> OfferedTools:
    functions = [_as_chat(tool) for tool in tools if isinstance(tool, FunctionTool)]
    searches = [{"type": "file_search"} for tool in tools if isinstance(tool, FileSearchTool)]
    made = offered_in_runs([*functions, *searches])
    shown, mcp = list(made.tools), {}
    taken = {tool["function"]["name"] for tool in shown}
    for label in [server.server_label for server in tools if isinstance(server, McpTool)]:
        for tool in listed.get(label, ()):
            name = _free_name(label, tool.name, taken)
            taken.add(name)
            mcp[name] = OfferedMcp(label, tool.name, tool.needs_approval)
            shown.append(_mcp_as_chat(name, tool))
    return OfferedTools(shown, made.search_name, mcp)


def _as_chat(tool: FunctionTool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    for field_name in ("description", "parameters", "strict"):
        if (value := getattr(tool, field_name)) is not None:
            function[field_name] = value
    return {"type": "function", "function": function}


def _mcp_as_chat(name: str, tool: ListedTool) -> dict[str, Any]:
    function = {"name": name, "parameters": tool.input_schema}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _free_name(label: str, name: str, taken: set[str]) -> str:
    """Return the tool's own name where it is free and can be one, else one with the label."""
    own = _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]
    with_label = f"{label[:20]}_{own}"[:_LONGEST_NAME]
    stem = with_label[: _LONGEST_NAME - 4]
    numbered = (f"{stem}_{number}" for number in range(2, len(taken) + 3))
    return next(one for one in (own, with_label, *numbered) if one not in taken)


def _narrowed(everything: OfferedTools, named: Sequence[NamedTool]) -> OfferedTools:
    def is_named(name: str) -> bool:
        return any(_stands_for(everything, name, one) for one in named)

    return OfferedTools(
        [tool for tool in everything.tools if is_named(tool["function"]["name"])],
        everything.search_name if is_named(everything.search_name or "") else None,
        {name: tool for name, tool in everything.mcp.items() if is_named(name)},
    )


def _stands_for(everything: OfferedTools, name: str, wanted: NamedTool) -> bool:
    """Return whether the function `name` of a chat request is the tool that is wanted."""
    mcp = everything.mcp.get(name)
    if mcp is not None:
        return wanted in (ChosenMcp(mcp.server_label), ChosenMcp(mcp.server_label, mcp.name))
    if name == everything.search_name:
        return isinstance(wanted, ChosenFileSearch)
    return wanted == ChosenFunction(name)


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": tool["function"]["name"]}}


def _chosen(tools: OfferedTools, choice: ChatChoice) -> OfferedTools:
    wanted = choice if tools.tools else None
    return OfferedTools(tools.tools, tools.search_name, tools.mcp, wanted)
