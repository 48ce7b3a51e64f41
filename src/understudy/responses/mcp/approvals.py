"""Which tools of an MCP server are offered, which calls of them need approval, and what became of
those that did. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from understudy.errors import InvalidRequest, InvalidValue
from understudy.responses.offered import ListedTool
from understudy.wire.response_items import ItemDocument
from understudy.wire.response_tools import McpTool, McpToolFilter, ResponseTool

Approval = Literal["needed", "not_needed"]
Listed = Mapping[str, Any]
"""A tool as the item `mcp_list_tools` holds it."""


def is_allowed(tool: McpTool, listed: Listed) -> bool:
    """Tell whether `allowed_tools` lets a listed tool be offered."""
    match tool.allowed_tools:
        case None:
            return True
        case McpToolFilter() as filter_:
            return _matches(filter_, listed)
        case names:
            return listed["name"] in names


def approval(tool: McpTool, listed: Listed) -> Approval:
    """Return what `require_approval` says of a listed tool; it is needed unless something says not.

    A tool that both filters match needs it.
    """
    policy = tool.require_approval
    if policy is None or isinstance(policy, str):
        return "not_needed" if policy == "never" else "needed"
    if policy.always is not None and _matches(policy.always, listed):
        return "needed"
    if policy.never is None:
        # Who names the tools that need approval means that the others do not.
        return "needed" if policy.always is None else "not_needed"
    return "not_needed" if _matches(policy.never, listed) else "needed"


def offered_by(tool: McpTool, listing: ItemDocument) -> list[ListedTool]:
    """Return what a response is offered of a server's tools, from its `mcp_list_tools`."""
    return [
        ListedTool(
            name=listed["name"],
            input_schema=listed["input_schema"],
            description=_described(tool, listed),
            needs_approval=approval(tool, listed) == "needed",
        )
        for listed in listing["tools"]
        if is_allowed(tool, listed)
    ]


def _described(tool: McpTool, listed: Listed) -> str | None:
    """Return what a model reads about a tool: its own description, then that of the server."""
    said = (listed.get("description"), tool.server_description)
    return "\n\n".join(text for text in said if text) or None


def check_approvals(
    given: Sequence[ItemDocument], earlier: Sequence[ItemDocument], param: str
) -> None:
    """Raise InvalidValue for an approval in `given` that answers no request, or one once more.

    `earlier` is what comes before `given`; `param` is where the request lists `given`.
    """
    requests = requests_by_id([*earlier, *given])
    answered = {
        requests[answer["approval_request_id"]]["id"]
        for answer in _answers(earlier)
        if answer["approval_request_id"] in requests
    }
    for index, item in enumerate(given):
        if item["type"] != "mcp_approval_response":
            continue
        at = f"{param}[{index}].approval_request_id"
        request = requests.get(item["approval_request_id"])
        if request is None:
            raise InvalidValue(
                at,
                "there is no such request. Its mcp_approval_request has to come first: in this "
                "request, or in what it goes on from",
            )
        if request["id"] in answered:
            raise InvalidValue(at, "the request has its answer already")
        answered.add(request["id"])


def check_named(
    given: Sequence[ItemDocument], earlier: Sequence[ItemDocument], tools: Sequence[ResponseTool]
) -> None:
    """Raise InvalidRequest for an approved call of an MCP server that `tools` do not name."""
    labels = {tool.server_label for tool in tools if isinstance(tool, McpTool)}
    for request in approved(given, earlier):
        if request["server_label"] not in labels:
            raise InvalidRequest(
                f"The approved call is one of the MCP server '{request['server_label']}', which "
                "'tools' do not name: name it again, with its 'server_url'.",
                param="tools",
                code="invalid_value",
            )


def approved(given: Iterable[ItemDocument], earlier: Iterable[ItemDocument]) -> list[ItemDocument]:
    """Return the requests that `given` approves, in the order of the approvals."""
    given = list(given)
    requests = requests_by_id([*earlier, *given])
    return [
        requests[answer["approval_request_id"]] for answer in _answers(given) if answer["approve"]
    ]


def known_id(request: ItemDocument) -> str:
    """Return the id by which the client knows a request for approval, which it may have sent."""
    return str(request.get("known_as") or request["id"])


def requests_by_id(documents: Iterable[ItemDocument]) -> dict[str, ItemDocument]:
    """Return the requests by their ids; one that a client has sent has two."""
    found = [one for one in documents if one["type"] == "mcp_approval_request"]
    return {known_id(one): one for one in found} | {one["id"]: one for one in found}


def _answers(documents: Iterable[ItemDocument]) -> list[ItemDocument]:
    return [one for one in documents if one["type"] == "mcp_approval_response"]


def _matches(filter_: McpToolFilter, listed: Listed) -> bool:
    """Tell whether a tool meets every condition; `read_only` goes by what the server claims."""
    if filter_.tool_names is not None and listed["name"] not in filter_.tool_names:
        return False
    claims_to_read_only = bool((listed.get("annotations") or {}).get("readOnlyHint"))
    return filter_.read_only is None or filter_.read_only == claims_to_read_only
