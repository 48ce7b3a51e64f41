"""What the functions propose becomes an open offer, and only a person makes an agreement of it."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from openai.types.beta.threads import RequiredActionFunctionToolCall
from tests.apps.negotiator.running import Browser, Negotiator, running, settings_in

from understudy_apps.negotiator import chats
from understudy_apps.negotiator.tools import Functions
from understudy_apps.tools import Tools

pytestmark = pytest.mark.anyio


class Person:
    """A registered person with a chat, whose functions are called as a model calls them."""

    def __init__(self, browser: Browser, functions: Functions) -> None:
        self.browser = browser
        self.functions = functions
        self._tools = Tools(functions.all)

    async def call(self, name: str, **arguments: Any) -> str:
        """Return the words that a function answers."""
        call = RequiredActionFunctionToolCall.model_validate(
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
        )
        return (await self._tools.output(call))["output"]

    async def debt(self, total: Any = "1000", months: int = 12) -> int:
        body = {"total": total, "maximum_months": months}
        return int((await self.browser.ask("POST", "debts", body, 201))["id"])

    async def offers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.browser.ask("GET", "offers"))["offers"]
        return found


async def person(negotiator: Negotiator) -> Person:
    browser = await negotiator.browser()
    user = await browser.register()
    row = {
        "user_id": user["id"],
        "owner": "owner",
        "thread_id": f"thread_{user['id']}",
        "language": "en",
        "created_at": 0,
    }
    database = negotiator.services.database
    async with database.write() as connection:
        chat = await chats.begin(connection, row)
    return Person(browser, Functions(database, chat, "en", {"bus": "file-bus000"}))


async def test_functions_open_offers_and_a_new_one_replaces_its_kind(
    negotiator: Negotiator,
) -> None:
    ana = await person(negotiator)
    debt = await ana.debt()
    assert "€950.00 now: a discount of 5%" in await ana.call("manage_negotiation")
    assert "€900.00" in await ana.call("manage_negotiation", request_immediate_payment_offer=True)
    assert "6 monthly payments, €166.66 each month and €166.70" in await ana.call(
        "calculate_payment_plan", proposed_maximum_period_months=5.5
    )
    assert "€462.50 remain" in await ana.call(
        "propose_partial_immediate_payment", immediate_payment_amount=500
    )
    discount, plan, partial = await ana.offers()
    assert discount["terms"] == {"total": "1000.00", "discount_percent": "10", "pays": "900.00"}
    assert plan["terms"]["instalments"] == {
        "months": 6,
        "monthly": "166.66",
        "last": "166.70",
        "total": "1000.00",
    }
    assert (partial["terms"]["immediate"], partial["terms"]["pays"]) == ("500.00", "962.50")
    assert {offer["debt_id"] for offer in (discount, plan, partial)} == {debt}
    # The same offer again is the same one.
    await ana.call("manage_negotiation")
    assert (await ana.offers())[0] == discount
    assert (await ana.browser.ask("GET", f"debts/{debt}"))["status"] == "negotiating"


async def test_two_requests_at_once_both_count(negotiator: Negotiator) -> None:
    ana = await person(negotiator)
    await ana.debt()
    answers: list[str] = []

    async def bid() -> None:
        answers.append(await ana.call("manage_negotiation", counteroffer=100))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(bid)
    assert sorted(answer.rpartition("left: ")[2][0] for answer in answers) == ["6", "7", "8", "9"]
    assert len(await ana.offers()) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("manage_negotiation", {"counteroffer": 0}, "must be above zero"),
        ("manage_negotiation", {"counteroffer": "plenty"}, "an amount of euros in figures"),
        ("manage_negotiation", {"counteroffer": float("nan")}, "an amount of euros in figures"),
        ("manage_negotiation", {"counteroffer": 1.001}, "two decimals at most"),
        ("calculate_payment_plan", {}, "In how many months"),
        ("calculate_payment_plan", {"proposed_maximum_period_months": 0}, "months must be above"),
        ("calculate_payment_plan", {"proposed_maximum_period_months": "x"}, "months must be above"),
        ("calculate_payment_plan", {"proposed_maximum_period_months": 13}, "at most 12 months"),
        ("calculate_payment_plan", {"proposed_monthly_payment": 50}, "at least €83.33"),
        ("propose_partial_immediate_payment", {}, "How much can you pay now?"),
        ("propose_partial_immediate_payment", {"immediate_payment_amount": 499}, "€500.00 or more"),
        ("propose_partial_immediate_payment", {"immediate_payment_amount": 1000}, "the whole debt"),
        ("set_debt_id", {"debt_id": "the first"}, "number of the debt, for example"),
        ("set_debt_id", {"debt_id": 10**30}, "number of the debt, for example"),
        ("identify_arenas_holidays_query", {"year": 1999}, "for 1999; I have it for 2025, 2026"),
        ("identify_community_holidays_query", {"year": "soon"}, "the year in figures"),
        ("identify_arenas_holidays_query", {}, "not available right now"),
        ("identify_bus_schedule_query", {}, "file file-bus000: Timetable of the buses"),
    ],
)
async def test_what_is_wrong_is_refused_in_words_and_costs_nothing(
    shared: Negotiator, name: str, arguments: dict[str, Any], words: str
) -> None:
    ana = await person(shared)
    await ana.debt()
    assert words in await ana.call(name, **arguments)
    assert not await ana.offers()
    assert "5% on €1,000.00" in await ana.call("manage_negotiation")


async def test_other_peoples_debts_do_not_exist(shared: Negotiator) -> None:
    ana, eva = await person(shared), await person(shared)
    hers = await ana.debt()
    assert f"no debt of yours with the number {hers}" in await eva.call("set_debt_id", debt_id=hers)
    assert "no debts yet" in await eva.call("get_all_debts")
    await ana.call("manage_negotiation")
    (offer,) = await ana.offers()
    accept = f"offers/{offer['id']}/accept"
    assert await eva.browser.refused("POST", accept, None, 404) == ("offer_not_found", None)
    agreement = await ana.browser.ask("POST", accept)
    path = f"agreements/{agreement['id']}"
    assert await eva.browser.refused("GET", path, None, 404) == ("agreement_not_found", None)
    assert await eva.offers() == []


async def test_with_several_debts_one_is_chosen_first(shared: Negotiator) -> None:
    ana = await person(shared)
    first, second = await ana.debt(), await ana.debt("250.50", 5)
    asked = await ana.call("manage_negotiation", counteroffer=900)
    assert f'"debt {first}"' in asked and f"- Debt {second}: €250.50" in asked
    assert f"debt {second}: €250.50, to be paid in at most 5 months" in await ana.call(
        "set_debt_id", debt_id=second
    )
    assert "5 monthly payments of €50.10" in await ana.call("propose_payment_plan")
    # A debt that is deleted is no longer the one that is talked about.
    await ana.browser.ask("DELETE", f"debts/{second}", status=204)
    async with shared.services.database.read() as connection:
        assert await chats.debt_of(connection, ana.functions.chat.id) is None
    assert "12 monthly payments" in await ana.call("propose_payment_plan")


async def test_a_debt_that_is_agreed_need_not_be_told_from_the_one_that_is_not(
    shared: Negotiator,
) -> None:
    ana = await person(shared)
    await ana.debt()
    await ana.call("manage_negotiation")
    (offer,) = await ana.offers()
    await ana.browser.ask("POST", f"offers/{offer['id']}/accept")
    second = await ana.debt("2000")
    assert "€1,900.00" in await ana.call("manage_negotiation")
    await ana.debt("3000")
    assert f'"debt {second}"' in await ana.call("manage_negotiation")


async def test_an_acceptance_is_final(negotiator: Negotiator) -> None:
    ana = await person(negotiator)
    debt = await ana.debt()
    await ana.call("propose_payment_plan")
    await ana.call("manage_negotiation")
    plan, discount = await ana.offers()
    accept = f"offers/{plan['id']}/accept"
    answers: list[dict[str, Any]] = []

    async def click() -> None:
        answers.append(await ana.browser.ask("POST", accept))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(click)
    agreement, *again = answers
    assert again == [agreement, agreement]
    assert agreement["terms"] == plan["terms"] and agreement["kind"] == "plan"
    assert agreement["number"] == f"{agreement['date'][:4]}-{plan['id']:06}"
    assert await ana.browser.ask("GET", f"agreements/{agreement['id']}") == agreement

    assert await ana.offers() == []
    other = f"offers/{discount['id']}/accept"
    assert await ana.browser.refused("POST", other, None, 409) == ("debt_agreed", None)
    assert f"firm agreement on debt {debt}" in await ana.call("manage_negotiation")
    assert f"firm agreement on debt {debt}" in await ana.call("set_debt_id", debt_id=debt)
    shown = await ana.browser.ask("GET", f"debts/{debt}")
    assert (shown["status"], shown["agreement_id"]) == ("agreed", agreement["id"])


async def test_an_offer_that_no_longer_stands_is_refused(shared: Negotiator) -> None:
    ana = await person(shared)
    debt = await ana.debt()
    await ana.call("manage_negotiation")
    (replaced,) = await ana.offers()
    await ana.call("manage_negotiation", counteroffer=900)
    (edited,) = await ana.offers()
    await ana.browser.ask("PATCH", f"debts/{debt}", {"total": "2000"})
    for offer in (replaced, edited):
        accept = f"offers/{offer['id']}/accept"
        assert await ana.browser.refused("POST", accept, None, 409) == ("offer_withdrawn", None)
    # Edited, the debt is negotiated from the beginning.
    assert "€1,900.00 now: a discount of 5%" in await ana.call("manage_negotiation")
    unknown = await ana.browser.refused("POST", "offers/999999/accept", None, 404)
    assert unknown == ("offer_not_found", None)


async def test_a_negotiation_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as negotiator:
        ana = await person(negotiator)
        await ana.debt()
        await ana.call("manage_negotiation", counteroffer=900)
        chat = ana.functions.chat
    async with running(settings_in(tmp_path)) as negotiator:
        functions = Functions(negotiator.services.database, chat, "en")
        again = Person(ana.browser, functions)
        assert "discount of 10%" in await again.call("manage_negotiation")
        assert "Attempts left: 8" in await again.call("manage_negotiation", counteroffer=900)
