"""What an operator does, over HTTP, on each database."""

from datetime import date, timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from tests.apps.sales.running import PASSWORD, Client, Sales

from understudy_apps.sales import operators
from understudy_apps.sales.tables import metadata

pytestmark = pytest.mark.anyio


async def code_of(client: Client, method: str, path: str, body: Any, status: int) -> str:
    error = (await client.ask(method, path, body, status))["error"]
    assert set(error) == {"message", "code", "field"}
    code: str = error["code"]
    return code


async def test_migrations_make_the_tables_that_the_code_reads(stored: Sales) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with stored.services.database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_contacts_are_kept_found_changed_and_erased(operator: Client) -> None:
    ana = await operator.ask(
        "POST", "contacts", {"name": "Ana Gómez", "company": "Zapatos 100%", "stage": "new"}, 201
    )
    luis = await operator.ask("POST", "contacts", {"name": "Luis", "interest": "high"}, 201)
    for search, found in {
        "gomez": [ana["id"]],
        "100%": [ana["id"]],
        "": [luis["id"], ana["id"]],
    }.items():
        page = await operator.ask("GET", f"contacts?search={search.replace('%', '%25')}")
        assert [one["id"] for one in page["contacts"]] == found
    page = await operator.ask("GET", "contacts?limit=1&offset=1")
    assert (len(page["contacts"]), page["total"]) == (1, 2)

    changed = await operator.ask(
        "PATCH", f"contacts/{ana['id']}", {"stage": "won", "phone": "600 100"}
    )
    assert [one["stage"] for one in changed["stages"]] == ["new", "won"]
    assert changed["company"] == "Zapatos 100%"
    columns = {one["stage"]: one["total"] for one in await operator.ask("GET", "pipeline")}
    assert (columns["won"], columns["new"], columns["lost"]) == (1, 1, 0)
    await operator.ask("PATCH", f"contacts/{luis['id']}", {"stage": "lost"})
    dashboard = await operator.ask("GET", "dashboard?days=2")
    assert dashboard["conversion_percent"] == 50.0
    assert dashboard["by_interest"] == {"unknown": 1, "high": 1}
    assert [day["won"] for day in dashboard["series"]] == [0, 1]

    await operator.ask("DELETE", f"contacts/{ana['id']}", status=204)
    assert await code_of(operator, "GET", f"contacts/{ana['id']}", None, 404) == "no_such_contact"
    wrong = {"name": "Eva", "email": "eva"}
    assert await code_of(operator, "POST", "contacts", wrong, 400) == "invalid_field"


async def test_contacts_go_out_and_come_in_as_csv(operator: Client) -> None:
    file = "name;email\nAna;ana@gomez.es\nLuis;nowhere\n=HYPERLINK(1);\n"
    response = await operator.http.post("contacts.csv", content=file)
    report = response.json()
    assert (response.status_code, report["imported"]) == (200, 2)
    assert [bad["line"] for bad in report["bad_lines"]] == [3]
    page = await operator.ask("GET", "contacts?search=ana")
    (ana,) = page["contacts"]
    imported = await operator.ask("GET", f"contacts/{ana['id']}")
    assert [one["stage"] for one in imported["stages"]] == ["new"]
    exported = await operator.http.get("contacts.csv")
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    assert "'=HYPERLINK(1)" in exported.text and "ana@gomez.es" in exported.text


async def test_follow_ups_are_due_until_they_are_done(operator: Client, stored: Sales) -> None:
    contact = await operator.ask("POST", "contacts", {"name": "Ana"}, 201)
    today: date = stored.services.today()
    tasks = {}
    for ahead in (0, 1):
        body = {
            "contact_id": contact["id"],
            "due_on": str(today + timedelta(days=ahead)),
            "task": "Call",
        }
        tasks[ahead] = (await operator.ask("POST", "follow-ups", body, 201))["id"]
    due = await operator.ask("GET", "follow-ups?show=due")
    assert [(one["id"], one["contact_name"]) for one in due] == [(tasks[0], "Ana")]
    done = await operator.ask("PATCH", f"follow-ups/{tasks[0]}", {"is_done": True})
    assert done["done_at"] is not None
    assert await operator.ask("GET", "follow-ups?show=due") == []
    assert (await operator.ask("GET", "dashboard"))["follow_ups"] == {"open": 1, "due": 0}
    body = {"contact_id": 999, "due_on": str(today), "task": "Call"}
    assert await code_of(operator, "POST", "follow-ups", body, 404) == "no_such_contact"


async def test_the_agent_is_configured_and_its_files_are_edited(operator: Client) -> None:
    saved = {**await operator.ask("GET", "agent"), "model": "other", "temperature": 0.1}
    assert await operator.ask("PUT", "agent", saved) == saved
    assert await operator.ask("GET", "agent") == saved
    assert await code_of(operator, "PUT", "agent", {**saved, "top_p": 2}, 400) == "invalid_field"
    assert (await operator.ask("DELETE", "agent"))["model"] == "dashscope/qwen-plus"

    names = (await operator.ask("GET", "knowledge"))["files"]
    assert {"products.toml", "answers.toml", "es/technique.md", "zh/closings.md"} <= set(names)
    text = (await operator.ask("GET", "knowledge/texts.toml"))["text"]
    broken = {"text": text.replace("[greeting]", "[greetings]")}
    assert await code_of(operator, "PUT", "knowledge/texts.toml", broken, 400) == "unusable_file"
    better = {"text": text.replace("Hello, I am Lucy", "Good day, I am Lucy")}
    await operator.ask("PUT", "knowledge/texts.toml", better)
    session = await operator.ask("POST", "visitor/session", {"language": "en"}, 201)
    assert session["greeting"].startswith("Good day")
    assert await code_of(operator, "GET", "knowledge/..%2Fsales.db", None, 404) == "no_such_file"


async def test_only_an_operator_with_the_token_may_do_anything(shared: Sales) -> None:
    operator, stranger = await shared.operator(), await shared.anybody()
    paths = shared.app.openapi()["paths"]
    closed = [path for path in paths if not path.startswith(("/api/visitor", "/api/se", "/widget"))]
    assert len(closed) > 15
    for path in closed:
        for method in paths[path]:
            plain = path.removeprefix("/api/").replace("{", "").replace("}", "")
            where = plain.replace("_id", "_1").replace("contact_1", "1").replace("quote_1", "1")
            where = where.replace("conversation_1", "1").replace("follow_up_1", "1")
            assert await code_of(stranger, method.upper(), where, None, 401) == "not_signed_in"
    del operator.http.headers["X-CSRF-Token"]
    assert await code_of(operator, "POST", "contacts", {"name": "A"}, 403) == "wrong_csrf_token"


async def test_wrong_passwords_are_refused_and_then_counted(shared: Sales) -> None:
    client = await shared.anybody()
    await operators.set_password(shared.services.database, "eva", PASSWORD)
    wrong = {"name": "eva", "password": "wrong"}
    for _ in range(10):
        assert await code_of(client, "POST", "session", wrong, 401) == "wrong_login"
    right = {**wrong, "password": PASSWORD}
    assert await code_of(client, "POST", "session", right, 429) == "too_many_attempts"


async def test_a_new_password_ends_the_sessions_of_the_old_one(shared: Sales) -> None:
    client, other = await shared.anybody(), await shared.operator()
    for password in (PASSWORD, "battery staple"):
        await operators.set_password(shared.services.database, "luis", password)
        assert await code_of(client, "GET", "session", None, 401) == "not_signed_in"
        await client.ask("POST", "session", {"name": "luis", "password": password}, 201)
    await other.ask("GET", "session")


async def test_what_no_database_takes_is_refused(shared: Sales) -> None:
    operator, visitor = await shared.operator(), await shared.visitor()
    huge = 2**63
    for path in ("contacts", "conversations", "quotes"):
        assert await code_of(operator, "GET", f"{path}/{huge}", None, 404) == "not_found"
    assert await code_of(visitor, "GET", f"visitor/quotes/{huge}", None, 404) == "not_found"
    task = {"contact_id": huge, "due_on": "2030-01-01", "task": "Call"}
    text = {"text": "a\0b"}
    for client, method, path, body in (
        (operator, "GET", f"contacts?offset={huge}", None),
        (operator, "GET", "contacts?search=%00", None),
        (operator, "POST", "follow-ups", task),
        (operator, "POST", "contacts", {"name": "a\0b"}),
        (visitor, "POST", "visitor/messages", text),
    ):
        assert await code_of(client, method, path, body, 400) == "invalid_field"


async def test_an_unknown_page_is_told_in_the_one_form(shared: Sales) -> None:
    assert await code_of(await shared.anybody(), "GET", "nothing", None, 404) == "not_found"
