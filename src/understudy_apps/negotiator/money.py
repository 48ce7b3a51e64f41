"""Money as whole cents: read from what people and models write, divided and shown.

Pure. Nothing is ever computed in binary fractions; a JSON number is taken by its decimal digits.
"""

import re
from decimal import Decimal
from typing import Any, Final, Literal

from understudy_apps.languages import Language

Fault = Literal["not_a_number", "not_positive", "too_precise", "too_large"]

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")

LARGEST_CENTS: Final = 10**14
"""A trillion euros: more than anybody owes, and within what databases count exactly."""


class BadAmount(ValueError):
    """What was given is no amount of money; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def cents_of(given: Any) -> int:
    """Return an amount of euros in cents. Raises BadAmount.

    Takes a JSON number, a Decimal, or such a number as text with a point before the cents.
    """
    amount = decimal_of(given)
    if amount <= 0:
        raise BadAmount("not_positive")
    if amount > LARGEST_CENTS // 100:
        raise BadAmount("too_large")
    if amount != round(amount, 2):
        raise BadAmount("too_precise")
    return int(amount * 100)


def decimal_of(given: Any) -> Decimal:
    """Return a finite number by its decimal digits. Raises BadAmount."""
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        raise BadAmount("not_a_number")
    text = str(given).strip()
    # Decimal itself also reads underscores, words such as Infinity, and digits of other scripts.
    if not _NUMBER.fullmatch(text):
        raise BadAmount("not_a_number")
    return Decimal(text)


def whole_of(given: Any) -> int:
    """Return a whole number above zero, such as an id or a year. Raises BadAmount."""
    number = decimal_of(given)
    if not 0 < number <= LARGEST_CENTS or number != int(number):
        raise BadAmount("not_a_number")
    return int(number)


def percent_of(cents: int, percent: Decimal) -> int:
    """Return a share of an amount, rounded down to the cent."""
    return int(cents * percent / 100)


def without_cents(cents: int) -> int:
    """Return an amount truncated to whole euros; one below a euro stays as it is."""
    return cents - cents % 100 or cents


def plain(cents: int) -> str:
    """Return an amount as `1234.50`, as JSON carries it."""
    return f"{cents // 100}.{cents % 100:02}"


def shown(cents: int, language: Language) -> str:
    """Return an amount of euros as it is written in a language."""
    grouped = f"{cents // 100:,}.{cents % 100:02}"
    if language == "es":
        return grouped.translate(str.maketrans(",.", ".,")) + " €"
    return f"€{grouped}"


def shown_percent(percent: Decimal | int, language: Language) -> str:
    """Return a percentage as it is written in a language."""
    text = f"{Decimal(percent).normalize():f}"
    return f"{text.replace('.', ',')} %" if language == "es" else f"{text}%"
