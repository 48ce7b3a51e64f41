"""Tools of the Responses API on the wire: judged, and echoed with OpenAI's defaults.

Pure: knows neither what a vector store holds nor what an MCP server offers.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from understudy.errors import InvalidValue, MissingParameter, UnsupportedParameter
from understudy.wire.assistant_tools import FunctionName
from understudy.wire.json_schemas import check_schema
from understudy.wire.kept_json import check_kept_json
from understudy.wire.vector_stores import FileId, RankingOptions, Text, check_weights

TOOL_TYPES = ("function", "file_search", "mcp")
_HOSTED_ELSEWHERE = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use",
        "computer_use_preview",
        "custom",
        "image_generation",
        "local_shell",
        "namespace",
        "programmatic_tool_calling",
        "shell",
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)
"""Types that the API has and this server does not."""
_DEFAULT_RESULTS = 20
_Label: TypeAlias = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}(?!\n)$")]
_Value: TypeAlias = Annotated[str, Meta(pattern=r"^[^\x00\r\n]*(?!\n)$")]


class FunctionTool(Struct, tag="function", tag_field="type"):
    """A function that the client runs; legal without `parameters`."""

    name: FunctionName
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    description: Text | None = None


class FileSearchTool(Struct, tag="file_search", tag_field="type"):
    """The search of vector stores; `filters` is judged where it is understood."""

    vector_store_ids: Annotated[list[FileId], Meta(min_length=1, max_length=50)]
    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = None
    ranking_options: RankingOptions | None = None
    filters: dict[str, Any] | None = None


class McpToolFilter(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Tools of an MCP server: those named, those that only read, or those that are both."""

    tool_names: list[Text] | None = None
    read_only: bool | None = None


class McpApprovals(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Which tools of an MCP server always need approval, and which never do."""

    always: McpToolFilter | None = None
    never: McpToolFilter | None = None


class McpTool(Struct, tag="mcp", tag_field="type"):
    """An MCP server whose tools the model may call; `authorization` and `headers` are secret."""

    server_label: _Label
    server_url: Text | None = None
    server_description: Text | None = None
    authorization: _Value | None = None
    headers: dict[_Value, _Value] | None = None
    allowed_tools: list[Text] | McpToolFilter | None = None
    require_approval: Literal["always", "never"] | McpApprovals | None = None
    connector_id: str | None = None
    tunnel_id: str | None = None
    defer_loading: bool | None = None
    allowed_callers: list[Literal["direct", "programmatic"]] | None = None


ResponseTool: TypeAlias = FunctionTool | FileSearchTool | McpTool
ResponseTools: TypeAlias = Annotated[list[ResponseTool], Meta(max_length=128)]


# --- which tool the model uses ----------------------------------------------------------------


class ChosenFunction(Struct, tag="function", tag_field="type"):
    """The function that the model must call."""

    name: FunctionName


class ChosenFileSearch(Struct, tag="file_search", tag_field="type"):
    """The model must search files."""


class ChosenMcp(Struct, tag="mcp", tag_field="type", omit_defaults=True):
    """The MCP server, or the tool of it, that the model must call."""

    server_label: _Label
    name: Text | None = None


NamedTool: TypeAlias = ChosenFunction | ChosenFileSearch | ChosenMcp


class AllowedTools(Struct, tag="allowed_tools", tag_field="type"):
    """The tools that the model may use, or of which it must use one."""

    mode: Literal["auto", "required"]
    tools: Annotated[list[NamedTool], Meta(min_length=1, max_length=128)]


ToolChoice: TypeAlias = Literal["none", "auto", "required"] | NamedTool | AllowedTools


# --- judging ----------------------------------------------------------------------------------


def check_tool_types(tools: object, param: str) -> None:
    """Raise for an entry of a type that this server does not have; before types are judged."""
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, dict):
            _check_type(tool, f"{param}[{index}].type", TOOL_TYPES)


def check_choice_type(choice: object) -> None:
    """Raise for a `tool_choice` of a type that this server does not have."""
    if not isinstance(choice, dict):
        return
    _check_type(choice, "tool_choice.type", (*TOOL_TYPES, "allowed_tools"))
    if choice["type"] == "allowed_tools":
        check_tool_types(choice.get("tools"), "tool_choice.tools")


def _check_type(given: dict[str, Any], param: str, known: Sequence[str]) -> None:
    if "type" not in given:
        raise MissingParameter(param)
    if (type_ := given["type"]) in known:
        return
    listed = ", ".join(f"'{one}'" for one in known)
    if isinstance(type_, str) and type_ in _HOSTED_ELSEWHERE:
        raise UnsupportedParameter(
            f"'{param}': this server has no tool of type '{type_}'. Leave it out, or offer the "
            f"model a function or an MCP server that does its work. Supported: {listed}.",
            param=param,
        )
    raise InvalidValue(param, f"expected one of {listed}")


def check_tools(tools: Sequence[ResponseTool], param: str) -> None:
    """Raise InvalidRequest for schemas that are none, names that are there twice, and the like."""
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        at = f"{param}[{index}]"
        if isinstance(tool, FunctionTool):
            check_kept_json(tool.parameters, f"{at}.parameters")
            check_schema(tool.parameters, f"{at}.parameters")
            key, field = f"function '{tool.name}'", f"{at}.name"
        elif isinstance(tool, FileSearchTool):
            _check_file_search(tool, at)
            key, field = "tool 'file_search'", f"{at}.type"
        else:
            _check_mcp(tool, at)
            key, field = f"MCP server '{tool.server_label}'", f"{at}.server_label"
        if key in seen:
            raise InvalidValue(field, f"there is another {key}")
        seen.add(key)


def _check_file_search(tool: FileSearchTool, at: str) -> None:
    check_kept_json(tool.filters, f"{at}.filters")
    if tool.ranking_options and tool.ranking_options.hybrid_search:
        check_weights(tool.ranking_options.hybrid_search, f"{at}.ranking_options.hybrid_search")


def _check_mcp(tool: McpTool, at: str) -> None:
    for name in ("connector_id", "tunnel_id"):
        if getattr(tool, name) is not None:
            raise UnsupportedParameter(
                f"'{at}.{name}': connectors and tunnels are services of OpenAI. "
                "Give the address of the MCP server as 'server_url'.",
                param=f"{at}.{name}",
            )
    if not tool.server_url:
        raise MissingParameter(f"{at}.server_url")
    if tool.defer_loading:
        raise UnsupportedParameter(
            f"'{at}.defer_loading': models are shown all tools at once. Leave it out, or name "
            "fewer in 'allowed_tools'.",
            param=f"{at}.defer_loading",
        )
    if "programmatic" in (tool.allowed_callers or ()):
        raise UnsupportedParameter(
            f"'{at}.allowed_callers': there are no programs that could call, only models. Leave "
            "it out.",
            param=f"{at}.allowed_callers",
        )
    if isinstance(tool.require_approval, McpApprovals):
        _check_approvals(tool.require_approval, f"{at}.require_approval")


def _check_approvals(approvals: McpApprovals, at: str) -> None:
    """Raise InvalidValue for a filter of which nobody can say which tools it means."""
    for name in ("always", "never"):
        if getattr(approvals, name) == McpToolFilter():
            raise InvalidValue(
                f"{at}.{name}",
                f"expected 'tool_names' or 'read_only'. For all tools, give \"{name}\" instead",
            )


def check_choice(choice: ToolChoice, tools: Sequence[ResponseTool]) -> None:
    """Raise InvalidValue unless a model that is offered `tools` can obey `choice`."""
    if choice == "required" and not tools:
        raise InvalidValue("tool_choice", "it is only allowed when 'tools' are given")
    if isinstance(choice, str):
        return
    named = choice.tools if isinstance(choice, AllowedTools) else [choice]
    offered = {_key(tool) for tool in tools}
    for one in named:
        if (key := _key(one)) not in offered:
            raise InvalidValue("tool_choice", f"there is no {' '.join(key).strip()} in 'tools'")


def _key(tool: ResponseTool | NamedTool) -> tuple[str, str]:
    if isinstance(tool, FunctionTool | ChosenFunction):
        return "function", f"'{tool.name}'"
    if isinstance(tool, McpTool | ChosenMcp):
        return "MCP server", f"'{tool.server_label}'"
    return "tool", "'file_search'"


def choice_after_calls(choice: ToolChoice) -> ToolChoice:
    """Return the choice once the model has called: what was forced is done, and would not end."""
    if choice == "none":
        return choice
    return AllowedTools("auto", choice.tools) if isinstance(choice, AllowedTools) else "auto"


# --- echoing ----------------------------------------------------------------------------------


def echoed_tools(tools: Sequence[ResponseTool]) -> list[dict[str, Any]]:
    """Return the tools as a response shows them: defaults filled in, secrets left out."""
    return [_echoed(tool) for tool in tools]


def _echoed(tool: ResponseTool) -> dict[str, Any]:
    if isinstance(tool, FunctionTool):
        return {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": bool(tool.strict),
        }
    if isinstance(tool, FileSearchTool):
        return {
            "type": "file_search",
            "vector_store_ids": tool.vector_store_ids,
            "max_num_results": tool.max_num_results or _DEFAULT_RESULTS,
            "ranking_options": _echoed_ranking(tool.ranking_options or RankingOptions()),
            "filters": tool.filters,
        }
    echoed: dict[str, Any] = {
        "type": "mcp",
        "server_label": tool.server_label,
        "server_url": _without_secrets(tool.server_url or ""),
        "allowed_tools": msgspec.to_builtins(tool.allowed_tools),
        "require_approval": msgspec.to_builtins(tool.require_approval or "always"),
        "headers": None,
    }
    if tool.server_description is not None:
        echoed["server_description"] = tool.server_description
    return echoed


def _echoed_ranking(ranking: RankingOptions) -> dict[str, Any]:
    echoed = {"ranker": ranking.ranker, "score_threshold": ranking.score_threshold}
    if ranking.hybrid_search is None:
        return echoed
    return {**echoed, "hybrid_search": msgspec.to_builtins(ranking.hybrid_search)}


def _without_secrets(url: str) -> str:
    """Return scheme and host of a URL: keys are found in paths and queries too."""
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return f"{shown}/<redacted>" if parts.path.strip("/") or parts.query else shown
