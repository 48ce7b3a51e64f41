"""HTML: text in reading order under its headings, tables as rows; no scripts, no styles."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.retrieval.extract.blocks import Block, ExtractionFailed
from understudy.retrieval.extract.encoding import whole_text
from understudy.retrieval.extract.rows import Row, clean, titled_table

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_MOST_BYTES = 64 * 1024**2
_SILENT = {"script", "style", "template", "noscript", "head", "svg", "math", "iframe", "object"}
_SILENT |= {"canvas", "select", "button", "textarea"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_PARAGRAPHS = _HEADINGS | {
    *("address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl"),
    *("dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "li", "main"),
    *("nav", "ol", "p", "pre", "section", "summary", "table", "td", "th", "tr", "ul", "html"),
}


def html_blocks(path: Path) -> Iterator[Block]:
    """Yield a page's paragraphs and tables, each under the nearest heading before it."""
    from lxml import etree, html

    text = whole_text(path, _MOST_BYTES)
    # A huge tree is one that nests deeply; how much it may take, the child's limits say.
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = html.document_fromstring(text.encode(), parser=parser)
    except etree.ParserError:
        return
    if parser.error_log.filter_from_fatals():
        raise ExtractionFailed(
            "invalid_file", "The page nests its elements too deeply to be read: simplify it."
        )
    yield from _Walk().blocks(root)


class _Walk:
    """A walk over the tree that gathers paragraphs; a loop, since pages may nest at will."""

    def __init__(self) -> None:
        self._heading: str | None = None
        self._words: list[str] = []

    def blocks(self, root: "HtmlElement") -> Iterator[Block]:
        stack: list[tuple[HtmlElement, bool]] = [(root, True)]
        while stack:
            element, is_start = stack.pop()
            if not is_start:
                yield from self._leave(element)
            elif element.tag in _SILENT:
                self._add(element.tail)
            elif element.tag == "table" and _is_data(element):
                yield from self._table(element)
            else:
                yield from self._enter(element)
                stack.append((element, False))
                stack.extend((child, True) for child in reversed(element))

    def _table(self, table: "HtmlElement") -> Iterator[Block]:
        yield from self._paragraph(table)
        for caption in table.iterchildren("caption"):
            yield Block(clean(_text(caption)), None, self._heading)
        yield from titled_table(_rows(table), None, self._heading)
        self._add(table.tail)

    def _enter(self, element: "HtmlElement") -> Iterator[Block]:
        if element.tag in _PARAGRAPHS:
            yield from self._paragraph(element)
        if element.tag == "li":
            self._words.append("- ")
        if element.tag == "br":
            self._words.append("\n")
        self._add(element.text)

    def _leave(self, element: "HtmlElement") -> Iterator[Block]:
        if element.tag in _HEADINGS:
            self._heading = clean("".join(self._words)) or self._heading
        if element.tag in _PARAGRAPHS:
            yield from self._paragraph(element)
        self._add(element.tail)

    def _add(self, text: str | None) -> None:
        if text:
            self._words.append(text)

    def _paragraph(self, element: "HtmlElement") -> Iterator[Block]:
        text = "".join(self._words)
        self._words = []
        text = text.strip("\n") if element.tag == "pre" else clean(text)
        if text.strip(" -"):
            end = "\n" if element.tag == "li" else ""
            yield Block(text + end, None, self._heading)


def _is_data(table: "HtmlElement") -> bool:
    """Tell a table from a page layout: no table inside, and a row of two cells or more."""
    return next(table.iterdescendants("table"), None) is None and any(
        len(row) > 1 for row in table.iter("tr")
    )


def _rows(table: "HtmlElement") -> list[Row]:
    """Return the cells' text, those that span rows or columns repeated or left empty."""
    rows: list[Row] = []
    below: dict[int, tuple[int, str]] = {}
    for element in table.iter("tr"):
        row: list[str] = []
        for cell in element.iterchildren("td", "th"):
            _fill_from_above(row, below)
            text = clean(_text(cell))
            columns, deep = _span(cell, "colspan"), _span(cell, "rowspan")
            if deep > 1:
                below[len(row)] = (deep - 1, text)
            row += [text] + [""] * (columns - 1)
        _fill_from_above(row, below)
        rows.append(row)
    return rows


def _fill_from_above(row: list[str], below: dict[int, tuple[int, str]]) -> None:
    while len(row) in below:
        column = len(row)
        left, text = below.pop(column)
        if left > 1:
            below[column] = (left - 1, text)
            row.append(text)
            continue
        row.append(text)


def _span(cell: "HtmlElement", name: str) -> int:
    value = cell.get(name, "1")
    return min(int(value), _MOST_SPAN) if value.isascii() and value.isdigit() else 1


_MOST_SPAN = 100


def _text(cell: "HtmlElement") -> str:
    return " ".join(
        text
        for element in cell.iter()
        if isinstance(element.tag, str) and element.tag not in _SILENT
        for text in (element.text or "", (element.tail or "") if element is not cell else "")
    )
