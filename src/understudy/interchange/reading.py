"""From the text of a file to the objects in it: single ones, lists, pages, lines, and objects that
hold others. What is broken is told with its line. Knows no kind of object in particular.
"""

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import msgspec

from understudy.interchange.kinds import (
    EMBEDDED,
    KIND_OF_MEMBER,
    KINDS,
    Found,
    Kind,
    PassedOver,
    Place,
    Unreadable,
    found_in,
    kind_of,
)

FORMAT = "assistants-thread-export/v1"
LARGEST_DOCUMENT_BYTES = 256 * 1024**2
LARGEST_LINE_BYTES = 64 * 1024**2

_FORMATS = "assistants-thread-export/"
_DEEPEST = 100
_BYTE = re.compile(r" \(byte (\d+)\)")
_parts = msgspec.json.Decoder(list[msgspec.Raw])
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])

Reading = Found | PassedOver | Unreadable


class _Dated(msgspec.Struct):
    created_at: float = 0


_dated = msgspec.json.Decoder(_Dated)


@dataclass(frozen=True, slots=True)
class _Text:
    """A piece of JSON, the line at which it begins, and what is known from what holds it."""

    data: bytes
    line: int
    name: str
    guess: Kind | None = None
    around: Mapping[str, str] = field(default_factory=dict)
    is_page: bool = False
    depth: int = 0

    @property
    def place(self) -> Place:
        return Place(self.name, self.line)


# --- files ------------------------------------------------------------------------------------


def read_document(name: str, data: bytes) -> Iterator[Reading]:
    """Yield what is in a file of JSON, which may be lines of JSON in spite of its name."""
    try:
        text = _as_utf8(data)
    except UnicodeDecodeError as error:
        yield Unreadable(Place(name), f"it is not in {error.encoding}")
        return
    if (reason := _broken(text)) is None:
        yield from _walk(_Text(text, 1, name))
    elif _broken(text.lstrip().partition(b"\n")[0]) is None:
        yield from read_lines(name, io.BytesIO(data))
    else:
        yield _unreadable(_Text(text, 1, name), reason)


def read_lines(name: str, stream: BinaryIO) -> Iterator[Reading]:
    """Yield what is in a file of lines of JSON, of which one is in memory at a time."""
    line = 0
    try:
        for line, data in enumerate(_lines(stream), 1):
            if len(data) > LARGEST_LINE_BYTES:
                yield Unreadable(Place(name, line), "the line is too long")
            elif data.strip():
                yield from _read_line(_Text(data, line, name))
    except UnicodeError as error:
        yield Unreadable(Place(name, line + 1), f"it cannot be decoded ({error})")


def _read_line(text: _Text) -> Iterator[Reading]:
    if reason := _broken(text.data):
        yield Unreadable(text.place, _without_byte(reason))
    else:
        yield from _walk(text)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines in UTF-8; of one that is too long only so much that it can be told."""
    start = stream.read(4)
    encoding = _encoding(start)
    rest = io.BufferedReader(_Joined(start, stream))
    if encoding != "utf-8":
        wide = io.TextIOWrapper(rest, encoding, errors="surrogatepass", newline="\n")
        for line in wide:
            yield line.removeprefix("\ufeff").encode("utf-8", "surrogatepass")
        return
    is_continued = False
    while data := rest.readline(LARGEST_LINE_BYTES + 1):
        if not is_continued:
            yield data.removeprefix(b"\xef\xbb\xbf")
        is_continued = len(data) > LARGEST_LINE_BYTES and not data.endswith(b"\n")


class _Joined(io.RawIOBase):
    """Bytes that were read already, and the stream that they came from."""

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        self._start = start
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._start or self._stream.read(len(buffer))
        taken, self._start = data[: len(buffer)], data[len(buffer) :] if self._start else b""
        buffer[: len(taken)] = taken
        return len(taken)


def _as_utf8(data: bytes) -> bytes:
    encoding = _encoding(data[:4])
    if encoding == "utf-8":
        return data.removeprefix(b"\xef\xbb\xbf")
    return data.decode(encoding).removeprefix("\ufeff").encode()


def _encoding(start: bytes) -> str:
    """Return the encoding of JSON by its first bytes, of which two are ASCII (RFC 4627, 3)."""
    found = json.detect_encoding(start)
    return "utf-8" if found == "utf-8-sig" else found


# --- what is in them --------------------------------------------------------------------------


def _broken(data: bytes) -> str | None:
    """Return what is wrong with a text as JSON, as msgspec says it."""
    try:
        str(data, "utf-8")  # which is not looked at where a text is passed over
        msgspec.json.decode(data, type=msgspec.Raw)
    except UnicodeDecodeError as error:
        return f"it is not in UTF-8 (byte {error.start})"
    except msgspec.DecodeError as error:
        return str(error)
    except RecursionError:
        return "it is nested too deep"
    return None


def _unreadable(text: _Text, reason: str) -> Unreadable:
    """Return the error with the line that its byte stands in, the last where it names none."""
    at = _BYTE.search(reason)
    end = int(at[1]) if at else len(text.data.rstrip())
    line = text.line + text.data.count(b"\n", 0, end)
    return Unreadable(Place(text.name, line), _without_byte(reason))


def _without_byte(reason: str) -> str:
    reason = _BYTE.sub("", reason)
    return reason[:1].lower() + reason[1:] if not reason.startswith("JSON") else reason


def _walk(text: _Text) -> Iterator[Reading]:
    start = text.data.lstrip()[:1]
    if text.depth > _DEEPEST:
        yield Unreadable(text.place, "it is nested too deep")
    elif start == b"[":
        for part in _in_order(text):
            yield from _walk(part)
    elif start == b"{":
        yield from _walk_object(text)


def _in_order(text: _Text) -> list[_Text]:
    """Return the parts of a list, the oldest first.

    Lists of the API are newest first unless they were asked for otherwise, and within a second
    only their order tells which message came first.
    """
    parts = []
    for data, line in _located(text, _parts.decode(text.data)):
        parts.append(replace(text, data=data, line=line, is_page=False, depth=text.depth + 1))
    if len(parts) < 2:
        return parts
    first, last = _created_at(parts[0].data), _created_at(parts[-1].data)
    is_newest_first = first > last or (first == last and text.is_page)
    return parts[::-1] if is_newest_first else parts


def _created_at(data: bytes) -> float:
    try:
        return _dated.decode(data).created_at
    except msgspec.MsgspecError:
        return 0


def _located(text: _Text, parts: list[msgspec.Raw]) -> Iterator[tuple[bytes, int]]:
    """Yield each part with the line at which it begins."""
    at, line = 0, text.line
    for part in parts:
        data = bytes(part)
        start = max(text.data.find(data, at), at)
        line += text.data.count(b"\n", at, start)
        yield data, line
        at = start + len(data)
        line += data.count(b"\n")


def _walk_object(text: _Text) -> Iterator[Reading]:
    try:
        members = _members.decode(text.data)
    except msgspec.DecodeError as error:  # the escape of half a character, in a name
        yield _unreadable(text, str(error))
        return
    named = _text_of(members.get("object"))
    if named == "list":
        data = bytes(members.get("data") or b"[]")
        (_, line) = next(_located(text, [msgspec.Raw(data)]))
        yield from _walk(replace(text, data=data, line=line, is_page=True, depth=text.depth + 1))
        return
    kind = kind_of({"id": _text_of(members.get("id"))}, text.guess) if named is None else None
    kind = next((known for known in KINDS if known == named), kind)
    if kind is not None:
        yield from _emit(text, kind, members)
    elif named is not None:
        yield PassedOver(named)
    else:
        yield from _walk_members(text, members)


def _walk_members(text: _Text, members: Mapping[str, msgspec.Raw]) -> Iterator[Reading]:
    """Yield what is in an object that is none of the API's, such as one thread with all of its."""
    format_ = _text_of(members.get("format")) or ""
    if format_.startswith(_FORMATS) and format_ != FORMAT:
        yield Unreadable(text.place, f"its format is '{format_}', and only '{FORMAT}' is known")
        return
    around = {**text.around, **_ids_in(members)}
    places = _located(text, list(members.values()))
    for name, (data, line) in zip(members, places, strict=True):
        guess = KIND_OF_MEMBER.get(name, text.guess)
        part = _Text(data, line, text.name, guess, around, text.is_page, text.depth + 1)
        yield from _walk(part)


def _ids_in(members: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    """Return the ids that the neighbours of lists are known by."""
    ids = {name: _text_of(members.get(name)) for name in ("thread_id", "run_id")}
    for name in ("thread", "run", "vector_store"):
        if name in members and (id_ := _id_of(members[name])):
            ids[f"{name}_id"] = id_
    return {name: id_ for name, id_ in ids.items() if id_}


def _emit(text: _Text, kind: Kind, members: Mapping[str, msgspec.Raw]) -> Iterator[Reading]:
    """Yield an object, and those that are embedded in it."""
    try:
        fields = msgspec.json.decode(text.data)
    except msgspec.DecodeError as error:
        yield _unreadable(text, str(error))
        return
    if _is_too_deep(fields):
        yield Unreadable(text.place, f"the {kind} is nested too deep")
        return
    embedded = {
        name: inner
        for name, inner in EMBEDDED.get(kind, {}).items()
        if isinstance(fields.get(name), list | dict)
    }
    own = {name: value for name, value in fields.items() if name not in embedded}
    yield found_in(kind, own, text.place, text.around)
    around = {**text.around, f"{kind.rpartition('.')[2]}_id": str(fields.get("id"))}
    places = _located(text, list(members.values()))
    for name, (data, line) in zip(members, places, strict=True):
        if name in embedded:
            yield from _walk(_Text(data, line, text.name, embedded[name], around, depth=text.depth))


def _is_too_deep(value: object) -> bool:
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > _DEEPEST:
            return True
        if isinstance(part, dict):
            waiting += [(inner, depth + 1) for inner in part.values()]
        elif isinstance(part, list):
            waiting += [(inner, depth + 1) for inner in part]
    return False


def _text_of(raw: msgspec.Raw | None) -> str | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=str)
    except msgspec.MsgspecError:
        return None


def _id_of(raw: msgspec.Raw) -> str | None:
    try:
        return _text_of(_members.decode(raw).get("id"))
    except msgspec.MsgspecError:
        return None
