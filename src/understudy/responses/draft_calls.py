"""The calls of an answer while the model writes them: functions, searches, MCP tools. Pure.

They are told one after the other, in the order in which they come: a call begins when the arguments
of the one before are whole.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from understudy.responses.drafted import CallKind, DraftedCall, Sheet
from understudy.responses.offered import OfferedMcp, OfferedTools
from understudy.wire.chat import ToolCallDelta
from understudy.wire.response_events import of_item
from understudy.wire.response_items import ItemDocument


@dataclass(slots=True)
class _Call:
    """A call as far as the model has written it; the arguments are JSON text."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    told: int = 0
    kind: CallKind = "function"
    mcp: OfferedMcp | None = None
    document: ItemDocument = field(default_factory=dict)
    """The item as it was told at first; empty before."""
    output_index: int = -1
    """-1 before readers were told of the call."""
    is_closed: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are a JSON object, which nothing can follow."""
        try:
            return isinstance(msgspec.json.decode(self.arguments), dict)
        except (msgspec.DecodeError, RecursionError):
            return False


class CallsDraft:
    """The calls of one answer."""

    def __init__(self, sheet: Sheet, offered: OfferedTools) -> None:
        self._sheet = sheet
        self._offered = offered
        self._calls: dict[int, _Call] = {}
        self.made: list[DraftedCall] = []
        """The calls, once they are closed."""

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def has_news(self) -> bool:
        """Whether `tell` has something to tell."""
        open_ = [call for call in self._calls.values() if not call.is_closed]
        if not open_ or not open_[0].name:
            return False
        first = open_[0]
        is_told = bool(first.document) and first.told == len(first.arguments)
        return not is_told or (len(open_) > 1 and first.is_whole)

    def add(self, piece: ToolCallDelta) -> None:
        """Take a piece of a call."""
        call = self._calls.setdefault(piece.index, _Call())
        if call.is_closed:
            return
        call.id = call.id or piece.id or ""
        if piece.function:
            call.name = call.name or piece.function.name or ""
            call.arguments += piece.function.arguments or ""

    def tell(self) -> None:
        """Tell what was added since the last time, as far as it is a call's turn."""
        open_ = [call for call in self._calls.values() if not call.is_closed]
        for call in open_:
            if not call.name:
                return
            self._tell_of(call)
            if call is open_[-1] or not call.is_whole:
                return
            self._close(call)

    def finish(self) -> None:
        """Tell the rest, and close every call."""
        for call in self._calls.values():
            if call.name and not call.is_closed:
                call.arguments = call.arguments or "{}"  # which programs parse
                self._tell_of(call)
                self._close(call)

    def cut(self) -> None:
        """Close what is open as incomplete: the answer ended before its calls."""
        self.tell()
        for call in self._calls.values():
            is_open = not call.is_closed or call.kind in ("file_search", "mcp")
            if call.output_index >= 0 and is_open:
                self._abandon(call)
        self.made.clear()

    def _tell_of(self, call: _Call) -> None:
        if not call.document:
            self._begin(call)
        if call.kind in ("file_search", "mcp_approval"):
            call.told = len(call.arguments)
            return
        if added := call.arguments[call.told :]:
            self._tell(call, "delta", delta=added)
            call.told = len(call.arguments)

    def _begin(self, call: _Call) -> None:
        taken = {one.id for one in self._calls.values() if one is not call and one.document}
        if not call.id or call.id in taken or self._sheet.place.attempt > 1:
            # The attempt before may have told of a call of this id, and ids are there once.
            call.id = self._sheet.id("call", self._sheet.next_output_index)
        call.mcp = self._offered.mcp.get(call.name)
        if call.name == self._offered.search_name:
            call.kind = "file_search"
            document: ItemDocument = {"type": "file_search_call", "status": "in_progress"}
            self._open(call, "fs", {**document, "queries": [], "results": None})
            self._say(call, "file_search_call.in_progress")
        elif call.mcp is None:
            self._open(call, "fc", _function_call(call))
        elif call.mcp.needs_approval:
            call.kind = "mcp_approval"
            # Told once it is whole: there are no deltas of it.
            call.document = _mcp("mcp_approval_request", call.mcp)
        else:
            call.kind = "mcp"
            outcome = {"output": None, "error": None, "approval_request_id": None}
            document = {**_mcp("mcp_call", call.mcp), "status": "in_progress", **outcome}
            self._open(call, "mcp", document)
            self._say(call, "mcp_call.in_progress")

    def _open(self, call: _Call, prefix: str, document: ItemDocument) -> None:
        call.document, call.output_index = self._sheet.begin(prefix, document)

    def _close(self, call: _Call) -> None:
        call.is_closed = True
        if call.kind == "file_search":
            item = self._sheet.write(call.document, call_id=call.id, arguments=call.arguments)
        elif call.kind == "mcp":
            self._tell(call, "done", arguments=call.arguments)
            item = self._sheet.write({**call.document, "arguments": call.arguments})
        elif call.kind == "mcp_approval":
            self._open(call, "mcpr", {**call.document, "arguments": call.arguments})
            self._sheet.end(call.document, call.output_index)
            item = self._sheet.write(call.document)
        else:
            self._tell(call, "done", name=call.name, arguments=call.arguments)
            closed = {**call.document, "arguments": call.arguments, "status": "completed"}
            self._sheet.end(closed, call.output_index)
            item = self._sheet.write(closed)
        self.made.append(
            DraftedCall(
                kind=call.kind,
                name=call.mcp.name if call.mcp else call.name,
                call_id=call.id,
                arguments=call.arguments,
                output_index=call.output_index,
                item=item,
                server_label=call.mcp.server_label if call.mcp else None,
            )
        )

    def _abandon(self, call: _Call) -> None:
        call.is_closed = True
        closed = {**call.document, "status": "incomplete"}
        if call.kind == "file_search":
            self._sheet.write(closed, call_id=call.id, arguments=call.arguments)
        else:
            closed["arguments"] = call.arguments
            self._sheet.write(closed)
        self._sheet.end(closed, call.output_index)

    def _tell(self, call: _Call, what: Literal["delta", "done"], /, **data: Any) -> None:
        stem = "mcp_call_arguments" if call.kind == "mcp" else "function_call_arguments"
        self._say(call, f"{stem}.{what}", **data)

    def _say(self, call: _Call, event: str, /, **data: Any) -> None:
        self._sheet.tell(of_item(event, call.document["id"], call.output_index, **data))


def _function_call(call: _Call) -> ItemDocument:
    return {
        "type": "function_call",
        "status": "in_progress",
        "name": call.name,
        "call_id": call.id,
        "arguments": "",
    }


def _mcp(type_: str, tool: OfferedMcp) -> ItemDocument:
    return {"type": type_, "server_label": tool.server_label, "name": tool.name, "arguments": ""}
