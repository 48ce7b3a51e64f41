"""What is asked within a session with an MCP server: its tools, and one call.

Beside the failures named, these functions raise what the package `mcp` raises.
"""

from typing import TYPE_CHECKING, Any

from understudy.responses.mcp.failures import INVALID_ANSWER, ServerFailure

if TYPE_CHECKING:
    from mcp import ClientSession
    from pydantic import BaseModel

_MOST_PAGES = 100


async def all_tools(session: "ClientSession") -> list[dict[str, Any]]:
    """Return the tools on all pages as they came. Raises ServerFailure for a list without end."""
    from mcp_types import PaginatedRequestParams

    found: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        found += [_raw(tool) for tool in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise ServerFailure(
        f"The MCP server lists its tools on more than {_MOST_PAGES} pages.", code=INVALID_ANSWER
    )


async def call_tool(
    session: "ClientSession", name: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Return the server's answer to one call. Raises ServerFailure, and what the package raises."""
    from mcp import MCPError
    from mcp_types import HEADER_MISMATCH

    try:
        return await _asked(session, name, arguments)
    except MCPError as error:
        if error.code != HEADER_MISMATCH:
            raise
    # It has not made the call: it wants headers that follow from its list of tools.
    await session.list_tools()
    return await _asked(session, name, arguments)


async def _asked(session: "ClientSession", name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    # Not `call_tool`: it lists all tools again, to judge by its schema what a model only reads.
    from mcp_types import (
        CallToolRequest,
        CallToolRequestParams,
        CallToolResult,
        InputRequiredResult,
    )
    from pydantic import TypeAdapter

    request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=arguments))
    answers: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(
        CallToolResult | InputRequiredResult
    )
    answer = await session.send_request(request, answers)
    if isinstance(answer, InputRequiredResult):
        raise ServerFailure(
            "The MCP server wants to ask its user something, which cannot be passed on.",
            code=INVALID_ANSWER,
        )
    return _raw(answer)


def _raw(model: "BaseModel") -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
