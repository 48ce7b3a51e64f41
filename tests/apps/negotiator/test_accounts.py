"""People register, log in and out, and leave; nobody becomes somebody else."""

from typing import Any

import pytest
from sqlalchemy import func, insert, select
from tests.apps.negotiator.running import PASSWORD, Browser, Negotiator, somebody

from understudy_apps.errors import BadRequest
from understudy_apps.negotiator.accounts import check_password, normal_email, normal_telephone
from understudy_apps.negotiator.tables import agreements, debts, offers, sessions, users

pytestmark = pytest.mark.anyio
DEBT = {"total": "1200", "maximum_months": 12}


async def test_a_person_registers_logs_out_and_logs_in(browser: Browser) -> None:
    person = somebody(name="  José  Luis ", email="Jose@Ejemplo.ES", telephone="0034 91-555.00(11)")
    session = await browser.ask("POST", "users", person, 201)
    assert session["user"]["name"] == "José Luis"
    assert session["user"]["email"] == "jose@ejemplo.es"
    assert session["user"]["telephone"] == "+34915550011"
    assert "password" not in str(session)
    assert (await browser.ask("GET", "session"))["user"] == session["user"]

    await browser.ask("DELETE", "session", status=204)
    assert await browser.refused("GET", "session", None, 401) == ("not_signed_in", None)

    await browser.log_in("JOSE@ejemplo.es ")
    assert (await browser.ask("GET", "session"))["user"] == session["user"]


async def test_passwords_and_tokens_are_not_in_the_database(
    negotiator: Negotiator, browser: Browser
) -> None:
    await browser.register()
    token = browser.client.cookies["negotiator"]
    async with negotiator.services.database.read() as connection:
        stored = (await connection.execute(select(users.c.password_hash))).scalar_one()
        session = (await connection.execute(select(sessions.c.token_sha256))).scalar_one()
    assert stored.startswith("$argon2id$")
    assert token.encode() not in session


async def test_one_telephone_and_one_address_belong_to_one_person(browser: Browser) -> None:
    first = somebody()
    await browser.ask("POST", "users", first, 201)
    same_email = somebody(email=first["email"].upper())
    assert await browser.refused("POST", "users", same_email, 409) == ("email_taken", "email")
    same_telephone = somebody(telephone=first["telephone"].replace("+34", "0034"))
    taken = await browser.refused("POST", "users", same_telephone, 409)
    assert taken == ("telephone_taken", "telephone")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"name": None}, "invalid_field", "name"),
        ({"name": " \u200b"}, "invalid_name", "name"),
        ({"surname": "a\x00b"}, "invalid_name", "surname"),
        ({"surname": "a" * 201}, "invalid_field", "surname"),
        ({"email": "ana"}, "invalid_email", "email"),
        ({"telephone": "600"}, "invalid_telephone", "telephone"),
        ({"password": "1234567"}, "password_too_short", "password"),
        ({"password": "Ana@x.example", "email": "ana@X.example"}, "password_too_easy", "password"),
        ({"language": "fr"}, "invalid_field", "language"),
        ({"admin": True}, "unknown_field", "admin"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_registration_is_named(
    shared: Negotiator, fields: dict[str, Any], code: str, field: str
) -> None:
    browser = await shared.browser()
    assert await browser.refused("POST", "users", somebody(**fields), 400) == (code, field)


async def test_a_missing_field_and_a_body_that_is_no_object_are_named(shared: Negotiator) -> None:
    browser = await shared.browser()
    person = somebody()
    del person["telephone"]
    assert await browser.refused("POST", "users", person, 400) == ("missing_field", "telephone")
    assert await browser.refused("POST", "users", [person], 400) == ("invalid_body", None)
    json = {"content-type": "application/json"}
    undecodable = await browser.client.post("users", content=b"\xff", headers=json)
    assert (undecodable.status_code, undecodable.json()["error"]["code"]) == (400, "invalid_json")


async def test_wrong_password_and_unknown_address_are_refused_alike(shared: Negotiator) -> None:
    browser = await shared.browser()
    user = await browser.register()
    await browser.ask("DELETE", "session", status=204)
    wrong = await browser.log_in(user["email"], "wrong password", 401)
    unknown = await browser.log_in("nobody@example.com", PASSWORD, 401)
    assert wrong == unknown == await browser.log_in("no address\x00", PASSWORD, 401)
    assert wrong["error"]["code"] == "wrong_login"


async def test_guessing_a_password_is_slowed_down_for_that_account_alone(
    shared: Negotiator,
) -> None:
    guesser, owner, other = [await shared.browser(f"10.0.0.{n}") for n in (1, 2, 3)]
    victim, bystander = await owner.register(), await other.register()
    for _ in range(10):
        await guesser.log_in(victim["email"], "guess", 401)
    response = await guesser.client.post(
        "session", json={"email": victim["email"].upper(), "password": PASSWORD}
    )
    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 900
    await guesser.log_in(bystander["email"])


async def test_guessing_many_accounts_is_slowed_down_for_that_address_alone(
    shared: Negotiator,
) -> None:
    owner = await shared.browser("10.0.1.2")
    user = await owner.register()
    limit = shared.services.limits.logins_of_address
    for _ in range(50):
        limit.take("10.0.1.1")
    await (await shared.browser("10.0.1.1")).log_in(user["email"], status=429)
    await owner.log_in(user["email"])


async def test_a_change_needs_the_token_of_the_session(shared: Negotiator) -> None:
    ana, eva = await shared.browser(), await shared.browser()
    await ana.register()
    await eva.register()
    for token in ("", "wrong", eva.client.headers["X-CSRF-Token"]):
        headers = {"X-CSRF-Token": token}
        for method, path in (("POST", "debts"), ("DELETE", "users/me"), ("DELETE", "session")):
            response = await ana.client.request(method, path, json=DEBT, headers=headers)
            assert response.json()["error"]["code"] == "wrong_csrf_token"
    assert (await ana.ask("GET", "debts"))["debts"] == []


async def test_a_page_of_another_origin_cannot_log_anybody_in(shared: Negotiator) -> None:
    browser = await shared.browser()
    user = await browser.register()
    login = {"email": user["email"], "password": PASSWORD}
    for headers in ({"origin": "http://localhost:1"}, {"sec-fetch-site": "same-site"}):
        response = await browser.client.post("session", json=login, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "foreign_origin")


async def test_the_language_is_the_browsers_until_it_is_changed(shared: Negotiator) -> None:
    browser = await shared.browser()
    browser.client.headers["accept-language"] = "fr, en;q=0.2, zh-CN;q=0.8"
    assert (await browser.register())["language"] == "zh"
    assert (await browser.ask("PATCH", "users/me", {"language": "en"}))["language"] == "en"
    assert (await browser.ask("GET", "session"))["user"]["language"] == "en"


async def test_who_leaves_is_erased_but_for_receipts_that_name_nobody(
    negotiator: Negotiator, browser: Browser
) -> None:
    user = await browser.register()
    agreed, plain = [(await browser.ask("POST", "debts", DEBT, 201))["id"] for _ in range(2)]
    agreement_id = await _agree(negotiator, user["id"], agreed)

    farewell = await browser.ask("DELETE", "users/me")
    assert farewell["debts_erased"] == 1
    assert farewell["receipts_kept"] == [agreement_id]
    assert "receipt" in farewell["message"]

    assert await browser.refused("GET", "session", None, 401) == ("not_signed_in", None)
    await browser.log_in(user["email"], status=401)
    async with negotiator.services.database.read() as connection:
        kept = (await connection.execute(select(debts.c.id, debts.c.user_id))).all()
        receipt = (await connection.execute(select(agreements))).one()
        left = select(func.count()).select_from(users.join(sessions, isouter=True))
        assert (await connection.execute(left)).scalar_one() == 0
    assert [tuple(row) for row in kept] == [(agreed, None)]
    assert (receipt.user_id, receipt.offer_id) == (None, None)
    assert receipt.receipt == {"number": "2026-000001"}
    assert plain != agreed


async def _agree(negotiator: Negotiator, user_id: int, debt_id: int) -> int:
    """Store an accepted offer of a debt."""
    offer = {"debt_id": debt_id, "user_id": user_id, "kind": "discount", "terms": {}}
    agreement = {"debt_id": debt_id, "user_id": user_id, "receipt": {"number": "2026-000001"}}
    async with negotiator.services.database.write() as connection:
        made = insert(offers).values(**offer, status="accepted", created_at=1)
        offer_id = (await connection.execute(made.returning(offers.c.id))).scalar_one()
        agreed = insert(agreements).values(**agreement, offer_id=offer_id, accepted_at=1)
        found = await connection.execute(agreed.returning(agreements.c.id))
        return int(found.scalar_one())


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" Ana.Ruiz+bank@Example.COM ", "ana.ruiz+bank@example.com"),
        ("añá@españa.es", "añá@xn--espaa-rta.es"),
        ("cafe\u0301@example.org", "café@example.org"),
        ("ana@localhost", None),
        ("ana@@example.com", None),
        ("ana@example..com", None),
        ("ana@-example.com", None),
        (".ana@example.com", None),
        ("a..na@example.com", None),
        ("ana@10.0.0.1", None),
        ("ana ruiz@example.com", None),
        ("a\x00na@example.com", None),
        ("Ana <ana@example.com>", None),
        ("@example.com", None),
    ],
)
def test_addresses_have_one_form(text: str, normal: str | None) -> None:
    if normal is not None:
        assert normal_email(text) == normal
        return
    with pytest.raises(BadRequest) as refused:
        normal_email(text)
    assert (refused.value.code, refused.value.field) == ("invalid_email", "email")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("600 123 456", "+34600123456"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("0044 20 7946 0000", "+442079460000"),
        ("(91) 555.00.11", "+34915550011"),
        ("+34 600", None),
        ("+1234567890123456", None),
        ("600 123 45x", None),
        ("+34600\u0663\u0664\u0665", None),
        ("++34600123456", None),
        ("", None),
    ],
)
def test_telephones_have_one_form(text: str, normal: str | None) -> None:
    if normal is not None:
        assert normal_telephone(text, "34") == normal
        return
    with pytest.raises(BadRequest):
        normal_telephone(text, "34")


def test_a_password_is_neither_blank_nor_the_address() -> None:
    for easy in ("        ", "anabelen", "AnaBelen@example.com"):
        with pytest.raises(BadRequest):
            check_password(easy, "anabelen@example.com")
    check_password("anabelen1", "anabelen@example.com")
