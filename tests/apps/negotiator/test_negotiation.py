"""The rules of the bargaining: what rises the discount, what costs an attempt, what is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_apps.negotiator.negotiation import (
    Outcome,
    State,
    floor_cents,
    negotiate,
    price_cents,
)

TOTAL = 1_000_00
totals = st.integers(min_value=1, max_value=10**13)


@pytest.mark.parametrize(
    ("before", "request_", "outcome", "after", "price"),
    [
        (State(5, 0), {}, Outcome.CURRENT, State(5, 0), 950_00),
        (State(15, 4), {}, Outcome.CURRENT, State(15, 4), 850_00),
        (State(5, 0), {"wants_immediate_payment": True}, Outcome.IMMEDIATE, State(10, 0), 900_00),
        (State(15, 3), {"wants_immediate_payment": True}, Outcome.IMMEDIATE, State(20, 3), 800_00),
        (State(20, 3), {"wants_immediate_payment": True}, Outcome.IMMEDIATE, State(20, 3), 800_00),
        (State(5, 0), {"counteroffer_cents": 799_99}, Outcome.TOO_LOW, State(10, 1), 900_00),
        (State(5, 0), {"counteroffer_cents": 800_00}, Outcome.COUNTERED, State(10, 1), 900_00),
        (State(10, 1), {"counteroffer_cents": 999_99}, Outcome.COUNTERED, State(15, 2), 850_00),
        (State(10, 1), {"counteroffer_cents": 1_000_00}, Outcome.ACCEPTABLE, State(15, 2), 850_00),
        (State(20, 8), {"counteroffer_cents": 5_000_00}, Outcome.ACCEPTABLE, State(20, 9), 800_00),
        (State(20, 9), {"counteroffer_cents": 1}, Outcome.LAST, State(20, 10), 800_00),
        (State(20, 9), {"counteroffer_cents": 5_000_00}, Outcome.LAST, State(20, 10), 800_00),
        (State(20, 10), {"counteroffer_cents": 900_00}, Outcome.CLOSED, State(20, 10), 800_00),
        (State(20, 10), {"wants_immediate_payment": True}, Outcome.CLOSED, State(20, 10), 800_00),
        (State(20, 10), {}, Outcome.CLOSED, State(20, 10), 800_00),
        (
            State(5, 0),
            {"counteroffer_cents": 850_00, "wants_immediate_payment": True},
            Outcome.COUNTERED,
            State(10, 1),
            900_00,
        ),
    ],
)
def test_each_request_has_its_answer(
    before: State, request_: dict[str, int], outcome: Outcome, after: State, price: int
) -> None:
    state, answer = negotiate(before, TOTAL, **request_)  # type: ignore[arg-type]
    assert (answer.outcome, state, answer.price_cents) == (outcome, after, price)
    assert answer.discount_percent == after.discount_percent
    assert answer.attempts_left == 10 - after.attempts
    assert answer.total_cents == TOTAL


def test_the_tenth_attempt_gets_the_last_offer_and_the_eleventh_is_closed() -> None:
    state, outcomes = State(), []
    for _ in range(11):
        state, answer = negotiate(state, TOTAL, counteroffer_cents=100)
        outcomes.append(answer.outcome)
    assert outcomes == [Outcome.TOO_LOW] * 9 + [Outcome.LAST, Outcome.CLOSED]
    assert state == State(20, 10)


@pytest.mark.parametrize(
    ("total", "discount", "price"),
    [(999_99, 5, 949_00), (1_234_56, 20, 987_00), (1_05, 5, 99), (1, 20, 1)],
)
def test_offers_are_whole_euros_but_never_nothing(total: int, discount: int, price: int) -> None:
    assert price_cents(total, discount) == price


@given(totals)
def test_the_floor_is_four_fifths_to_the_cent(total: int) -> None:
    floor = floor_cents(total)
    assert floor * 5 >= total * 4 > (floor - 1) * 5


@given(totals, st.lists(st.one_of(st.none(), st.booleans(), totals), max_size=25))
def test_no_order_of_requests_breaks_the_bounds(total: int, requests: list[int | None]) -> None:
    state = State()
    for request in requests:
        before = state
        if isinstance(request, bool) or request is None:
            state, answer = negotiate(state, total, wants_immediate_payment=bool(request))
        else:
            state, answer = negotiate(state, total, counteroffer_cents=request)
        assert before.discount_percent <= state.discount_percent <= 20
        assert state.attempts - before.attempts in (0, 1) and state.attempts <= 10
        assert 0 < answer.price_cents <= total
