"""CSV and TSV, row by row: the delimiter is sniffed, the first row names the columns."""

import csv
import io
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from understudy.retrieval.extract.blocks import LONGEST_BLOCK, Block
from understudy.retrieval.extract.encoding import text_pieces
from understudy.retrieval.extract.rows import clean, lazily_headed

_DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 16 * 1024
_SAMPLE_LINES = 20


def delimited_blocks(path: Path) -> Iterator[Block]:
    """Yield the rows of a delimited file under its header."""
    csv.field_size_limit(LONGEST_BLOCK * 16)
    pieces = text_pieces(path)
    first = next(pieces, "")
    lines = _lines(chain([first], pieces))
    reader = csv.reader(lines, delimiter=_delimiter(first[:_SAMPLE_CHARS]), skipinitialspace=True)
    yield from lazily_headed(([clean(cell) for cell in row] for row in reader), None, None)


def _delimiter(sample: str) -> str:
    """Return the delimiter that divides the first lines most evenly.

    The standard sniffer's patterns can take minutes on odd input, so each delimiter is tried.
    """
    lines = sample.splitlines()[:_SAMPLE_LINES]

    def evenness(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        widest = max(widths, default=0)
        if widest < 2:
            return 0.0, 0
        common = max(set(widths) - {1}, key=widths.count)
        return widths.count(common) / len(widths), common

    return max(_DELIMITERS, key=evenness)


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    """Yield lines with their ends; one that never ends is cut."""
    held = ""
    for piece in pieces:
        lines = io.StringIO(held + piece, newline="\n").readlines()
        held = "" if lines and lines[-1].endswith("\n") else lines.pop() if lines else ""
        yield from lines
        if len(held) > LONGEST_BLOCK * 8:
            yield held
            held = ""
    if held:
        yield held
