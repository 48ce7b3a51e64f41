"""A business's functions, and an engine whose clock stands at Wednesday 4 March 2026, noon."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from understudy.engines.extractive import ExtractiveEngine, plan

NOW = datetime(2026, 3, 4, 12, 0)


def function(
    name: str, description: str, required: str = "", /, **properties: Any
) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required.split()}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


def text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


CATALOGUE = [
    function(
        "get_weather",
        "Get the weather forecast for a city",
        "city",
        city=text("The city to get the weather for"),
        unit=text("Temperature unit", enum=["celsius", "fahrenheit"]),
    ),
    function(
        "search_orders",
        "Find the orders of a customer",
        customer_email=text("Email of the customer", format="email"),
        order_id=text("Order number, e.g. ORD-1234"),
        status=text("Order status", enum=["pending", "shipped", "delivered", "cancelled"]),
    ),
    function(
        "create_payment_plan",
        "Create a plan to pay a debt in monthly installments",
        "installments",
        installments={"type": "integer", "description": "Number of monthly installments"},
        monthly_amount={"type": "number", "description": "Amount paid each month"},
        start_date=text("Date of the first payment", format="date"),
    ),
    function(
        "propose_settlement",
        "Make a negotiation offer to settle the debt with a single amount",
        "amount",
        amount={"type": "number", "description": "Amount offered in euros"},
        discount={"type": "number", "description": "Discount percentage asked for"},
        reason=text("Why the customer offers this amount"),
    ),
    function(
        "getStoreSchedule",
        "Opening hours of a store",
        store=text("Name or city of the store"),
        day=text("Day of the week"),
    ),
    function(
        "get_product_price",
        "Look up the price of a product",
        "product",
        product=text("Name of the product"),
        quantity={"type": "integer", "description": "How many units", "minimum": 1},
    ),
    function(
        "create_ticket",
        "Open a support ticket for a technical problem",
        "title priority",
        title=text("Short description of the problem"),
        priority=text("Priority of the ticket", enum=["low", "medium", "high"]),
    ),
    function(
        "cancel_appointment",
        "Cancel an appointment",
        "appointment_id",
        appointment_id=text("Id of the appointment, e.g. CITA-12"),
        reason=text("Why it is cancelled"),
    ),
    function(
        "convert_currency",
        "Convert an amount of money from one currency to another",
        "amount from_currency to_currency",
        amount={"type": "number", "description": "Amount to convert"},
        from_currency=text("ISO code of the source currency"),
        to_currency=text("ISO code of the target currency"),
    ),
    function(
        "send_email",
        "Send an email",
        "to body",
        to=text("Email address of the recipient"),
        subject=text("Subject line"),
        body=text("Text of the message"),
    ),
    function(
        "book_table",
        "Book a table at the restaurant",
        "date time people",
        date=text("Date of the booking", format="date"),
        time=text("Time of the booking, HH:MM"),
        people={"type": "integer", "description": "Number of guests"},
        name=text("Name for the booking"),
    ),
    function(
        "track_shipment",
        "Track where a package is",
        "tracking_number",
        tracking_number=text("Tracking number of the parcel"),
    ),
    {
        "type": "function",
        "function": {"name": "get_account_balance", "description": "Balance of the user's account"},
    },
    function(
        "search_web", "Search the web for information", "query", query=text("What to search for")
    ),
]


@dataclass(frozen=True)
class Answer:
    """A plan as the tests look at it."""

    plan: plan.Plan

    @property
    def text(self) -> str:
        return self.plan.text

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        return [(call.name, json.loads(call.arguments)) for call in self.plan.calls]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


Ask = Callable[..., Answer]


@pytest.fixture
def catalogue() -> list[dict[str, Any]]:
    return CATALOGUE


@pytest.fixture
def ask() -> Ask:
    def ask(messages: str | list[dict[str, Any]], **fields: Any) -> Answer:
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        return Answer(plan.make({"messages": messages, **fields}, NOW))

    return ask


@pytest.fixture
def engine() -> ExtractiveEngine:
    return ExtractiveEngine(clock=lambda: int(NOW.timestamp()))
