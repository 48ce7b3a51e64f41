"""Debts are exact to the cent, each user's own, and fixed once something is agreed."""

from typing import Any

import anyio
import pytest
from sqlalchemy import func, insert, select, update
from tests.apps.negotiator.running import Browser, Negotiator

from understudy_apps.negotiator.tables import agreements, debts, negotiations, offers

pytestmark = pytest.mark.anyio


async def made(browser: Browser, total: Any = "1234.56", months: int = 12) -> dict[str, Any]:
    body = {"total": total, "maximum_months": months}
    debt: dict[str, Any] = await browser.ask("POST", "debts", body, 201)
    return debt


async def test_a_debt_is_made_listed_edited_and_deleted(browser: Browser) -> None:
    await browser.register()
    first, second = await made(browser), await made(browser, 0.29, 3)
    assert (first["total"], first["currency"], first["status"]) == ("1234.56", "EUR", "open")
    assert (first["minimum_monthly_payment"], first["agreement_id"]) == ("102.88", None)
    assert (second["total"], second["minimum_monthly_payment"]) == ("0.29", "0.09")
    assert (await browser.ask("GET", "debts"))["debts"] == [first, second]

    edited = await browser.ask("PATCH", f"debts/{first['id']}", {"total": 1000})
    assert edited == {**first, "total": "1000.00", "minimum_monthly_payment": "83.33"}
    assert await browser.ask("GET", f"debts/{first['id']}") == edited

    await browser.ask("DELETE", f"debts/{first['id']}", status=204)
    gone = await browser.refused("GET", f"debts/{first['id']}", None, 404)
    assert gone == ("debt_not_found", None)
    assert (await browser.ask("GET", "debts"))["debts"] == [second]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ('{"maximum_months": 3}', "missing_field", "total"),
        ('{"total": "9"}', "missing_field", "maximum_months"),
        ('{"total": 0, "maximum_months": 3}', "amount_not_positive", "total"),
        ('{"total": "-5", "maximum_months": 3}', "amount_not_positive", "total"),
        ('{"total": NaN, "maximum_months": 3}', "amount_not_a_number", "total"),
        ('{"total": 1e999, "maximum_months": 3}', "amount_not_a_number", "total"),
        ('{"total": "Infinity", "maximum_months": 3}', "amount_not_a_number", "total"),
        ('{"total": "1.234,56", "maximum_months": 3}', "amount_not_a_number", "total"),
        ('{"total": "1_000", "maximum_months": 3}', "amount_not_a_number", "total"),
        ('{"total": "\\u0663", "maximum_months": 3}', "amount_not_a_number", "total"),
        ('{"total": "9 EUR", "maximum_months": 3}', "amount_not_a_number", "total"),
        ('{"total": true, "maximum_months": 3}', "amount_not_a_number", "total"),
        ('{"total": [9], "maximum_months": 3}', "amount_not_a_number", "total"),
        ('{"total": 0.001, "maximum_months": 3}', "amount_too_precise", "total"),
        ('{"total": 1e15, "maximum_months": 3}', "amount_too_large", "total"),
        ('{"total": 9, "maximum_months": 0}', "invalid_field", "maximum_months"),
        ('{"total": 9, "maximum_months": 601}', "invalid_field", "maximum_months"),
        ('{"total": 9, "maximum_months": 1.5}', "invalid_field", "maximum_months"),
        ('{"total": 9, "maximum_months": true}', "invalid_field", "maximum_months"),
        ('{"total": 9, "maximum_months": 3, "status": "agreed"}', "unknown_field", "status"),
        ('{"total": 9,', "invalid_json", None),
    ],
)  # fmt: skip
async def test_what_is_no_debt_is_refused_by_name(
    one_person: Browser, body: str, code: str, field: str | None
) -> None:
    headers = {"content-type": "application/json"}
    response = await one_person.client.post("debts", content=body, headers=headers)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["field"]) == (code, field)
    assert (await one_person.ask("GET", "debts"))["debts"] == []


async def test_another_users_debt_does_not_exist(shared: Negotiator) -> None:
    ana, eva = await shared.browser(), await shared.browser()
    await ana.register()
    await eva.register()
    debt = await made(ana)
    path = f"debts/{debt['id']}"
    for method, body in (("GET", None), ("PATCH", {"total": "1"}), ("DELETE", None)):
        assert await eva.refused(method, path, body, 404) == ("debt_not_found", None)
    assert (await eva.ask("GET", "debts"))["debts"] == []
    assert await ana.ask("GET", path) == debt


async def test_a_debt_that_never_was_is_not_found(one_person: Browser) -> None:
    for unknown in ("7", "0", "-1", "x", "9" * 30):
        await one_person.refused("GET", f"debts/{unknown}", None, 404)


async def test_a_debt_with_an_agreement_is_fixed(negotiator: Negotiator, browser: Browser) -> None:
    user = await browser.register()
    debt = await made(browser)
    row = {"debt_id": debt["id"], "user_id": user["id"], "receipt": {}, "accepted_at": 1}
    async with negotiator.services.database.write() as connection:
        await connection.execute(insert(agreements).values(row))
        await connection.execute(update(debts).values(status="agreed"))
    path = f"debts/{debt['id']}"
    assert await browser.refused("PATCH", path, {"total": "1"}, 409) == ("debt_agreed", None)
    assert await browser.refused("DELETE", path, None, 409) == ("debt_agreed", None)
    shown = await browser.ask("GET", path)
    assert (shown["total"], shown["status"]) == ("1234.56", "agreed")
    assert shown["agreement_id"] is not None


async def test_an_edit_starts_the_negotiation_over(
    negotiator: Negotiator, browser: Browser
) -> None:
    user = await browser.register()
    debt, other = await made(browser), await made(browser)
    async with negotiator.services.database.write() as connection:
        for one in (debt, other):
            offer = {"debt_id": one["id"], "user_id": user["id"], "kind": "discount", "terms": {}}
            await connection.execute(insert(offers).values(**offer, created_at=1))
            state = {"debt_id": one["id"], "discount_percent": 15, "attempts": 9}
            await connection.execute(insert(negotiations).values(**state, updated_at=1))
        await connection.execute(update(debts).values(status="negotiating"))

    edited = await browser.ask("PATCH", f"debts/{debt['id']}", {"maximum_months": 24})
    assert edited["status"] == "open"
    async with negotiator.services.database.read() as connection:
        state_of = (await connection.execute(select(negotiations.c.debt_id))).scalars().all()
        query = select(offers.c.status).order_by(offers.c.debt_id)
        statuses = (await connection.execute(query)).scalars().all()
    assert (list(state_of), list(statuses)) == ([other["id"]], ["withdrawn", "open"])


async def test_an_edit_of_nothing_is_refused(one_person: Browser) -> None:
    debt = await made(one_person)
    path = f"debts/{debt['id']}"
    assert await one_person.refused("PATCH", path, {}, 400) == ("missing_field", "total")
    await one_person.ask("DELETE", path, status=204)


async def test_many_people_at_once_each_have_their_own(negotiator: Negotiator) -> None:
    totals: dict[int, list[str]] = {}

    async def live(number: int) -> None:
        browser = await negotiator.browser()
        await browser.register()
        for part in range(3):
            await made(browser, f"{number}.{part}0")
        listed = (await browser.ask("GET", "debts"))["debts"]
        totals[number] = [debt["total"] for debt in listed]

    async with anyio.create_task_group() as tasks:
        for number in range(1, 5):
            tasks.start_soon(live, number)
    assert totals == {n: [f"{n}.{part}0" for part in range(3)] for n in range(1, 5)}
    async with negotiator.services.database.read() as connection:
        counted = (await connection.execute(select(func.count(debts.c.id)))).scalar_one()
    assert counted == 12
