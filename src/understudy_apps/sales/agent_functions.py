"""The functions that the agent may call. They are bound to one conversation and touch its contact.

No function takes the id of a contact: whatever a visitor makes the model say, it is theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.sales import summaries
from understudy_apps.sales.briefing import Knowledge
from understudy_apps.sales.contacts import Contacts
from understudy_apps.sales.conversations import conversation_row
from understudy_apps.sales.followups import FollowUps
from understudy_apps.sales.pipeline import Stage
from understudy_apps.sales.products import Product
from understudy_apps.sales.quotes import MAX_QUANTITY, in_cents, make_quote
from understudy_apps.sales.sent_quotes import SentQuotes, number_of
from understudy_apps.sales.shapes import (
    Company,
    ContactChanges,
    ContactFields,
    Email,
    FollowUpFields,
    Interest,
    Name,
    Notes,
    Phone,
    Task,
)
from understudy_apps.sales.tables import contacts, conversations

Row = dict[str, Any]
_LONGEST_NOTES = 10_000
_TO_CALL = {"es": "Llamar", "en": "Call", "zh": "打电话"}
_SATURDAY = 5
_UNNAMED = {"es": "Visitante", "en": "Visitor", "zh": "访客"}


@dataclass(frozen=True, slots=True)
class Records:
    """Where the functions keep what they are told."""

    database: Database
    contacts: Contacts
    follow_ups: FollowUps
    quotes: SentQuotes


class QuoteItem(BaseModel):
    """A product of a quote and how many of it."""

    product: Annotated[str, Field(description="Name of the product or plan.")]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, description="How many units.")]


class AgentFunctions:
    """The functions of one conversation, on one day."""

    def __init__(
        self, records: Records, knowledge: Knowledge, conversation: Row, today: date
    ) -> None:
        self._records = records
        self._knowledge = knowledge
        self._conversation = conversation
        self._language = conversation["language"]
        self._today = today
        self.is_handed_over = False

    def every(self) -> list[Callable[..., Any]]:
        """Return the functions in the order in which the model is told of them."""
        return [
            self.look_up_product,
            self.save_contact,
            self.schedule_follow_up,
            self.make_quote,
            self.hand_over,
        ]

    async def look_up_product(self, product: str) -> Row:
        """Look up a product or plan: what it includes (incluye, 包含) and its price.

        Args:
            product: Name of the product or plan.
        """
        found = self._product(product)
        catalogue = self._knowledge.catalogue
        return {"summary": summaries.of_product(found, catalogue, self._language)}

    async def save_contact(
        self,
        name: Name | None = None,
        company: Company | None = None,
        email: Email | None = None,
        phone: Phone | None = None,
        interest: Interest | None = None,
        notes: Notes | None = None,
    ) -> Row:
        """Save what the visitor tells about themselves: my name, company, e-mail, telephone.

        Args:
            name: Name of the person.
            company: Name of the person's company or shop.
            email: E-mail address.
            phone: Telephone number.
            interest: How interested the person is.
            notes: Anything else worth remembering.
        """
        async with self._records.database.write() as connection:
            contact = await self._contact(connection, name)
            changes = ContactChanges(
                name=name,
                company=company,
                email=email,
                phone=phone,
                interest=interest,
                notes=_joined(contact["notes"], notes),
            )
            saved = await self._records.contacts.change_in(connection, contact["id"], changes)
            if interest in ("medium", "high"):
                await self._advance(connection, contact["id"], Stage.QUALIFIED)
        given = {"name": name, "company": company, "email": email, "phone": phone, "notes": notes}
        told = {field: saved[field] for field, value in given.items() if value}
        return {"summary": summaries.of_saved(told, self._language), "saved": told}

    async def schedule_follow_up(self, day: date | None = None, task: Task = "") -> Row:
        """Schedule a follow-up: to call, write to or meet the visitor on another day.

        Args:
            day: The date on which to call or write; left out, the next working day.
            task: What is to be done or talked about.
        """
        due_on = day or next_working_day(self._today)
        if due_on < self._today:
            raise ValueError(f"{due_on} is past; today is {self._today}")
        async with self._records.database.write() as connection:
            contact = await self._contact(connection)
            fields = FollowUpFields(
                contact_id=contact["id"], due_on=due_on, task=task or _TO_CALL[self._language]
            )
            made = await self._records.follow_ups.create_in(connection, fields, "agent")
        return {"summary": summaries.of_follow_up(made["task"], due_on, self._language)}

    async def make_quote(self, items: Annotated[list[QuoteItem], Field(min_length=1)]) -> Row:
        """Make a quote (presupuesto, cotización, 报价): a written offer with prices and total.

        Args:
            items: The products of the quote.
        """
        wanted = [(self._product(item.product), item.quantity) for item in items]
        quote = make_quote(self._knowledge.catalogue, wanted, self._language, self._today)
        async with self._records.database.write() as connection:
            contact = await self._contact(connection)
            customer = ", ".join(filter(None, (contact["name"], contact["company"])))
            sent = await self._records.quotes.add_in(
                connection, self._conversation, customer, quote
            )
            await self._advance(connection, contact["id"], Stage.QUOTED)
        number = number_of(sent)
        return {
            "summary": summaries.of_quote(quote, number, self._language),
            "quote_id": sent["id"],
            "number": number,
            "net": _shown(quote.net, quote.currency),
            "tax": _shown(quote.tax, quote.currency),
            "total": _shown(quote.total, quote.currency),
            "valid_until": quote.valid_until.isoformat(),
        }

    async def hand_over(self, reason: str = "") -> Row:
        """Hand over: the visitor wants to talk to a person (hablar con una persona, 转人工, 真人).

        Args:
            reason: Why a person is needed.
        """
        async with self._records.database.write() as connection:
            statement = update(conversations).where(conversations.c.id == self._conversation["id"])
            await connection.execute(statement.values(status="person"))
        self.is_handed_over = True
        return {"summary": self._knowledge.texts["handed_over"][self._language], "reason": reason}

    def _product(self, wanted: str) -> Product:
        catalogue = self._knowledge.catalogue
        found = catalogue.find(wanted)
        if found is None:
            names = ", ".join(product.name[self._language] for product in catalogue.product)
            raise LookupError(f"there is no product '{wanted}', only: {names}")
        return found

    async def _contact(self, connection: AsyncConnection, name: str | None = None) -> Row:
        """Return the contact of this conversation, made if it has none yet."""
        conversation = await conversation_row(connection, self._conversation["id"])
        self._conversation = conversation
        if conversation["contact_id"] is not None:
            query = select(contacts).where(contacts.c.id == conversation["contact_id"])
            return dict((await connection.execute(query)).one()._mapping)
        unnamed = f"{_UNNAMED[self._language]} {conversation['id']}"
        fields = ContactFields(
            name=name or conversation["visitor_name"] or unnamed,
            channel=conversation["channel"],
            language=self._language,
            stage=Stage.CONTACTED,
        )
        contact = await self._records.contacts.create_in(connection, fields)
        statement = update(conversations).where(conversations.c.id == conversation["id"])
        await connection.execute(statement.values(contact_id=contact["id"]))
        self._conversation = {**conversation, "contact_id": contact["id"]}
        return contact

    async def _advance(self, connection: AsyncConnection, contact_id: int, stage: Stage) -> None:
        await self._records.contacts.advance_in(connection, contact_id, stage)


def next_working_day(today: date) -> date:
    """Return the next day that is no Saturday or Sunday."""
    following = (today + timedelta(days=ahead) for ahead in (1, 2, 3))
    return next(day for day in following if day.weekday() < _SATURDAY)


def _joined(notes: str, more: str | None) -> str | None:
    """Return notes with more of them below, None where there are no more."""
    return f"{notes}\n{more}".strip()[-_LONGEST_NOTES:] if more else None


def _shown(amount: Decimal, currency: str) -> str:
    return f"{in_cents(amount)} {currency}"
