"""Strings that satisfy a schema's length, format and pattern, made without any text to go by."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "user@example.com",
    "idn-email": "user@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/",
    "iri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "",
    "regex": "",
}
_LONGEST = 100_000
_LONGEST_PATTERN = 2_000
_MOST_REPEATS = 1_000


def wants_format(schema: dict[str, Any]) -> bool:
    """Tell whether an empty string would break the schema's format."""
    return bool(_FORMATS.get(str(schema.get("format"))))


def strings(schema: dict[str, Any]) -> Iterator[str]:
    """Yield strings that may satisfy `schema`, the likeliest first."""
    formatted = _FORMATS.get(str(schema.get("format")))
    if formatted:
        yield formatted
    shortest = schema.get("minLength")
    length = min(shortest, _LONGEST) if isinstance(shortest, int) else 0
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        yield from _of_pattern(pattern, length)
    yield "x" * length


def _of_pattern(pattern: str, length: int) -> Iterator[str]:
    if len(pattern) > _LONGEST_PATTERN:
        return
    for extra in dict.fromkeys((0, 1, 2, 4, length)):
        try:
            made = _Pattern(pattern, extra).alternatives()
        except (_UnreadableError, RecursionError):
            return
        yield made
        if len(made) < length:
            yield made + made[-1:] * (length - len(made))
            yield "x" * (length - len(made)) + made


class _UnreadableError(Exception):
    """The pattern uses something that is not generated here, such as a look-around."""


@dataclass
class _Pattern:
    """A recursive-descent reader that writes one match. Unbounded parts are repeated `extra` times
    more than they must be."""

    source: str
    extra: int
    position: int = 0

    def alternatives(self) -> str:
        first = self._sequence()
        while self._next() == "|":
            self.position += 1
            self._sequence()
        return first

    def _sequence(self) -> str:
        made = ""
        while self._next() not in ("", "|", ")"):
            atom = self._atom()
            made += atom * self._repeats(bool(atom))
            if len(made) > _LONGEST:
                raise _UnreadableError
        return made

    def _next(self) -> str:
        return self.source[self.position : self.position + 1]

    def _take(self) -> str:
        sign = self._next()
        if not sign:
            raise _UnreadableError
        self.position += 1
        return sign

    def _atom(self) -> str:
        match sign := self._take():
            case "^" | "$":
                return ""
            case "(":
                return self._group()
            case "[":
                return self._set()
            case "\\":
                return self._escape()
            case ".":
                return "x"
        return sign

    def _group(self) -> str:
        if self._next() == "?":
            self.position += 1
            kind = self._take()
            if kind in "=!" or (kind == "<" and self._next() in "=!"):
                raise _UnreadableError
            if kind in "P<":
                while self._take() != ">":
                    pass
        made = self.alternatives()
        if self._take() != ")":
            raise _UnreadableError
        return made

    def _set(self) -> str:
        negated = self._next() == "^"
        self.position += negated
        members = ""
        while self._next() != "]" or not members:
            sign = self._take()
            members += self._escape() if sign == "\\" else sign
        self.position += 1
        if not negated:
            return members[0]
        spans = _expanded(members)
        return next((sign for sign in "xa0A_ -é" if sign not in spans), "\u2603")

    def _escape(self) -> str:
        sign = self._take()
        if sign in "bB":
            return ""
        if sign in "xu":
            size = 2 if sign == "x" else 4
            digits = self.source[self.position : self.position + size]
            self.position += size
            return _from_hex(digits)
        if sign in "pP":
            return self._property()
        return _CLASSES.get(sign, sign)

    def _property(self) -> str:
        end = self.source.find("}", self.position)
        if end < 0:
            raise _UnreadableError
        name = self.source[self.position + 1 : end]
        self.position = end + 1
        return {"L": "x", "Lu": "X", "N": "0", "Nd": "0", "Z": " ", "P": "."}.get(name, "x")

    def _repeats(self, writes: bool) -> int:
        least = self._least()
        if self._next() in ("?", "+") and least is not None:
            self.position += 1
        return min(1 if least is None else least, _MOST_REPEATS) if writes else 0

    def _least(self) -> int | None:
        match self._next():
            case "*":
                self.position += 1
                return self.extra
            case "+":
                self.position += 1
                return max(1, self.extra)
            case "?":
                self.position += 1
                return 0
            case "{":
                return self._counted()
        return None

    def _counted(self) -> int | None:
        end = self.source.find("}", self.position)
        low, _, high = self.source[self.position + 1 : end].partition(",")
        if end < 0 or not low.isdecimal():
            return None
        bounded = "," not in self.source[self.position : end] or high.isdecimal()
        self.position = end + 1
        wanted = int(low) + self.extra
        return int(low) if bounded and not high else min(wanted, int(high)) if high else wanted


_CLASSES = {"d": "0", "D": "x", "w": "x", "W": " ", "s": " ", "S": "x", "n": "\n", "t": "\t",
            "r": "\r", "f": "\f", "v": "\v", "A": "", "Z": "", "z": ""}  # fmt: skip


def _from_hex(digits: str) -> str:
    try:
        return chr(int(digits, 16))
    except ValueError as error:
        raise _UnreadableError from error


def _expanded(members: str) -> set[str]:
    spans = set(members)
    for before, dash, after in zip(members, members[1:], members[2:], strict=False):
        if dash == "-" and ord(before) <= ord(after) <= ord(before) + 200:
            spans.update(chr(code) for code in range(ord(before), ord(after) + 1))
    return spans
