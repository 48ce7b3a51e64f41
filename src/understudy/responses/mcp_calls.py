"""The MCP servers of one response while it is made: their tools, the calls that a person approved,
and those that the model makes.

A call that was under way when its process ended is never repeated: the model is told that nobody
knows what came of it.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import msgspec

from understudy.errors import McpServerFailed
from understudy.responses.drafted import Drafted, DraftedCall, Place, Sheet
from understudy.responses.making import Making
from understudy.responses.mcp.approvals import approved, known_id, offered_by
from understudy.responses.mcp.failures import CLOSED, INVALID_PARAMS, ServerFailure
from understudy.responses.mcp.results import McpResult
from understudy.responses.mcp.servers import McpServers
from understudy.store.items import Item
from understudy.wire.response_events import mcp_call_done, mcp_listed, mcp_listing, of_item
from understudy.wire.response_items import ItemDocument
from understudy.wire.response_tools import McpTool

_BEFORE_TURNS = -1
"""The turn of what is done before the model is asked."""
_SPENT = "The request allows no more calls of tools. Answer without."
_LOST = (
    "The server stopped while this call was under way. Whether it was carried out is not known, "
    "and it is not repeated."
)


class McpCalls:
    """Uses the MCP servers of one response."""

    def __init__(self, servers: McpServers, making: Making) -> None:
        self._servers = servers
        self._making = making
        self._tools = {
            tool.server_label: tool
            for tool in making.wanted.tools or ()
            if isinstance(tool, McpTool)
        }

    def __bool__(self) -> bool:
        return bool(self._tools)

    async def begin(self) -> AsyncGenerator[Drafted, None]:
        """List what is not known yet, then leave the calls that were approved to be made.

        Raises McpServerFailed.
        """
        making = self._making
        if not self._tools:
            return
        listed = {}
        for label, tool in self._tools.items():
            listing = self._known(tool)
            if listing is None:
                async with aclosing(self._list(tool)) as pieces:
                    async for drafted in pieces:
                        yield drafted
                listing = making.items[-1].document
            listed[label] = offered_by(tool, listing)
        making.listed = listed
        if making.has_begun:
            return
        making.has_begun = True
        sheet = self._sheet()
        making.open_calls = [_begun(sheet, request) for request in self._approved()]
        if making.open_calls:
            yield self._taken(sheet)

    async def make(self, call: DraftedCall) -> Drafted:
        """Make a call, and return what is to be told of it."""
        making = self._making
        if making.may_be_under_way:
            result = McpResult(None, _lost())
        else:
            try:
                result = await self._result(call)
            except asyncio.CancelledError:
                making.take(Drafted(items=[_done(call.item, McpResult(None, _lost()))]))
                raise
        item = _done(call.item, result)
        return Drafted(mcp_call_done(item.document, call.output_index), [item])

    async def _result(self, call: DraftedCall) -> McpResult:
        label = call.server_label or ""
        if self._making.is_spent:
            spent = ServerFailure(_SPENT, code=INVALID_PARAMS)
            return McpResult(None, spent.document)
        if call.name not in {tool.name for tool in self._making.listed[label]}:
            unknown = ServerFailure("The MCP server offers no such tool.", code=INVALID_PARAMS)
            return McpResult(None, unknown.document)
        return await self._servers.call(self._tools[label], call.name, call.arguments)

    async def _list(self, tool: McpTool) -> AsyncGenerator[Drafted, None]:
        sheet = self._sheet()
        empty = {"type": "mcp_list_tools", "server_label": tool.server_label, "tools": []}
        item = {"id": sheet.id("mcpl", sheet.next_output_index), **empty, "error": None}
        index = sheet.next_output_index
        sheet.next_output_index += 1
        sheet.tell(*mcp_listing(item, index))
        yield self._taken(sheet)
        listing = {**item, **await self._servers.list_tools(tool)}
        sheet.write(listing, of=_asked_of(tool))
        sheet.tell(*mcp_listed(listing, index))
        yield self._taken(sheet)
        if listing["error"] is not None:
            raise McpServerFailed(
                f"The tools of the MCP server '{tool.server_label}' are not known: "
                f"{listing['error']}",
                param="tools",
            )

    def _known(self, tool: McpTool) -> ItemDocument | None:
        """Return the latest listing of this label in what came before, if it still says enough.

        One that a client has sent is taken as it is.
        """
        for item in reversed(self._making.history):
            document = item.document
            if item.type == "mcp_list_tools" and document["server_label"] == tool.server_label:
                is_same = document.get("of") in (None, _asked_of(tool))
                return document if is_same and not document.get("error") else None
        return None

    def _approved(self) -> list[ItemDocument]:
        beginning = self._making.beginning
        given = [item.document for item in beginning.inputs]
        return approved(given, [item.document for item in beginning.context])

    def _sheet(self) -> Sheet:
        making = self._making
        index = making.output_index
        place = Place(making.position.response_id, _BEFORE_TURNS, making.attempt, index)
        return Sheet(place, index)

    def _taken(self, sheet: Sheet) -> Drafted:
        self._making.output_index = sheet.next_output_index
        return self._making.take(sheet.take())


def _begun(sheet: Sheet, request: ItemDocument) -> DraftedCall:
    """Tell of a call that was approved, up to where it is to be made."""
    label, name, arguments = request["server_label"], request["name"], request["arguments"]
    document = {
        "type": "mcp_call",
        "status": "in_progress",
        "server_label": label,
        "name": name,
        "arguments": "",
        "output": None,
        "error": None,
        "approval_request_id": known_id(request),
    }
    begun, index = sheet.begin("mcp", document)
    id_ = begun["id"]
    sheet.tell(
        of_item("mcp_call.in_progress", id_, index),
        of_item("mcp_call_arguments.delta", id_, index, delta=arguments),
        of_item("mcp_call_arguments.done", id_, index, arguments=arguments),
    )
    item = sheet.write({**begun, "arguments": arguments})
    return DraftedCall("mcp", name, id_, arguments, index, item, label)


def _asked_of(tool: McpTool) -> str:
    """Return what tells a listing of one server, narrowed in one way, from others."""
    asked = msgspec.json.encode([tool.server_url, tool.allowed_tools])
    return hashlib.sha256(asked).hexdigest()


def _done(item: Item, result: McpResult) -> Item:
    """Return an `mcp_call` with what it gave."""
    status = "completed" if result.error is None else "failed"
    outcome = {"status": status, "output": result.output, "error": result.error}
    return replace(item, document={**item.document, **outcome})


def _lost() -> dict[str, object]:
    return ServerFailure(_LOST, code=CLOSED).document
