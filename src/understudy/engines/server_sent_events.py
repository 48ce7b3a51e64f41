"""Splits a byte stream into server-sent events, however the bytes were cut on the way.

Follows the event stream format of the WHATWG HTML standard. Knows nothing of what events carry.
"""

import re

from msgspec import Struct

_BOM = b"\xef\xbb\xbf"
_ONE_EVENT = re.compile(rb"data: ([^\r\n]*)\n\n")
"""One whole event of one line, as nearly every piece of a stream is."""


class ServerSentEvent(Struct, frozen=True):
    """One event; `name` is empty where the stream names none."""

    data: bytes
    name: bytes = b""


class EventSplitter:
    """Collects bytes and returns the events that are complete; comments and ids are skipped."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._name = b""
        self._is_first_line = True

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """Return the events that end within `piece`."""
        if self._is_between_events and (one := _ONE_EVENT.fullmatch(piece)):
            return [ServerSentEvent(one[1])]
        block = self._rest + piece if self._rest else piece
        if b"\r" in block:
            block, held = _unify_line_ends(block)
        else:
            held = b""
        *lines, last = block.split(b"\n")
        self._rest = last + held
        return self._take(lines)

    @property
    def _is_between_events(self) -> bool:
        return not (self._rest or self._data or self._name or self._is_first_line)

    def close(self) -> list[ServerSentEvent]:
        """Return the event that lacked only its closing blank line when the stream ended.

        The standard drops it; servers that forget the blank line mean it.
        """
        line, self._rest = self._rest.rstrip(b"\r"), b""
        return self._take([line, b""])

    def _take(self, lines: list[bytes]) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        for line in lines:
            if self._is_first_line:
                self._is_first_line = False
                line = line.removeprefix(_BOM)
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                if self._data:
                    events.append(ServerSentEvent(b"\n".join(self._data), self._name))
                self._data = []
                self._name = b""
            elif line.startswith(b"event:"):
                self._name = line[6:].strip()
            elif line == b"data":
                self._data.append(b"")
        return events


def _unify_line_ends(block: bytes) -> tuple[bytes, bytes]:
    """Return `block` with LF line ends, and a CR at its end whose LF may still come."""
    held = b"\r" if block.endswith(b"\r") else b""
    if held:
        block = block[:-1]
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), held
