"""Draws a quote as a PDF. Knows nothing of where quotes are kept."""

import io
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from understudy_apps.languages import Language
from understudy_apps.sales.quotes import Quote

_WORDS: dict[Language, dict[str, str]] = {
    "es": {
        "quote": "Presupuesto", "for": "Para", "date": "Fecha", "valid": "Válido hasta",
        "product": "Producto", "quantity": "Cantidad", "price": "Precio", "amount": "Importe",
        "net": "Base imponible", "tax": "IVA", "total": "Total",
    },
    "en": {
        "quote": "Quote", "for": "For", "date": "Date", "valid": "Valid until",
        "product": "Product", "quantity": "Quantity", "price": "Price", "amount": "Amount",
        "net": "Net", "tax": "VAT", "total": "Total",
    },
    "zh": {
        "quote": "报价单", "for": "客户", "date": "日期", "valid": "有效期至",
        "product": "产品", "quantity": "数量", "price": "单价", "amount": "金额",
        "net": "不含税金额", "tax": "增值税", "total": "合计",
    },
}  # fmt: skip
_CHINESE_FONT = "STSong-Light"
_MARGIN_POINTS = 56


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the lines of a quote."""

    company: str
    number: str
    customer: str


def drawn(quote: Quote, heading: Heading, language: Language) -> bytes:
    """Return the PDF of a quote."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    words, font = _WORDS[language], _font(heading, language)
    title, plain = _styles(font)
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN_POINTS,
        rightMargin=_MARGIN_POINTS,
        title=f"{words['quote']} {heading.number}",
        author=heading.company,
    )
    about = [
        f"{words['for']}: {heading.customer}",
        f"{words['date']}: {quote.made_on.isoformat()}",
        f"{words['valid']}: {quote.valid_until.isoformat()}",
    ]
    document.build(
        [
            Paragraph(escape(heading.company), plain),
            Paragraph(escape(f"{words['quote']} {heading.number}"), title),
            *(Paragraph(escape(line), plain) for line in about),
            Spacer(1, 18),
            _table(quote, words, plain),
        ]
    )
    return out.getvalue()


def _table(quote: Quote, words: dict[str, str], plain: Any) -> Any:
    from reportlab.lib import colors
    from reportlab.platypus import Paragraph, Table, TableStyle

    def money(amount: Decimal) -> str:
        return f"{amount:.2f} {quote.currency}"

    lines = [
        [
            Paragraph(escape(f"{line.description} ({line.unit})"), plain),
            str(line.quantity),
            money(line.unit_price),
            money(line.amount),
        ]
        for line in quote.lines
    ]
    sums = [
        ["", "", words["net"], money(quote.net)],
        ["", "", f"{words['tax']} {quote.tax_percent:f} %", money(quote.tax)],
        ["", "", words["total"], money(quote.total)],
    ]
    header = [words[name] for name in ("product", "quantity", "price", "amount")]
    table = Table([header, *lines, *sums], colWidths=[200, 70, 105, 105], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), plain.fontName),
                ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LINEBELOW", (0, 0), (-1, 0), 1, colors.black),
                ("LINEABOVE", (0, -3), (-1, -3), 1, colors.black),
                ("LINEABOVE", (2, -1), (-1, -1), 0.5, colors.black),
            ]
        )
    )
    return table


def _styles(font: str) -> tuple[Any, Any]:
    from reportlab.lib.styles import ParagraphStyle

    plain = ParagraphStyle("plain", fontName=font, fontSize=10, leading=15)
    title = ParagraphStyle("title", parent=plain, fontSize=18, leading=28)
    return title, plain


def _font(heading: Heading, language: Language) -> str:
    """Return a font that has the characters: one that PDF readers bring for Chinese.

    It has those of other languages too that the plain font lacks, as in Polish names.
    """
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    if language != "zh" and _is_plain(f"{heading.company}{heading.customer}"):
        return "Helvetica"
    if _CHINESE_FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE_FONT))
    return _CHINESE_FONT


def _is_plain(text: str) -> bool:
    """Tell whether the fonts of every PDF reader have these characters."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
