"""Plain text, source code and Markdown, read piece by piece; Markdown's headings are kept."""

import re
from collections.abc import Iterator
from pathlib import Path

from understudy.retrieval.extract.blocks import LONGEST_BLOCK, Block, cut_at
from understudy.retrieval.extract.encoding import text_pieces

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$")
_FENCE = re.compile(r" {0,3}(```|~~~)")


def text_blocks(path: Path) -> Iterator[Block]:
    """Yield the text of a file, cut between paragraphs or lines where it has them."""
    held = ""
    for piece in text_pieces(path):
        held += piece
        while len(held) > LONGEST_BLOCK:
            end = cut_at(held, 0, LONGEST_BLOCK)
            yield Block(held[:end], None, None)
            held = held[end:]
    yield Block(held, None, None)


def markdown_blocks(path: Path) -> Iterator[Block]:
    """Yield the sections of a Markdown file, each under its heading."""
    heading: str | None = None
    lines: list[str] = []
    fence = ""
    for line in _lines(path):
        if found := _FENCE.match(line):
            fence = "" if fence == found[1] else fence or found[1]
        elif not fence and (found := _HEADING.match(line)):
            yield Block("".join(lines), None, heading)
            heading, lines = found[1], []
        lines.append(line)
        if len(lines) > _MOST_LINES:
            yield Block("".join(lines), None, heading)
            lines = []
    yield Block("".join(lines), None, heading)


_MOST_LINES = 500


def _lines(path: Path) -> Iterator[str]:
    for block in text_blocks(path):
        yield from block.text.splitlines(keepends=True)
