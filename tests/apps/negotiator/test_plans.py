"""Payment plans cover their debt to the cent, within its months, and pass their own checks."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_apps.negotiator import money
from understudy_apps.negotiator.money import BadAmount
from understudy_apps.negotiator.plans import (
    Debt,
    Instalments,
    PartialPayment,
    Refusal,
    judged_partial_payment,
    judged_plan,
    longest_plan,
)

DEBT = Debt(1_000_00, 12)
debts = st.builds(Debt, st.integers(1, 10**13), st.integers(1, 600))


@pytest.mark.parametrize(
    ("proposal", "expected"),
    [
        ({}, Refusal.NOTHING_PROPOSED),
        ({"months": 12}, Instalments(12, 83_33, 83_37)),
        ({"months": 13}, Refusal.TOO_MANY_MONTHS),
        ({"months": 1}, Instalments(1, 1_000_00, 1_000_00)),
        ({"monthly_cents": 83_33}, Instalments(12, 83_33, 83_37)),
        ({"monthly_cents": 83_32}, Refusal.PAYMENT_TOO_LOW),
        ({"monthly_cents": 300_00}, Instalments(4, 300_00, 100_00)),
        ({"monthly_cents": 5_000_00}, Instalments(1, 1_000_00, 1_000_00)),
        ({"months": 6, "monthly_cents": 166_66}, Instalments(6, 166_66, 166_70)),
        ({"months": 6, "monthly_cents": 166_65}, Refusal.DOES_NOT_COVER),
        ({"months": 6, "monthly_cents": 300_00}, Instalments(4, 300_00, 100_00)),
        ({"months": 13, "monthly_cents": 900_00}, Refusal.TOO_MANY_MONTHS),
        ({"months": 6, "monthly_cents": 50_00}, Refusal.PAYMENT_TOO_LOW),
    ],
)
def test_each_proposal_has_its_plan_or_refusal(
    proposal: dict[str, int], expected: Instalments | Refusal
) -> None:
    assert judged_plan(DEBT, **proposal) == expected


@given(debts)
def test_the_longest_plan_covers_the_debt_and_passes_the_checks(debt: Debt) -> None:
    plan = longest_plan(debt)
    assert_covers(plan, debt)
    assert judged_plan(debt, months=debt.maximum_months) == plan
    proposed = judged_plan(
        debt, months=debt.maximum_months, monthly_cents=debt.minimum_payment_cents
    )
    assert isinstance(proposed, Instalments)
    assert_covers(proposed, debt)


@given(debts, st.data())
def test_an_accepted_proposal_covers_the_debt(debt: Debt, data: st.DataObject) -> None:
    months = data.draw(st.none() | st.integers(1, 700))
    monthly = data.draw(st.none() | st.integers(1, debt.total_cents + 100))
    plan = judged_plan(debt, months=months, monthly_cents=monthly)
    if isinstance(plan, Instalments):
        assert_covers(plan, debt)
        assert plan.months <= (months or debt.maximum_months)
        assert plan.monthly_cents >= min(debt.minimum_payment_cents, debt.total_cents)


def assert_covers(plan: Instalments, debt: Debt) -> None:
    assert sum(plan.payments_cents) == plan.total_cents == debt.total_cents
    assert len(plan.payments_cents) == plan.months <= debt.maximum_months
    assert all(payment > 0 for payment in plan.payments_cents)


@pytest.mark.parametrize(
    ("total", "immediate", "expected"),
    [
        (1_000_00, 499_99, Refusal.IMMEDIATE_TOO_LOW),
        (1_000_00, 1_000_00, Refusal.NOT_BELOW_DEBT),
        (1_000_00, 2_000_00, Refusal.NOT_BELOW_DEBT),
        (1_000_01, 500_00, Refusal.IMMEDIATE_TOO_LOW),
        (1_000_00, 500_00, ("7.5", 462_50, Instalments(8, 57_81, 57_83))),
        (1_000_00, 749_99, ("7.5", 231_25, Instalments(8, 28_90, 28_95))),
        (1_000_00, 750_00, ("15", 212_50, Instalments(8, 26_56, 26_58))),
        (1_000_00, 999_99, ("15", 1, Instalments(1, 1, 1))),
    ],
)
def test_a_payment_at_once_lowers_the_rest(
    total: int, immediate: int, expected: Refusal | tuple[str, int, Instalments]
) -> None:
    found = judged_partial_payment(total, immediate)
    if isinstance(found, PartialPayment):
        assert (str(found.discount_percent), found.rest.total_cents, found.rest) == expected
        assert found.total_cents == immediate + found.rest.total_cents
    else:
        assert found == expected


@given(st.integers(2, 10**13), st.data())
def test_a_partial_payment_never_costs_more_than_the_debt(total: int, data: st.DataObject) -> None:
    immediate = data.draw(st.integers(1, total - 1))
    found = judged_partial_payment(total, immediate)
    assert isinstance(found, PartialPayment) == (immediate * 2 >= total)
    if isinstance(found, PartialPayment):
        assert found.immediate_cents + found.rest_cents == total
        assert immediate < found.total_cents <= total
        assert found.rest.months <= 8 and all(found.rest.payments_cents)


@pytest.mark.parametrize(
    ("given_", "cents"),
    [(500, 500_00), (0.1, 10), (19.99, 19_99), ("500", 500_00), (" 1.5 ", 1_50), (1e3, 1_000_00)],
)
def test_amounts_are_read_exactly(given_: object, cents: int) -> None:
    assert money.cents_of(given_) == cents


@pytest.mark.parametrize(
    ("given_", "fault"),
    [
        (0, "not_positive"),
        (-5, "not_positive"),
        (float("nan"), "not_a_number"),
        (float("inf"), "not_a_number"),
        ("NaN", "not_a_number"),
        ("1_000", "not_a_number"),
        ("mucho", "not_a_number"),
        ("", "not_a_number"),
        (True, "not_a_number"),
        ([500], "not_a_number"),
        ({"euros": 5}, "not_a_number"),
        (1.234, "too_precise"),
        (1e300, "too_large"),
        ("9" * 400, "too_large"),
    ],
)
def test_what_is_no_amount_is_refused(given_: object, fault: str) -> None:
    with pytest.raises(BadAmount) as caught:
        money.cents_of(given_)
    assert caught.value.fault == fault


@pytest.mark.parametrize(
    ("language", "amount", "percent"),
    [("es", "1.234,50 €", "7,5 %"), ("en", "€1,234.50", "7.5%"), ("zh", "€1,234.50", "7.5%")],
)
def test_amounts_are_written_as_in_the_language(
    language: money.Language, amount: str, percent: str
) -> None:
    assert money.shown(1_234_50, language) == amount
    assert money.shown_percent(Decimal("7.50"), language) == percent
