"""The rules by which a debt is bargained over: a state and a request in, a state and an answer out.

Pure: knows neither who negotiates nor where the state is kept.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from understudy_apps.negotiator import money

FIRST_DISCOUNT_PERCENT: Final = 5
DISCOUNT_STEP_PERCENT: Final = 5
LARGEST_DISCOUNT_PERCENT: Final = 20
FLOOR_PERCENT: Final = 80
LAST_ATTEMPT: Final = 10


class Outcome(StrEnum):
    """How a request was answered."""

    CURRENT = "current"
    """The offer as it stands; nothing was asked for."""
    IMMEDIATE = "immediate"
    """A better offer, for a payment at once."""
    TOO_LOW = "too_low"
    """The counteroffer is below the floor."""
    ACCEPTABLE = "acceptable"
    """The counteroffer covers the debt, so less than it is enough."""
    COUNTERED = "countered"
    """The counteroffer is answered with the offer as it stands."""
    LAST = "last"
    """The last attempt: the offer is final."""
    CLOSED = "closed"
    """No attempt is left; the final offer stands."""


@dataclass(frozen=True, slots=True)
class State:
    """Where the negotiation over one debt stands."""

    discount_percent: int = FIRST_DISCOUNT_PERCENT
    attempts: int = 0

    @property
    def is_closed(self) -> bool:
        """Whether the last attempt was made."""
        return self.attempts >= LAST_ATTEMPT


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with: the price that pays the whole debt off now."""

    outcome: Outcome
    total_cents: int
    discount_percent: int
    price_cents: int
    attempts_left: int


def floor_cents(total_cents: int) -> int:
    """Return the least counteroffer that is not refused, rounded up to the cent."""
    return -(-total_cents * FLOOR_PERCENT // 100)


def price_cents(total_cents: int, discount_percent: int) -> int:
    """Return what a debt costs with a discount, in whole euros; never nothing."""
    discounted = money.percent_of(total_cents, Decimal(100 - discount_percent))
    return max(money.without_cents(discounted), 1)


def negotiate(
    state: State,
    total_cents: int,
    *,
    counteroffer_cents: int | None = None,
    wants_immediate_payment: bool = False,
) -> tuple[State, Answer]:
    """Return the state after a request, and the answer to it.

    A counteroffer goes before the wish for an immediate payment: the discount rises once.
    """
    if state.is_closed:
        return state, _answer(Outcome.CLOSED, state, total_cents)
    if counteroffer_cents is not None:
        state = replace(_raised(state), attempts=state.attempts + 1)
        return state, _answer(_judged(counteroffer_cents, state, total_cents), state, total_cents)
    if wants_immediate_payment:
        state = _raised(state)
        return state, _answer(Outcome.IMMEDIATE, state, total_cents)
    return state, _answer(Outcome.CURRENT, state, total_cents)


def _raised(state: State) -> State:
    raised = state.discount_percent + DISCOUNT_STEP_PERCENT
    return replace(state, discount_percent=min(raised, LARGEST_DISCOUNT_PERCENT))


def _judged(counteroffer_cents: int, state: State, total_cents: int) -> Outcome:
    if state.is_closed:
        return Outcome.LAST
    if counteroffer_cents < floor_cents(total_cents):
        return Outcome.TOO_LOW
    if counteroffer_cents >= total_cents:
        return Outcome.ACCEPTABLE
    return Outcome.COUNTERED


def _answer(outcome: Outcome, state: State, total_cents: int) -> Answer:
    return Answer(
        outcome,
        total_cents,
        state.discount_percent,
        price_cents(total_cents, state.discount_percent),
        LAST_ATTEMPT - state.attempts,
    )
