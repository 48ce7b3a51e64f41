"""What the functions answer, in the words of a language. Pure."""

from understudy_apps.languages import Language
from understudy_apps.negotiator import cases, money, plans
from understudy_apps.negotiator.cases import Case
from understudy_apps.negotiator.negotiation import Answer
from understudy_apps.negotiator.plans import Instalments, PartialPayment, Refusal
from understudy_apps.negotiator.wording import say


def lines(found: list[Case], language: Language) -> str:
    """Return a line for each debt."""
    return "\n".join(
        say(
            language,
            "debt_line",
            id=case.debt_id,
            total=money.shown(case.total_cents, language),
            months=case.maximum_months,
            status=say(language, f"status_{case.status}"),
        )
        for case in found
    )


def greeting(name: str, found: list[Case], language: Language) -> str:
    """Return how the assistant begins a chat: it asks for the debt."""
    key = "greeting_debts" if found else "greeting"
    return say(language, key, name=name, debts=lines(found, language), first=_example(found))


def all_debts(found: list[Case], language: Language) -> str:
    """Return the list of all debts, or that there are none."""
    if not found:
        return say(language, "no_debts")
    return say(language, "all_debts", debts=lines(found, language))


def which_debt(found: list[Case], language: Language) -> str:
    """Ask which of the debts is meant."""
    if not found:
        return say(language, "no_debts")
    return say(language, "which_debt", debts=lines(found, language), first=_example(found))


def _example(found: list[Case]) -> int | None:
    return cases.negotiable(found)[0].debt_id if found else None


def agreed(case: Case, language: Language) -> str:
    """Return that a debt is not negotiated any more, nothing while it is."""
    return say(language, "agreed_debt", id=case.debt_id) if case.is_agreed else ""


def about(case: Case, language: Language) -> str:
    """Return what a debt is and how it can be paid."""
    return say(language, "debt_set", **_amounts(case, language))


def answer(case: Case, given: Answer, offered_cents: int | None, language: Language) -> str:
    """Return the answer of a negotiation."""
    words = say(
        language,
        given.outcome,
        **_amounts(case, language),
        price=money.shown(given.price_cents, language),
        discount=money.shown_percent(given.discount_percent, language),
        counteroffer=money.shown(offered_cents or 0, language),
        left=given.attempts_left,
    )
    return _acceptable(words, language)


def plan(case: Case, made: Instalments, language: Language) -> str:
    """Return a plan of instalments."""
    key = "plan" if made.monthly_cents != made.last_cents else "plan_equal"
    words = say(
        language,
        key if made.months > 1 else "plan_single",
        **_amounts(case, language) | _instalments(made, language),
    )
    return _acceptable(words, language)


def partial(case: Case, made: PartialPayment, language: Language) -> str:
    """Return what a payment at once leads to."""
    words = say(
        language,
        "partial",
        **_amounts(case, language) | _instalments(made.rest, language),
        immediate=money.shown(made.immediate_cents, language),
        rest=money.shown(made.rest_cents, language),
        discount=money.shown_percent(made.discount_percent, language),
        discounted=money.shown(made.rest.total_cents, language),
        pays=money.shown(made.total_cents, language),
    )
    return _acceptable(words, language)


def refusal(case: Case, why: Refusal, language: Language) -> str:
    """Return why a proposal is not acceptable, and what would be."""
    least = plans.least_immediate_cents(case.total_cents)
    values = _amounts(case, language)
    return say(language, why, **values, least=money.shown(least, language))


def _acceptable(words: str, language: Language) -> str:
    return f"{words} {say(language, 'how_to_accept')}"


def _amounts(case: Case, language: Language) -> dict[str, object]:
    return {
        "id": case.debt_id,
        "total": money.shown(case.total_cents, language),
        "months": case.maximum_months,
        "maximum": case.maximum_months,
        "minimum": money.shown(case.debt.minimum_payment_cents, language),
    }


def _instalments(made: Instalments, language: Language) -> dict[str, object]:
    return {
        "months": made.months,
        "monthly": money.shown(made.monthly_cents, language),
        "last": money.shown(made.last_cents, language),
        "total": money.shown(made.total_cents, language),
    }
