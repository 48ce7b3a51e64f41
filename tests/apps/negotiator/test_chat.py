"""Chats with the embedded model of a real server in each language, and what happens without it."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pypdfium2
import pytest
from sqlalchemy import select, update
from tests.apps.negotiator.running import Browser, Negotiator, running, settings_in
from tests.http.serving import Served, serve, settings_for

from understudy_apps.negotiator.documents import catalogue
from understudy_apps.negotiator.tables import assistants, chats

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:.*deprecated.*:DeprecationWarning"),
]
Event = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(settings_for(tmp_path_factory.mktemp("server"))) as served:
        yield served


@pytest.fixture(scope="module")
async def negotiator(
    server: Served, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Negotiator]:
    settings = settings_in(tmp_path_factory.mktemp("app"), base_url=f"{server.root}/v1")
    async with running(settings) as negotiator:
        yield negotiator


@pytest.fixture
def one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave one document, for assistants that are made several times: reading all takes a while."""
    monkeypatch.setattr(catalogue, "DOCUMENTS", (catalogue.BUS,))


async def person(negotiator: Negotiator, language: str = "es", *totals: int) -> Browser:
    """Return the browser of somebody who has debts of so many euros."""
    browser = await negotiator.browser()
    await browser.register(language=language)
    for total in totals:
        body = {"total": total, "maximum_months": 12}
        await browser.ask("POST", "debts", body, 201)
    return browser


async def said(browser: Browser, text: str) -> list[Event]:
    """Say something and return the events of the answer."""
    response = await browser.client.post("chat/messages", json={"text": text}, timeout=60)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return events_of(response)


def events_of(response: httpx2.Response) -> list[Event]:
    events = []
    for block in response.text.strip().split("\n\n"):
        name, data = block.split("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


def text_of(events: list[Event]) -> str:
    return "".join(data["text"] for name, data in events if name == "delta")


def named(events: list[Event], wanted: str) -> list[dict[str, Any]]:
    return [data for name, data in events if name == wanted]


@pytest.mark.parametrize(
    ("language", "texts", "words"),
    [
        (
            "es",
            ["¿Cuál es la oferta actual?", "ofrezco 500 euros", "quiero pagar en 6 meses",
             "pago 600 euros ahora y el resto a plazos", "Propóngame un plan de pagos"],
            ["950,00 €", "900,00 €", "166,70 €", "370,00 €", "83,37 €"],
        ),
        (
            "en",
            ["What is the current offer?", "I offer 500 euros", "I want to pay in 6 months",
             "I pay 600 euros now and the rest later", "Propose a payment plan"],
            ["€950.00", "€900.00", "€166.70", "€370.00", "€83.37"],
        ),
        (
            "zh",
            ["目前的报价是多少？", "我出价500欧元", "我想分6个月还清",
             "我现在付600欧元，其余分期", "请提议一个还款方案"],
            ["€950.00", "€900.00", "€166.70", "€370.00", "€83.37"],
        ),
    ],
)  # fmt: skip
async def test_the_embedded_model_negotiates(
    negotiator: Negotiator, language: str, texts: list[str], words: list[str]
) -> None:
    browser = await person(negotiator, language, 1000)
    offers = []
    for text, wanted in zip(texts, words, strict=True):
        events = await said(browser, text)
        assert wanted in text_of(events), events
        assert [name for name, _ in events if name != "delta"] == ["tool", "offer", "done"]
        offers += named(events, "offer")
    assert [offer["kind"] for offer in offers] == [
        "discount", "discount", "plan", "partial", "plan"
    ]  # fmt: skip
    opening = await browser.ask("GET", "chat")
    assert [message["role"] for message in opening["messages"]] == ["user", "assistant"] * 5
    assert [offer["id"] for offer in opening["open_offers"]] == [
        offers[1]["id"], offers[3]["id"], offers[4]["id"]
    ]  # fmt: skip
    agreement = await browser.ask("POST", f"offers/{offers[1]['id']}/accept")
    assert agreement["terms"]["pays"] == "900.00"


@pytest.mark.parametrize(
    ("language", "text", "answer", "page"),
    [
        ("es", "¿A qué hora sale el primer autobús los domingos?", "8:00", 3),
        ("en", "When does the first bus leave on Sundays?", "8:00", 3),
        ("zh", "星期日首班公交车几点出发？", "8:00", 3),
        ("es", "¿qué festivos hay en Cataluña en 2025?", "21 de abril de 2025", 3),
    ],
)
async def test_an_answer_from_a_file_cites_the_page(
    negotiator: Negotiator, language: str, text: str, answer: str, page: int
) -> None:
    browser = await person(negotiator, language)
    events = await said(browser, text)
    (tool,) = named(events, "tool")
    first = named(events, "citation")[0]
    assert first["file_id"] in tool["output"]
    assert answer in text_of(events).partition(first["text"])[0]
    assert first["page"] == page
    response = await browser.client.get(f"chat/files/{first['file_id']}")
    assert response.headers["content-type"] == "application/pdf"
    with pypdfium2.PdfDocument(response.content) as pdf:
        assert answer in pdf[page - 1].get_textpage().get_text_range()
    message = (await browser.ask("GET", "chat"))["messages"][-1]
    assert message["citations"][0] == first


async def test_the_suggestions_are_understood(negotiator: Negotiator) -> None:
    for language in ("es", "en", "zh"):
        browser = await person(negotiator, language, 1000)
        for text in (await browser.ask("GET", "chat"))["suggestions"]:
            assert named(await said(browser, text), "tool"), text


async def test_a_debt_is_chosen_and_a_new_chat_asks_again(negotiator: Negotiator) -> None:
    browser = await person(negotiator, "es", 1000, 2000)
    debts = (await browser.ask("GET", "debts"))["debts"]
    opening = await browser.ask("GET", "chat")
    assert f"Deuda {debts[1]['id']}: 2.000,00 €" in opening["greeting"]
    assert (opening["messages"], opening["debt_id"]) == ([], None)
    assert "Dígame, por ejemplo" in text_of(await said(browser, "ofrezco 1700 euros"))
    chosen = await said(browser, f"deuda {debts[1]['id']}")
    assert chosen[-1] == ("done", {"debt_id": debts[1]["id"]})
    assert "1.800,00 €" in text_of(await said(browser, "ofrezco 1700 euros"))

    await browser.ask("POST", "chat/new", status=204)
    opening = await browser.ask("GET", "chat")
    assert (opening["messages"], opening["debt_id"]) == ([], None)
    # The negotiation is of the debt, not of the chat.
    assert [offer["terms"]["pays"] for offer in opening["open_offers"]] == ["1800.00"]


@pytest.mark.usefixtures("one_document")
async def test_everything_is_found_again_after_a_restart(server: Served, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, base_url=f"{server.root}/v1")
    async with running(settings) as negotiator:
        browser = await person(negotiator, "en", 1000)
        await said(browser, "I offer 500 euros")
        rows = await assistant_rows(negotiator)
        cookies, headers = browser.client.cookies, browser.client.headers
    async with running(settings) as negotiator:
        browser = await negotiator.browser()
        browser.client.cookies, browser.client.headers = cookies, headers
        assert len((await browser.ask("GET", "chat"))["messages"]) == 2
        assert "€850.00" in text_of(await said(browser, "I offer 500 euros"))
        assert await assistant_rows(negotiator) == rows
        # What the server of the model has lost, and a thread that is gone, are made anew.
        async with client(server) as api:
            await api.beta.assistants.delete(rows[0].assistant_id)
            await api.beta.threads.delete((await thread_ids(negotiator))[-1])
        assert "€800.00" in text_of(await said(browser, "I offer 500 euros"))
        assert (await assistant_rows(negotiator))[0].assistant_id != rows[0].assistant_id


@pytest.mark.usefixtures("one_document")
async def test_changed_instructions_renew_the_assistant(server: Served, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, base_url=f"{server.root}/v1")
    async with running(settings) as negotiator, client(server) as api:
        browser = await person(negotiator, "en")
        await said(browser, "Hello")
        (made,) = await assistant_rows(negotiator)
        await api.beta.assistants.update(made.assistant_id, instructions="Be brief.")
        await forget_instructions(negotiator)
        await said(browser, "Hello")
        assert await assistant_rows(negotiator) == [made]
        renewed = await api.beta.assistants.retrieve(made.assistant_id)
        assert renewed.instructions and renewed.instructions.startswith("You are Clara")

        await api.beta.assistants.delete(made.assistant_id)
        await forget_instructions(negotiator)
        assert (await said(browser, "Hello"))[-1][0] == "done"
        assert (await assistant_rows(negotiator))[0].assistant_id != made.assistant_id


async def test_an_answer_that_broke_off_does_not_block_the_chat(
    server: Served, negotiator: Negotiator
) -> None:
    browser = await person(negotiator, "en", 1000)
    await said(browser, "Hello")
    (assistant,) = [row for row in await assistant_rows(negotiator) if row.language == "en"]
    thread_id = (await thread_ids(negotiator))[-1]
    async with client(server) as api:
        await api.beta.threads.messages.create(thread_id, role="user", content="I offer 1 euro")
        run = await api.beta.threads.runs.create_and_poll(
            thread_id=thread_id, assistant_id=assistant.assistant_id
        )
        assert run.status == "requires_action"
    assert "€950.00" in text_of(await said(browser, "What is the current offer?"))


async def test_one_answer_at_a_time_and_who_leaves_frees_the_chat(negotiator: Negotiator) -> None:
    browser = await negotiator.browser()
    user = await browser.register(language="en")
    answer = negotiator.app.state.conversations.answer(user["id"], "Hello")
    assert (await anext(answer))[0] == "delta"
    (error,) = named(await said(browser, "Are you there?"), "error")
    assert error["code"] == "busy"
    await answer.aclose()
    assert (await said(browser, "Hello again"))[-1][0] == "done"


@pytest.mark.usefixtures("one_document")
async def test_a_key_of_ones_own_has_its_own_chat(server: Served, tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, base_url=f"{server.root}/v1")) as negotiator:
        browser = await person(negotiator, "en", 1000)
        await said(browser, "I offer 500 euros")
        await browser.ask("PUT", "users/me/api-key", {"api_key": "another-key-of-mine"})
        assert (await browser.ask("GET", "chat"))["messages"] == []
        assert "€850.00" in text_of(await said(browser, "I offer 500 euros"))
        await browser.ask("DELETE", "users/me/api-key", status=204)
        assert len((await browser.ask("GET", "chat"))["messages"]) == 2


async def test_without_the_models_server_the_rest_goes_on(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as negotiator:
        browser = await person(negotiator, "en", 1000)
        assert (await browser.ask("GET", "chat"))["problem"] is None
        (error,) = named(await said(browser, "Hello"), "error")
        assert error["code"] == "unreachable" and "cannot be reached" in error["message"]
        assert await browser.refused("POST", "chat/new", None, 502) == ("unreachable", None)


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "  "}, {"text": "x" * 4001}])
async def test_messages_without_words_are_refused(
    shared: Negotiator, one_person: Browser, body: dict[str, str]
) -> None:
    code, field = await one_person.refused("POST", "chat/messages", body, 400)
    assert field == "text" and code in ("missing_field", "invalid_field")


async def test_the_chat_is_for_people_who_are_logged_in(shared: Negotiator) -> None:
    browser = await shared.browser()
    for method, path in (
        ("GET", "chat"), ("POST", "chat/messages"), ("POST", "chat/new"),
        ("GET", "chat/files/file-1"), ("GET", "offers"), ("POST", "offers/1/accept"),
        ("GET", "agreements/1"),
    ):  # fmt: skip
        assert (await browser.refused(method, path, {"text": "a"}, 401))[0] == "not_signed_in"


async def test_an_unknown_file_is_not_found(shared: Negotiator, one_person: Browser) -> None:
    found = await one_person.refused("GET", "chat/files/file-unknown", None, 404)
    assert found == ("file_not_found", None)


def client(server: Served) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{server.root}/v1", api_key="any")


async def assistant_rows(negotiator: Negotiator) -> list[Any]:
    async with negotiator.services.database.read() as connection:
        return list(await connection.execute(select(assistants).order_by(assistants.c.language)))


async def forget_instructions(negotiator: Negotiator) -> None:
    """Make the stored instructions those of another release."""
    async with negotiator.services.database.write() as connection:
        await connection.execute(update(assistants).values(instructions_sha256="of before"))


async def thread_ids(negotiator: Negotiator) -> list[str]:
    async with negotiator.services.database.read() as connection:
        query = select(chats.c.thread_id).order_by(chats.c.id)
        return list((await connection.execute(query)).scalars())
