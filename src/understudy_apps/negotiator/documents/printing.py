"""Prints pages of text and tables as PDF; knows nothing of what stands in them.

The same pages give the same bytes: no dates, no random ids.
"""

from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

_MARGIN_PT: Final = 56.0
_CHINESE_FONT: Final = "STSong-Light"


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its heading, paragraphs, and a table whose first row names the columns."""

    heading: str
    paragraphs: list[str] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)


def pdf_of(title: str, pages: list[Page], *, is_chinese: bool) -> bytes:
    """Return pages as a PDF, each beginning on a sheet of its own."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import PageBreak, SimpleDocTemplate

    fonts = _chinese_fonts() if is_chinese else ("Helvetica", "Helvetica-Bold")
    parts: list[Flowable] = []
    for page in pages:
        parts += [*_parts(page, fonts), PageBreak()]
    buffer = BytesIO()
    sizes = {f"{side}Margin": _MARGIN_PT for side in ("left", "right", "top", "bottom")}
    document = SimpleDocTemplate(
        buffer, pagesize=A4, title=title, author="Negotiator", invariant=1, **sizes
    )
    document.build(parts[:-1])
    return buffer.getvalue()


@cache
def _chinese_fonts() -> tuple[str, str]:
    """Make known the Chinese font that readers of PDF have themselves; it has no bold form."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE_FONT))
    return _CHINESE_FONT, _CHINESE_FONT


def _parts(page: Page, fonts: tuple[str, str]) -> "list[Flowable]":
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, Spacer

    body, bold = fonts
    wrap = "CJK" if body == _CHINESE_FONT else None
    head = ParagraphStyle("heading", fontName=bold, fontSize=17, leading=24, spaceAfter=10)
    text = ParagraphStyle(
        "text", fontName=body, fontSize=10, leading=16, spaceAfter=8, wordWrap=wrap
    )
    parts: list[Flowable] = [Paragraph(page.heading, head)]
    parts += [Paragraph(one, text) for one in page.paragraphs]
    return [*parts, Spacer(1, 8), _table(page.table, fonts)] if page.table else parts


def _table(rows: list[list[str]], fonts: tuple[str, str]) -> "Flowable":
    from reportlab.platypus import Table

    body, bold = fonts
    return Table(
        rows,
        repeatRows=1,
        hAlign="LEFT",
        style=[
            ("FONT", (0, 0), (-1, 0), bold, 10),
            ("FONT", (0, 1), (-1, -1), body, 10),
            ("BACKGROUND", (0, 0), (-1, 0), "#e8ecf3"),
            ("GRID", (0, 0), (-1, -1), 0.5, "#9aa5b5"),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ],
    )
