"""Quotes in the database, as they were sent."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.errors import NotFound
from understudy_apps.languages import Language
from understudy_apps.sales.quotes import Quote, QuoteLine
from understudy_apps.sales.tables import quotes

Row = dict[str, Any]


class SentQuotes:
    """The quotes that the agent made; times come from `clock` in seconds."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def add_in(
        self, connection: AsyncConnection, conversation: Row, customer: str, quote: Quote
    ) -> Row:
        """Store a quote for the contact of a conversation, in the caller's transaction."""
        row = {
            "contact_id": conversation["contact_id"],
            "conversation_id": conversation["id"],
            "customer": customer,
            "language": conversation["language"],
            "currency": quote.currency,
            "tax_percent": str(quote.tax_percent),
            "lines": [_line_row(line) for line in quote.lines],
            "total_cents": _cents(quote.total),
            "made_on": quote.made_on,
            "valid_until": quote.valid_until,
            "created_at": int(self._clock()),
        }
        made = await connection.execute(insert(quotes).values(row).returning(quotes.c.id))
        return {**row, "id": made.scalar_one()}

    async def get(self, quote_id: int, *, conversation_id: int | None = None) -> Row:
        """Return a quote, with `conversation_id` only one of that conversation. Raises NotFound."""
        query = select(quotes).where(quotes.c.id == quote_id)
        if conversation_id is not None:
            query = query.where(quotes.c.conversation_id == conversation_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound(f"There is no quote {quote_id}.", "no_such_quote")
        return dict(row._mapping)

    async def of_contact(self, contact_id: int) -> list[Row]:
        """Return the quotes of a contact, latest first."""
        query = select(quotes).where(quotes.c.contact_id == contact_id)
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(quotes.c.id.desc()))
            return [dict(row._mapping) for row in rows]


def made_by(calls: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return what calls of functions told of the quotes that they made."""
    outputs = [json.loads(call["output"]) for call in calls if call["name"] == "make_quote"]
    return [output for output in outputs if "quote_id" in output]


def quote_of(row: Row) -> Quote:
    """Return the quote of a row."""
    return Quote(
        lines=tuple(_line_of(line) for line in row["lines"]),
        currency=row["currency"],
        tax_percent=Decimal(row["tax_percent"]),
        made_on=row["made_on"],
        valid_until=row["valid_until"],
    )


def number_of(row: Row) -> str:
    """Return the number that stands on a quote."""
    return f"{row['made_on'].year}-{row['id']:05}"


def language_of(row: Row) -> Language:
    """Return the language of a quote."""
    language: Language = row["language"]
    return language


def _line_row(line: QuoteLine) -> Row:
    return {
        "product_id": line.product_id,
        "description": line.description,
        "unit": line.unit,
        "quantity": line.quantity,
        "unit_price_cents": _cents(line.unit_price),
    }


def _line_of(row: Row) -> QuoteLine:
    return QuoteLine(
        product_id=row["product_id"],
        description=row["description"],
        unit=row["unit"],
        quantity=row["quantity"],
        unit_price=Decimal(row["unit_price_cents"]) / 100,
    )


def _cents(amount: Decimal) -> int:
    return int(amount * 100)
