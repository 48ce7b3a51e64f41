"""Tables as text: each row one line that can be quoted alone, "Column: value; Column: value"."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from understudy.retrieval.extract.blocks import Block

_SPACE = re.compile(r"\s+")
_BLOCK_CHARS = 16 * 1024
_LONGEST_NAME = 80
_NUMBER = re.compile(r"[-+($€£¥]*\d[\d.,:/%\s-]*[)€$%]*")

Row = Sequence[str]


def clean(value: str | None) -> str:
    """Return a cell's text on one line."""
    return _SPACE.sub(" ", value).strip() if value else ""


def looks_like_header(row: Row) -> bool:
    """Tell whether `row` names columns: two or more short cells, none a number or a repetition."""
    named = [cell for cell in row if cell]
    return (
        len(named) >= 2
        and len(set(named)) == len(named)
        and all(len(c) <= _LONGEST_NAME and not _NUMBER.fullmatch(c) for c in named)
    )


def header_line(names: Row) -> str | None:
    """Return the line that names the columns, or None without names."""
    return " | ".join(name for name in names if name) or None


def row_line(names: Row, row: Row) -> str:
    """Return one row as a line; empty cells are left out, cells without a name stand alone."""
    cells = []
    for number, cell in enumerate(row):
        name = names[number] if number < len(names) else ""
        if cell:
            cells.append(f"{name.rstrip(':')}: {cell}" if name else cell)
    return "; ".join(cells)


def table_blocks(
    rows: Iterable[Row], names: Row, page: int | None, heading: str | None
) -> Iterator[Block]:
    """Yield a table's rows, some 16,000 characters a block."""
    header, lines, chars = header_line(names), [], 0
    for row in rows:
        line = row_line(names, row)
        if not line:
            continue
        lines.append(line)
        chars += len(line)
        if chars >= _BLOCK_CHARS:
            yield Block("\n".join(lines), page, heading, is_table=True, header=header)
            lines, chars = [], 0
    if lines:
        yield Block("\n".join(lines), page, heading, is_table=True, header=header)


def split_header(rows: Sequence[Row]) -> tuple[str | None, Row, Sequence[Row]]:
    """Return a small table's title (a first row of one cell), column names and other rows."""
    title = None
    if len(rows) > 1 and sum(map(bool, rows[0])) == 1:
        title, rows = next(cell for cell in rows[0] if cell), rows[1:]
    if len(rows) > 1 and looks_like_header(rows[0]):
        return title, rows[0], rows[1:]
    return title, (), rows


def titled_table(rows: Sequence[Row], page: int | None, heading: str | None) -> Iterator[Block]:
    """Yield a table that is whole in memory, its title as heading, its first row as header."""
    title, names, data = split_header(rows)
    if title is not None:
        yield Block(title, page, heading)
    yield from table_blocks(data, names, page, title or heading)


def lazily_headed(rows: Iterator[Row], page: int | None, heading: str | None) -> Iterator[Block]:
    """Yield a table that is read row by row; lines before the header are its title."""
    title: list[Row] = []
    for row in rows:
        if not any(row):
            continue
        if looks_like_header(row):
            yield from _title(title, page, heading)
            yield from table_blocks(rows, row, page, heading)
            return
        title.append(row)
        if len(title) == _MOST_TITLE_ROWS or sum(map(bool, row)) > 1:
            break
    yield from table_blocks(chain(title, rows), (), page, heading)


_MOST_TITLE_ROWS = 5


def _title(rows: list[Row], page: int | None, heading: str | None) -> Iterator[Block]:
    if rows:
        yield Block("\n".join(row_line((), row) for row in rows), page, heading)
