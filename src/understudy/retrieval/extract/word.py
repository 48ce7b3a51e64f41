"""Word documents: paragraphs, lists and tables in their order, under their headings."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.retrieval.extract.blocks import Block
from understudy.retrieval.extract.rows import Row, clean, titled_table

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table
    from docx.text.paragraph import Paragraph

_HEADINGS = ("heading", "title")


def word_blocks(path: Path) -> Iterator[Block]:
    """Yield the body of a .docx; pages are unknown, since only printing makes them."""
    import docx
    from docx.table import Table

    heading: str | None = None
    with path.open("rb") as file:
        document = docx.Document(file)
    styles = _style_names(document)
    for item in document.iter_inner_content():
        if isinstance(item, Table):
            yield from titled_table(_rows(item), None, heading)
            continue
        style = styles.get(item._p.style or "", "")
        text = item.text.strip()
        if text and style.startswith(_HEADINGS):
            heading = clean(text)
        if text and (style.startswith("list") or _is_numbered(item)):
            text = f"- {text}\n"
        yield Block(text, None, heading)


def _style_names(document: "Document") -> dict[str, str]:
    """Return the names of styles by id; Word keeps them in English in every language.

    To ask a paragraph for its style would search all styles each time.
    """
    return {style.style_id: (style.name or "").lower() for style in document.styles}


def _is_numbered(paragraph: "Paragraph") -> bool:
    properties = paragraph._p.pPr
    return properties is not None and properties.numPr is not None


def _rows(table: "Table") -> list[Row]:
    """Return the cells' text; a cell over several columns counts once, over several rows always."""
    rows: list[Row] = []
    for row in table.rows:
        cells: list[str] = []
        last = None
        for cell in row.cells:
            cells.append("" if cell._tc is last else clean(cell.text))
            last = cell._tc
        rows.append(cells)
    return rows
