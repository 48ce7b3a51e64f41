"""The PDF of a stored quote, drawn anew whenever it is wanted."""

from typing import Any

import anyio.to_thread

from understudy_apps.sales.quote_pdf import Heading, drawn
from understudy_apps.sales.sent_quotes import language_of, number_of, quote_of

Row = dict[str, Any]


async def pdf_of(row: Row, company: str) -> bytes:
    """Return the PDF of a quote's row, drawn in a thread."""
    heading = Heading(company, number_of(row), row["customer"])
    return await anyio.to_thread.run_sync(drawn, quote_of(row), heading, language_of(row))


def name_of(row: Row) -> str:
    """Return the name of a quote's file."""
    return f"quote-{number_of(row)}.pdf"
