"""From blocks to chunks of so many tokens, each with its place. Pure; never holds a document.

Text is cut where it hurts least: between paragraphs, lines, sentences, then words. A chunk never
mixes two pages, and a table's rows stay whole under their header.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from understudy.retrieval.extract.blocks import Block
from understudy.wire.tokens import count as count_tokens

if TYPE_CHECKING:
    from semantic_text_splitter import TextSplitter

_MOST_HELD_CHARS = 128 * 1024
_LARGEST_HEADER_SHARE = 0.5
_FILL = 0.9
"""Share of `max_tokens` aimed at, so that few pieces come out too large."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """How large chunks are; the default is what `auto` means."""

    max_tokens: int = 800
    overlap_tokens: int = 400


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document as it is searched and cited; `index` counts from 0."""

    index: int
    text: str
    page: int | None
    heading: str | None
    tokens: int


def chunks(blocks: Iterable[Block], chunking: Chunking) -> Iterator[Chunk]:
    """Yield the chunks of a document, none over `max_tokens`, neighbours of a page overlapping.

    Rows of tables are not repeated, except for the header.
    """
    index = 0
    for (_, is_table), group in groupby(blocks, lambda block: (block.page, block.is_table)):
        cut = _table_pieces if is_table else _text_pieces
        for text, block in cut(group, chunking):
            if text:
                yield Chunk(index, text, block.page, block.heading, count_tokens(text))
                index += 1


def _text_pieces(blocks: Iterable[Block], chunking: Chunking) -> Iterator[tuple[str, Block]]:
    """Yield stripped texts, each with the block in which it begins."""
    held = _Held()
    for block in blocks:
        held.add(block)
        if len(held.text) >= _MOST_HELD_CHARS:
            *ready, last = _cut(held.text, chunking)
            for start, text in ready:
                yield _stripped(text), held.block_at(start, text)
            # The last piece begins with the overlap, and may have to grow.
            held.drop(last[0])
    for start, text in _cut(held.text, chunking):
        yield _stripped(text), held.block_at(start, text)


def _cut(text: str, chunking: Chunking) -> Iterator[tuple[int, str]]:
    """Yield pieces of `text` of at most `max_tokens`, and where each begins.

    The splitter is asked for so many characters as tokens take here, which is ten times faster
    than to let it count tokens; it counts where that came out too large.
    """
    total = count_tokens(text)
    if total <= chunking.max_tokens:
        yield 0, text
        return
    chars_per_token = len(text) / total
    for start, piece in _rough_splitter(chunking, chars_per_token).chunk_indices(text):
        if count_tokens(piece) <= chunking.max_tokens:
            yield start, piece
            continue
        exact = _exact_splitter(chunking.max_tokens, chunking.overlap_tokens)
        for offset, part in exact.chunk_indices(piece):
            yield start + offset, part


def _stripped(text: str) -> str:
    """Return `text` without what surrounds it; indentation means something in code and stays."""
    lines = text.rstrip().lstrip("\r\n")
    return lines[1:] if lines[:1] == " " and lines[1:2] != " " else lines


@dataclass(slots=True)
class _Held:
    """Text that waits to be cut, and which block began where in it."""

    text: str = ""
    begins: list[tuple[int, Block]] = field(default_factory=list)

    def add(self, block: Block) -> None:
        if self.text and not self.text[-1].isspace():
            self.text += "\n\n"
        self.begins.append((len(self.text), block))
        self.text += block.text

    def block_at(self, start: int, text: str = "") -> Block:
        """Return the block of the first word of `text`, which begins at `start`."""
        position = start + len(text) - len(text.lstrip())
        return [block for begin, block in self.begins if begin <= position][-1]

    def drop(self, position: int) -> None:
        """Forget what stands before `position`."""
        first = self.block_at(position)
        later = [(start - position, block) for start, block in self.begins if start > position]
        self.begins = [(0, first), *later]
        self.text = self.text[position:]


def _table_pieces(blocks: Iterable[Block], chunking: Chunking) -> Iterator[tuple[str, Block]]:
    """Yield groups of whole rows, each under the heading and the header of its table."""
    for _, parts in groupby(blocks, lambda block: (block.heading, block.header)):
        packed: _Rows | None = None
        for block in parts:
            packed = packed or _Rows(block, chunking)
            for row in block.text.splitlines():
                yield from packed.add(row)
        if packed is not None:
            yield from packed.rest()


class _Rows:
    """Rows that fit into one chunk below their heading and header: a row alone tells neither."""

    def __init__(self, block: Block, chunking: Chunking) -> None:
        self._block = block
        self._max_tokens = chunking.max_tokens
        header = "".join(f"{line}\n" for line in (block.heading, block.header) if line)
        if count_tokens(header) > _LARGEST_HEADER_SHARE * chunking.max_tokens:
            header = ""
        self._header = header
        self._rows: list[str] = []
        self._room = self._full_room = chunking.max_tokens - count_tokens(header)

    def add(self, row: str) -> Iterator[tuple[str, Block]]:
        """Take a row, and yield what it does not fit to."""
        size = count_tokens(f"\n{row}")
        if size > self._room:
            yield from self.rest()
        if size > self._full_room:
            # One row alone is over the limit: it is cut as text is.
            for piece in _exact_splitter(self._full_room, 0).chunks(row):
                yield self._header + piece.strip(), self._block
            return
        self._rows.append(row)
        self._room -= size

    def rest(self) -> Iterator[tuple[str, Block]]:
        """Yield the rows taken so far."""
        if self._rows:
            yield self._header + "\n".join(self._rows), self._block
        self._rows, self._room = [], self._full_room


def _rough_splitter(chunking: Chunking, chars_per_token: float) -> "TextSplitter":
    from semantic_text_splitter import TextSplitter

    size = max(1, int(chunking.max_tokens * chars_per_token * _FILL))
    overlap = min(size - 1, int(chunking.overlap_tokens * chars_per_token))
    return TextSplitter(size, overlap=overlap, trim=False)


def _exact_splitter(max_tokens: int, overlap_tokens: int) -> "TextSplitter":
    from semantic_text_splitter import TextSplitter

    return TextSplitter.from_callback(count_tokens, max_tokens, overlap=overlap_tokens, trim=False)
