"""Payment plans: a debt divided into monthly instalments, and a part of it paid at once.

Pure. Every plan covers its debt to the cent, and what division leaves over is in the last
instalment; a plan that the system makes passes the checks that a person's proposal has to pass.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from understudy_apps.negotiator import money

REST_MONTHS: Final = 8
LEAST_IMMEDIATE_PERCENT: Final = 50
REST_DISCOUNT_PERCENT: Final = Decimal("7.5")
LARGE_IMMEDIATE_PERCENT: Final = 75
LARGE_REST_DISCOUNT_PERCENT: Final = Decimal(15)


class Refusal(StrEnum):
    """Why a proposal is not acceptable."""

    NOTHING_PROPOSED = "nothing_proposed"
    TOO_MANY_MONTHS = "too_many_months"
    PAYMENT_TOO_LOW = "payment_too_low"
    DOES_NOT_COVER = "does_not_cover"
    NOT_BELOW_DEBT = "not_below_debt"
    IMMEDIATE_TOO_LOW = "immediate_too_low"


@dataclass(frozen=True, slots=True)
class Debt:
    """What of a debt a plan depends on."""

    total_cents: int
    maximum_months: int

    @property
    def minimum_payment_cents(self) -> int:
        """The least monthly payment: rounded down, so that equal parts of the debt pass."""
        return max(self.total_cents // self.maximum_months, 1)


@dataclass(frozen=True, slots=True)
class Instalments:
    """Monthly payments of one amount; the last one differs by what division leaves over."""

    months: int
    monthly_cents: int
    last_cents: int

    @property
    def total_cents(self) -> int:
        """What all payments come to."""
        return self.monthly_cents * (self.months - 1) + self.last_cents

    @property
    def payments_cents(self) -> list[int]:
        """Every payment in its order."""
        return [self.monthly_cents] * (self.months - 1) + [self.last_cents]


@dataclass(frozen=True, slots=True)
class PartialPayment:
    """A part of the debt paid at once, and the rest, with a discount, in instalments."""

    immediate_cents: int
    rest_cents: int
    discount_percent: Decimal
    rest: Instalments

    @property
    def total_cents(self) -> int:
        """What is paid in all."""
        return self.immediate_cents + self.rest.total_cents


def longest_plan(debt: Debt) -> Instalments:
    """Return the plan of the longest period and the minimum payment."""
    return _in_months(debt.total_cents, debt.maximum_months)


def judged_plan(
    debt: Debt, *, months: int | None = None, monthly_cents: int | None = None
) -> Instalments | Refusal:
    """Return the plan that a proposal comes to, or why there is none.

    Both given are checked against each other; `months` and `monthly_cents` are positive.
    """
    if months is None and monthly_cents is None:
        return Refusal.NOTHING_PROPOSED
    if months is not None and months > debt.maximum_months:
        return Refusal.TOO_MANY_MONTHS
    if monthly_cents is None:
        assert months is not None, "one of both is given"
        return _in_months(debt.total_cents, months)
    if monthly_cents < debt.minimum_payment_cents:
        return Refusal.PAYMENT_TOO_LOW
    if months is not None and monthly_cents < debt.total_cents // months:
        return Refusal.DOES_NOT_COVER
    return _of_payments(debt.total_cents, monthly_cents, months or debt.maximum_months)


def least_immediate_cents(total_cents: int) -> int:
    """Return the least payment at once that is acceptable, rounded up to the cent."""
    return -(-total_cents * LEAST_IMMEDIATE_PERCENT // 100)


def judged_partial_payment(total_cents: int, immediate_cents: int) -> PartialPayment | Refusal:
    """Return what follows from a payment at once, or why it is not acceptable."""
    if immediate_cents >= total_cents:
        return Refusal.NOT_BELOW_DEBT
    if immediate_cents < least_immediate_cents(total_cents):
        return Refusal.IMMEDIATE_TOO_LOW
    is_large = immediate_cents * 100 >= total_cents * LARGE_IMMEDIATE_PERCENT
    discount = LARGE_REST_DISCOUNT_PERCENT if is_large else REST_DISCOUNT_PERCENT
    rest_cents = total_cents - immediate_cents
    # A rest of one cent stays one: with its discount there would be nothing to divide.
    discounted = max(money.percent_of(rest_cents, 100 - discount), 1)
    return PartialPayment(
        immediate_cents, rest_cents, discount, _in_months(discounted, REST_MONTHS)
    )


def _in_months(total_cents: int, months: int) -> Instalments:
    """Divide an amount; there are never more payments than cents."""
    months = min(months, total_cents)
    monthly_cents = total_cents // months
    return Instalments(months, monthly_cents, total_cents - monthly_cents * (months - 1))


def _of_payments(total_cents: int, monthly_cents: int, most_months: int) -> Instalments:
    """Return as many payments as cover an amount; the last of `most_months` takes the rest."""
    months = min(-(-total_cents // monthly_cents), most_months)
    monthly_cents = min(monthly_cents, total_cents)
    return Instalments(months, monthly_cents, total_cents - monthly_cents * (months - 1))
