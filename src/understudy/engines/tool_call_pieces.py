"""Puts the pieces of streamed tool calls in order: which call does a piece belong to, and which
index, id and name does a client see. Pure; one tracker per choice of a stream.

Servers number calls badly: index 0 for every parallel call, no index, empty or repeated ids and
names, two entries of one index in a chunk, another id with every piece.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from understudy.engines.decode import RawToolCall
from understudy.ids import new_id
from understudy.wire.chat import FunctionDelta, ToolCallDelta


class _Call:
    """One call as far as it is known; it is announced once its name has come."""

    __slots__ = ("arguments", "id", "index", "is_announced", "name", "upstream_id")

    def __init__(self, index: int, call_id: str) -> None:
        self.index = index
        self.id = call_id
        self.upstream_id = ""
        self.name = ""
        self.arguments = ""
        self.is_announced = False


class ToolCallTracker:
    """Turns the raw pieces of one choice's calls into deltas with stable, unique indexes."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_index: dict[int, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def take(self, piece: RawToolCall) -> ToolCallDelta | None:
        """Return what `piece` adds, or None when it adds nothing that can be sent yet."""
        function = piece.function
        name = (function.name if function else None) or ""
        arguments = arguments_text(function.arguments if function else None)
        upstream_id = str(piece.id) if piece.id not in (None, "") else ""
        call = self._find(piece.index, upstream_id, name, arguments)
        if call is None:
            call = self._open(upstream_id)
        if upstream_id:
            self._by_id.setdefault(upstream_id, call)
        if piece.index is not None:
            self._by_index[piece.index] = call
        return _advance(call, name, arguments)

    def unannounced(self) -> list[ToolCallDelta]:
        """Announce the calls whose name never came."""
        return [_announce(call) for call in self._calls if not call.is_announced]

    def _find(self, index: int | None, upstream_id: str, name: str, arguments: str) -> _Call | None:
        """Return the call that a piece continues, or None when it opens a new one."""
        by_id = self._by_id.get(upstream_id)
        by_index = self._by_index.get(index) if index is not None else None
        candidate: _Call | None
        if by_index is not None and by_index.upstream_id == upstream_id:
            candidate = by_index
        elif by_id is not None:
            is_elsewhere = index is not None and by_index is None
            candidate = None if is_elsewhere and name else by_id
        elif index is not None:
            candidate = None if upstream_id and name else by_index
        else:
            candidate = self._calls[-1] if self._calls and not upstream_id else None
        if candidate is None or _starts_anew(candidate, name, arguments):
            return None
        return candidate

    def _open(self, upstream_id: str) -> _Call:
        is_usable = upstream_id and upstream_id not in self._by_id
        call = _Call(len(self._calls), upstream_id if is_usable else new_id("call"))
        call.upstream_id = upstream_id
        self._calls.append(call)
        return call


def _starts_anew(call: _Call, name: str, arguments: str) -> bool:
    """Whether a piece that seems to continue `call` opens another one all the same."""
    if not name or not call.name:
        return False
    return name != call.name or (bool(arguments) and _is_complete(call.arguments))


def _is_complete(arguments: str) -> bool:
    try:
        msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return False
    return True


def _advance(call: _Call, name: str, arguments: str) -> ToolCallDelta | None:
    call.name = call.name or name
    call.arguments += arguments
    if call.is_announced:
        if not arguments:
            return None
        return ToolCallDelta(index=call.index, function=FunctionDelta(arguments=arguments))
    return _announce(call) if call.name else None


def _announce(call: _Call) -> ToolCallDelta:
    call.is_announced = True
    function = FunctionDelta(name=call.name, arguments=call.arguments)
    return ToolCallDelta(index=call.index, id=call.id, type="function", function=function)


def arguments_text(arguments: Any) -> str:
    """Return a call's arguments as the JSON text that clients expect; absent is empty."""
    if arguments is None or arguments is UNSET:
        return ""
    return arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
