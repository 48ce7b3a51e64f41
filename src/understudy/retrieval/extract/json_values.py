"""JSON and JSON Lines: each value on a line with its path, as `customer.city: Lugo`.

What claims to be JSON and is not is read as plain text.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from understudy.retrieval.extract.blocks import Block
from understudy.retrieval.extract.encoding import text_pieces, whole_text
from understudy.retrieval.extract.plain import text_blocks
from understudy.retrieval.extract.rows import clean

_MOST_BYTES = 64 * 1024**2
_BLOCK_CHARS = 16 * 1024


def json_blocks(path: Path) -> Iterator[Block]:
    """Yield the values of a JSON file, headed by the path of the part they stand in."""
    try:
        value = msgspec.json.decode(whole_text(path, _MOST_BYTES))
    except (msgspec.DecodeError, RecursionError):
        yield from text_blocks(path)
        return
    for heading, part in _parts(value):
        yield from _under(heading, _leaves(heading, part))


def json_lines_blocks(path: Path) -> Iterator[Block]:
    """Yield one record of a JSON Lines file after the other."""
    held = ""
    for piece in text_pieces(path):
        *lines, held = (held + piece).split("\n")
        yield from _under(None, map(_record, lines))
    yield from _under(None, [_record(held)])


def _record(line: str) -> str:
    try:
        return "; ".join(_leaves("", msgspec.json.decode(line)))
    except (msgspec.DecodeError, RecursionError):
        return line.strip()


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the parts that get a heading of their own: members, and the elements of lists."""
    for name, member in _members("", value):
        if isinstance(member, list) and any(isinstance(one, dict | list) for one in member):
            yield from _members(name, member)
        else:
            yield name, member


def _under(heading: str | None, lines: Iterable[str]) -> Iterator[Block]:
    held: list[str] = []
    chars = 0
    for line in lines:
        held.append(line)
        chars += len(line)
        if chars >= _BLOCK_CHARS:
            yield Block("\n".join(held) + "\n", None, heading)
            held, chars = [], 0
    yield Block("\n".join(held) + "\n", None, heading)


def _leaves(path: str, value: Any) -> Iterator[str]:
    """Yield `path: value` for every value inside, in order; without recursion, depth being free."""
    stack = [(path, value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict | list):
            stack.extend(reversed(list(_members(path, value))))
        elif value is not None and value != "":
            text = clean(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
            yield f"{path}: {text}" if path else text


def _members(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"{path}.{name}" if path else name, member) for name, member in value.items())
    elif isinstance(value, list):
        yield from ((f"{path}[{index}]", member) for index, member in enumerate(value))
    else:
        yield path, value
