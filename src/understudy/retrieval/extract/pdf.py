"""PDF: each page's text as it reads, its ruled tables as rows; no pictures, no recognition.

A page with ruled lines is searched for tables by `pdf_tables`.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.retrieval.extract.blocks import Block, ExtractionFailed, Limits
from understudy.retrieval.extract.pdf_lines import (
    last_title,
    plain_lines,
    reflowed,
    running,
    running_in,
)
from understudy.retrieval.extract.pdf_regions import Box, around
from understudy.retrieval.extract.pdf_rules import could_be_table, rules
from understudy.retrieval.extract.pdf_tables import Continuation, Table, ruled_tables
from understudy.retrieval.extract.rows import clean, table_blocks

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

_PASSWORD_ERROR = 4
_SECURITY_ERROR = 5
_SAMPLED_PAGES = 8
_MARGIN_SHARE = 0.07
_HELD_BYTES = 32 * 1024**2
"""Of a document, read before it is opened anew."""


def pdf_blocks(path: Path, limits: Limits) -> Iterator[Block]:
    """Yield text and tables of every page; raises ExtractionFailed when no page has text."""
    with closing(_open(path)) as document:
        pages = len(document)
        if pages > limits.pages:
            raise ExtractionFailed(
                "invalid_file",
                f"The PDF has {pages:,} pages, more than {limits.pages:,}: split it.",
            )
        repeated = _running_lines(document)
    has_text = False
    for block in _pages(path, pages, repeated):
        has_text = has_text or bool(block.text.strip())
        yield block
    if not has_text:
        raise ExtractionFailed(
            "unsupported_file",
            f"None of the PDF's {pages:,} pages has text, so it is probably a scan: recognise its "
            "text first, for example with: ocrmypdf in.pdf out.pdf",
        )


def _open(path: Path) -> "PdfDocument":
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        return PdfDocument(path)
    except PdfiumError as error:
        if error.err_code in (_PASSWORD_ERROR, _SECURITY_ERROR):
            raise ExtractionFailed(
                "unsupported_file", "The PDF has a password: save it without one."
            ) from error
        raise ExtractionFailed(
            "invalid_file",
            "The PDF is damaged or cut off: open it in a PDF reader and save it again.",
        ) from error


def _pages(path: Path, pages: int, repeated: frozenset[str]) -> Iterator[Block]:
    continuation = Continuation()
    at_once = max(1, _HELD_BYTES * pages // max(1, path.stat().st_size))
    for first in range(1, pages + 1, at_once):
        # PDFium keeps whatever it has read of a document, pictures too, until that is closed.
        with closing(_open(path)) as document:
            for number in range(first, min(first + at_once, pages + 1)):
                with closing(_page(document, number)) as page, closing(page.get_textpage()) as text:
                    parts = _parts(page, text, repeated)
                    yield from _page_blocks(number, parts, continuation)


def _page(document: "PdfDocument", number: int) -> "PdfPage":
    from pypdfium2 import PdfiumError

    try:
        return document[number - 1]
    except PdfiumError as error:
        raise ExtractionFailed(
            "invalid_file",
            f"Page {number} of the PDF is damaged: open it in a PDF reader and save it again.",
        ) from error


def _running_lines(document: "PdfDocument") -> frozenset[str]:
    """Return the headers and footers that a sample of the pages has in common."""
    pages = len(document)
    sample = sorted({1 + i * (pages - 1) // _SAMPLED_PAGES for i in range(_SAMPLED_PAGES + 1)})
    margins = []
    for number in sample:
        with closing(_page(document, number)) as page, closing(page.get_textpage()) as text:
            margins.append(_margin(page, text))
    return running(margins)


def _margin(page: "PdfPage", text: "PdfTextPage") -> list[str]:
    """Return the lines at the very top and the very bottom of a page."""
    left, bottom, right, top = page.get_bbox()
    depth = _MARGIN_SHARE * (top - bottom)
    upper, lower = Box(left, top - depth, right, top), Box(left, bottom, right, bottom + depth)
    return _lines_in(text, upper) + _lines_in(text, lower)


def _parts(page: "PdfPage", text: "PdfTextPage", repeated: frozenset[str]) -> Iterator[str | Table]:
    """Yield the page's texts and tables as they follow each other, no text twice."""
    dropped = running_in(_margin(page, text), repeated) if repeated else frozenset()
    tables = _tables(page, text)
    if not tables:
        yield _body(plain_lines(text.get_text_range()), dropped)
        return
    whole = Box(*page.get_bbox())
    for box, index in around(whole, [table.box for table in tables]):
        yield _body(_lines_in(text, box), dropped) if index is None else tables[index]


def _body(lines: Sequence[str], dropped: frozenset[str]) -> str:
    return reflowed([line for line in lines if line not in dropped])


def _tables(page: "PdfPage", text: "PdfTextPage") -> list[Table]:
    # On a turned page rows would be columns.
    found = rules(page) if page.get_rotation() == 0 else []
    if not could_be_table(found):
        return []
    return ruled_tables(found, lambda box: clean(" ".join(_lines_in(text, box))))


def _lines_in(text: "PdfTextPage", box: Box) -> list[str]:
    return plain_lines(text.get_text_bounded(box.left, box.bottom, box.right, box.top))


def _page_blocks(
    number: int, parts: Iterator[str | Table], continuation: Continuation
) -> Iterator[Block]:
    above: str | None = None
    for part in parts:
        if isinstance(part, str):
            if part:
                continuation.forget()
                above = last_title(part) or above
                yield Block(part, number, None)
            continue
        title, names, rows = continuation.headed(part)
        if title is not None:
            yield Block(title, number, None)
        heading = title or continuation.title or above
        yield from table_blocks(rows, names, number, heading)
        continuation.remember(part, names, heading)
