"""What every parser gives and obeys: blocks of text, the limits, and the one way to fail."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

FailureCode = Literal["server_error", "unsupported_file", "invalid_file"]

LONGEST_BLOCK = 64 * 1024
"""Characters; longer ones are cut, so that no side of a pipe ever holds much."""
_LONGEST_PLACE = 1_000
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
"""Control characters and halves of surrogate pairs."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document that is not to be mixed with what stands in another place.

    A table's `text` has one row a line; `header` names its columns, to stand before every chunk.
    White space at the end of `text` says how the next block follows; without it, as a paragraph.
    """

    text: str
    page: int | None
    """From 1: page, slide number or sheet index; None where the format has none."""
    heading: str | None
    """Nearest heading, sheet name, slide title or JSON path."""
    is_table: bool = False
    header: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may cost before it is given up."""

    time_s: float = 300
    memory_bytes: int = 1024**3
    pages: int = 5_000
    text_chars: int = 500_000_000
    unpacked_bytes: int = 512 * 1024**2


class ExtractionFailed(Exception):
    """The file has no text for us; the message names cause and remedy in plain words."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code: FailureCode = code
        self.message = message


def bounded(blocks: Iterable[Block], limits: Limits) -> Iterator[Block]:
    """Yield `blocks` without the empty ones, long ones cut, as long as their text is allowed.

    Raises ExtractionFailed beyond `limits.text_chars`, and when there is no text at all.
    """
    chars = 0
    for block in blocks:
        if not block.text.strip():
            continue
        block = _storable(block)
        chars += len(block.text)
        if chars > limits.text_chars:
            raise ExtractionFailed(
                "invalid_file",
                f"The file has more than {limits.text_chars:,} characters of text: split it.",
            )
        yield from _cut(block)
    if not chars:
        raise ExtractionFailed("invalid_file", "The file holds no text.")


def _storable(block: Block) -> Block:
    """Return `block` without what databases and JSON refuse, its place not too long."""
    heading = block.heading and _UNSTORABLE.sub(" ", block.heading[:_LONGEST_PLACE])
    header = block.header and _UNSTORABLE.sub(" ", block.header[:_LONGEST_PLACE])
    text = _UNSTORABLE.sub(" ", block.text)
    return replace(block, text=text, heading=heading, header=header)


def _cut(block: Block) -> Iterator[Block]:
    if len(block.text) <= LONGEST_BLOCK:
        yield block
        return
    for piece in pieces(block.text):
        yield replace(block, text=piece)


def pieces(text: str) -> Iterator[str]:
    """Cut `text` into pieces of at most LONGEST_BLOCK characters, at white space where there is."""
    start = 0
    while len(text) - start > LONGEST_BLOCK:
        end = cut_at(text, start, start + LONGEST_BLOCK)
        yield text[start:end]
        start = end
    yield text[start:]


def cut_at(text: str, start: int, end: int) -> int:
    """Return the best place up to `end` to cut: after a paragraph, a line or a word, else `end`."""
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, start + (end - start) // 2, end)
        if found >= 0:
            return found + len(mark)
    return end
