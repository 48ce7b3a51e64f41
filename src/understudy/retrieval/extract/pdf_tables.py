"""The ruled tables of a PDF page: pdfplumber's geometry over PDFium's lines and text.

PDFium reads a page's lines and text some twenty times faster than pdfplumber itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from understudy.retrieval.extract.pdf_regions import Box
from understudy.retrieval.extract.pdf_rules import Rule
from understudy.retrieval.extract.rows import Row, split_header

_TOLERANCE = 3.0
_MOST_CROSSINGS = 2_500
_NEAR = 3.0

TextIn = Callable[[Box], str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table on a page: where it stands, and its cells' text, spanning cells filled in."""

    box: Box
    rows: Sequence[Row]


def ruled_tables(rules: Sequence[Rule], text_in: TextIn) -> list[Table]:
    """Return the tables that `rules` enclose, whose cells' text `text_in` gives."""
    from pdfplumber import table as geometry

    edges = geometry.merge_edges([_edge(rule) for rule in rules], *([_TOLERANCE] * 4))
    crossings = geometry.edges_to_intersections(edges, _TOLERANCE, _TOLERANCE)
    if len(crossings) > _MOST_CROSSINGS:
        return []
    cells = geometry.intersections_to_cells(crossings)
    page: Any = None  # of which a table knows its text; we take it from PDFium
    found = [geometry.Table(page, group) for group in geometry.cells_to_tables(cells)]
    tables = [Table(_box(table.bbox), _rows(table, text_in)) for table in found]
    return [table for table in tables if _is_table(table)]


def _edge(rule: Rule) -> dict[str, Any]:
    """Return a line as pdfplumber writes one; it counts y downwards."""
    box = rule.box
    return {
        "x0": box.left,
        "x1": box.right,
        "top": -box.top,
        "bottom": -box.bottom,
        "width": box.right - box.left,
        "height": box.top - box.bottom,
        "orientation": "h" if rule.is_horizontal else "v",
    }


def _box(bbox: tuple[float, float, float, float]) -> Box:
    left, top, right, bottom = bbox
    return Box(left, -bottom, right, -top)


def _rows(table: Any, text_in: TextIn) -> list[Row]:
    """Return the cells' text; a cell over several rows counts in each, over columns once."""
    rows: list[Row] = []
    spanning: dict[int, tuple[float, str]] = {}
    for row in table.rows:
        top = row.bbox[1]
        values = []
        for column, cell in enumerate(row.cells):
            if cell is not None:
                spanning[column] = (cell[3], text_in(_box(cell)))
            bottom, value = spanning.get(column, (top, ""))
            values.append(value if bottom > top + _TOLERANCE else "")
        rows.append(values)
    return rows


def _is_table(table: Table) -> bool:
    """Tell a table from a frame around text: two rows or more, two columns or more."""
    return len(table.rows) > 1 and any(sum(map(bool, row)) > 1 for row in table.rows)


@dataclass(slots=True)
class Continuation:
    """The table that the last page ended with, whose header the next page's first may share."""

    names: Row = ()
    title: str | None = None
    left: float = 0.0
    right: float = 0.0
    columns: int = 0

    def headed(self, table: Table) -> tuple[str | None, Row, Sequence[Row]]:
        """Return title, column names and data rows of a table, where it may go on from before."""
        if not self._continues(table):
            self.forget()
            return split_header(table.rows)
        rows = table.rows[1:] if list(table.rows[0]) == list(self.names) else table.rows
        return None, self.names, rows

    def remember(self, table: Table, names: Row, title: str | None) -> None:
        """Keep a table until something follows it."""
        self.names, self.title, self.columns = names, title, len(table.rows[0])
        self.left, self.right = table.box.left, table.box.right

    def forget(self) -> None:
        """Text follows: whatever table comes next is another one."""
        self.names, self.title = (), None

    def _continues(self, table: Table) -> bool:
        return (
            bool(self.names)
            and self.columns == len(table.rows[0])
            and abs(self.left - table.box.left) <= _NEAR
            and abs(self.right - table.box.right) <= _NEAR
        )
