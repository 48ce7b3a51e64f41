"""The arithmetic of a quote, in Decimal; every amount is rounded half up to the cent. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from understudy_apps.languages import Language
from understudy_apps.sales.products import Catalogue, Product

MAX_QUANTITY = 10_000
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One product of a quote; prices are without tax."""

    product_id: str
    description: str
    unit: str
    quantity: int
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        """What the line costs, without tax."""
        return in_cents(self.unit_price * self.quantity)


@dataclass(frozen=True, slots=True)
class Quote:
    """An offer in writing, with its sums; days are those of the company's time zone."""

    lines: tuple[QuoteLine, ...]
    currency: str
    tax_percent: Decimal
    made_on: date
    valid_until: date

    @property
    def net(self) -> Decimal:
        """The sum without tax."""
        return sum((line.amount for line in self.lines), Decimal("0.00"))

    @property
    def tax(self) -> Decimal:
        """The tax on the sum, rounded once and not by line."""
        return in_cents(self.net * self.tax_percent / 100)

    @property
    def total(self) -> Decimal:
        """What is to be paid."""
        return self.net + self.tax


def in_cents(amount: Decimal) -> Decimal:
    """Round half up to two decimals."""
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def make_quote(
    catalogue: Catalogue, wanted: list[tuple[Product, int]], language: Language, today: date
) -> Quote:
    """Make the quote for products and their quantities. Raises ValueError for a quantity."""
    for product, quantity in wanted:
        if not 1 <= quantity <= MAX_QUANTITY:
            raise ValueError(
                f"the quantity of '{product.id}' must be from 1 to {MAX_QUANTITY:,}, not {quantity}"
            )
    company = catalogue.company
    return Quote(
        lines=tuple(
            QuoteLine(
                product_id=product.id,
                description=product.name[language],
                unit=product.unit[language],
                quantity=quantity,
                unit_price=in_cents(product.price),
            )
            for product, quantity in wanted
        ),
        currency=company.currency,
        tax_percent=company.tax_percent,
        made_on=today,
        valid_until=today + timedelta(days=company.quote_valid_days),
    )
