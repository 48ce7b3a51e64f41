"""The agent in whole conversations, with the embedded model and with one that writes."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import hashlib
import json
from pathlib import Path
from typing import Any

import anyio
import pypdfium2
import pytest
from tests.apps.sales.running import Client, Sales, running, settings_in
from tests.http.serving import WAIT_S, Served
from tests.upstreams.http_server import Behaviour
from tests.upstreams.scripted import ScriptedUpstream, answer, break_off, stream

from understudy_apps.sales.agent import Written
from understudy_apps.sales.answering import events

pytestmark = pytest.mark.anyio

CONVERSATIONS = {
    "es": {
        "¿Qué vendéis?": "programa de gestión para tiendas",
        "¿Cuánto cuesta el Plan Pro?": "49.00 EUR",
        "Me parece muy caro": "menos de un euro al día",
        "No tengo tiempo": "dura una mañana",
        "¿Me puedo fiar?": "se exportan enteros",
        "No lo necesito": "hoja de cálculo",
        "Me llamo Ana Gómez y mi correo es ana@gomez.es": "Anotado: Ana Gómez, ana@gomez.es.",
        "Llámame el 24 de noviembre de 2098": "24 de noviembre de 2098",
        "Hazme un presupuesto": "Necesito un dato más",
        "3 unidades del Plan Pro": "177.87 EUR",
        "¿Tenéis perros?": "Esa respuesta no la tengo",
    },
    "en": {
        "What does the Basic plan include?": "one shop and two users",
        "That is too expensive": "less than one euro a day",
        "Does the Basic plan have a minimum term?": "no minimum term",
        "I still find it expensive": "For which plan",
        "The Basic plan, for 2 shops": "45.98 EUR",
        "I'm John, john@baker.co.uk": "Noted: John, john@baker.co.uk.",
        "My name is Ann Smith, my e-mail is ann@smith.com": "Ann Smith, ann@smith.com",
        "Call me on 24 November 2098": "24 November 2098",
        "Make me a quote for 2 units of the Basic plan and 1 of Training": "336.38 EUR",
    },
    "zh": {
        "专业版多少钱？": "49.00 EUR",
        "太贵了": "每天不到一欧元",
        "我叫王芳，我的公司是芳芳鞋店": "王芳、芳芳鞋店",
        "请在2098年11月24日给我打电话": "2098年11月24日",
        "请给我3个专业版的报价": "177.87 EUR",
    },
}


@pytest.mark.parametrize("language", CONVERSATIONS)
async def test_offline_it_answers_notes_quotes_and_hands_over(
    offline: Sales, language: str
) -> None:
    visitor, operator = await offline.visitor(language), await offline.operator()
    for text, expected in CONVERSATIONS[language].items():
        assert expected in await visitor.answer(text)
    chat = await visitor.ask("GET", "visitor/messages")
    *_, quote = [quote for message in chat["messages"] for quote in message["quotes"]]
    pdf = await visitor.http.get(f"visitor/quotes/{quote['quote_id']}")
    assert pdf.headers["content-type"] == "application/pdf"
    page = pypdfium2.PdfDocument(pdf.content)[0].get_textpage().get_text_bounded()
    assert quote["number"] in page and quote["total"] in page

    person = {"es": "Sí, por favor", "en": "I want a real person", "zh": "转人工"}
    names = [name for name, _ in await visitor.write(person[language])]
    assert names == ["delta", "handed_over", "done"]
    mine = await own_conversation(operator, offline, visitor)
    assert mine["status"] == "person"
    contact = await operator.ask("GET", f"contacts/{mine['contact_id']}")
    assert [one["stage"] for one in contact["stages"]] == ["contacted", "quoted"]
    tasks = await operator.ask("GET", f"follow-ups?contact_id={contact['id']}")
    assert [task["due_on"] for task in tasks] == ["2098-11-24"]


async def own_conversation(operator: Client, sales: Sales, visitor: Client) -> dict[str, Any]:
    """Return a visitor's conversation as an operator sees it."""
    first = (await visitor.ask("GET", "visitor/messages"))["messages"][0]
    page = await operator.ask("GET", "conversations?limit=200")
    for listed in page["conversations"]:
        found: dict[str, Any] = await operator.ask("GET", f"conversations/{listed['id']}")
        if found["messages"][0]["id"] == first["id"]:
            return found
    raise AssertionError("the operator does not see the conversation")


async def test_after_a_hand_over_a_person_answers_until_they_give_it_back(offline: Sales) -> None:
    visitor, operator = await offline.visitor(), await offline.operator()
    await visitor.write("I want to talk to a person")
    assert [name for name, _ in await visitor.write("Hello?")] == ["waiting", "done"]
    conversation = await own_conversation(operator, offline, visitor)
    path = f"conversations/{conversation['id']}"
    await operator.ask("POST", f"{path}/messages", {"text": "Good morning, I am Eva."}, 201)
    seen = (await visitor.ask("GET", "visitor/messages"))["messages"]
    assert [(one["author"], one["text"]) for one in seen[-1:]] == [
        ("operator", "Good morning, I am Eva.")
    ]
    await operator.ask("PATCH", path, {"status": "agent"})
    assert "49.00 EUR" in await visitor.answer("How much is the Pro plan?")
    intents = [one["intent"] for one in (await operator.ask("GET", path))["messages"]]
    assert intents == ["person", None, "greeting", None, "price", None]


async def test_visitors_see_and_touch_nothing_but_their_own(offline: Sales) -> None:
    one, other = await offline.visitor(), await offline.visitor()
    await one.answer("My name is Ann Smith, my e-mail is ann@smith.com")
    await one.answer("Make me a quote for 3 units of the Pro plan")
    chat = (await one.ask("GET", "visitor/messages"))["messages"]
    quote = chat[-1]["quotes"][0]["quote_id"]
    assert (await other.ask("GET", "visitor/messages"))["messages"] == []
    assert (await other.ask("GET", f"visitor/quotes/{quote}", status=404))["error"]["code"]
    await other.answer("My name is Bob Brown")
    operator = await offline.operator()
    contact = (await own_conversation(operator, offline, one))["contact_id"]
    assert (await operator.ask("GET", f"contacts/{contact}"))["name"] == "Ann Smith"
    other.http.headers["X-Visitor-Token"] = "guessed"
    assert await other.ask("GET", "visitor/messages", status=401)


async def test_the_sandbox_is_the_operators_own_and_counts_nowhere(offline: Sales) -> None:
    operator = await offline.operator()
    before = await operator.ask("GET", "dashboard")
    events = await operator.write("Make me a quote for 3 units of the Pro plan", "sandbox/messages")
    names = [name for name, _ in events]
    assert names == ["tool", "quote", "delta", "done"]
    assert events[0][1]["name"] == "make_quote"
    assert await operator.ask("GET", "dashboard") == before
    assert len(await operator.ask("GET", "sandbox/messages")) == 2
    await operator.ask("DELETE", "sandbox/messages", status=204)
    assert await operator.ask("GET", "sandbox/messages") == []


async def test_the_health_page_and_the_log_name_the_missing_key(
    understudy: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(settings_in(tmp_path, base_url=f"{understudy.root}/v1")) as sales:
        operator, visitor = await sales.operator(), await sales.visitor()
        assert (await operator.ask("GET", "health"))["since"] is None
        await visitor.answer("Hello")
        health = await operator.ask("GET", "health")
    assert (health["status"], health["answered_by"]) == ("degraded", "understudy-extractive")
    assert health["trouble"]["kind"] == "missing_key"
    assert health["trouble"]["variable"] == "DASHSCOPE_API_KEY"
    (warning,) = [one for one in caplog.records if one.name.endswith("sales.models")]
    assert warning.getMessage().count("DASHSCOPE_API_KEY") == 1


# --- with a model that writes -----------------------------------------------------------------


def chunk(model: str = "m", **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model}
    return {**head, "choices": [choice]}


def says(text: str) -> Behaviour:
    return stream([chunk(role="assistant", content=piece) for piece in text.split(" ")])


def calls(name: str, arguments: dict[str, Any]) -> Behaviour:
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return stream([chunk(role="assistant", tool_calls=[call])])


async def test_a_model_is_told_what_is_configured_and_its_calls_are_made(
    scripted_stored: Sales, upstream: ScriptedUpstream
) -> None:
    operator, visitor = await scripted_stored.operator(), await scripted_stored.visitor("en")
    configured = {**await operator.ask("GET", "agent"), "temperature": 0.1, "max_tokens": 99}
    await operator.ask("PUT", "agent", configured)
    contact = {"name": "Ann", "interest": "high", "email": "ANN@smith.com"}
    upstream.play(
        calls("save_contact", contact), calls("save_contact", {"email": "no"}), says("All noted.")
    )
    events = await visitor.write("I am Ann and very interested")
    assert ("done", {"message_id": 2, "text": "Allnoted."}) == events[-1]

    first, second, third = (call.json for call in upstream.calls)
    assert (first["model"], first["temperature"], first["max_tokens"]) == ("seller", 0.1, 99)
    assert first["top_p"] == 0.9
    assert "Sales technique" in first["messages"][0]["content"]
    assert [tool["function"]["name"] for tool in first["tools"]] == [
        "look_up_product", "save_contact", "schedule_follow_up", "make_quote", "hand_over",
    ]  # fmt: skip
    assert json.loads(second["messages"][-1]["content"])["saved"]["email"] == "ann@smith.com"
    assert "InvalidArguments" in third["messages"][-1]["content"]
    listed = (await operator.ask("GET", "contacts"))["contacts"]
    assert [(one["name"], one["email"], one["stage"]) for one in listed] == [
        ("Ann", "ann@smith.com", "qualified")
    ]

    upstream.play(says("Again."))
    await visitor.answer("Hello")
    roles = [message["role"] for message in upstream.calls[-1].json["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool", "assistant", "user"]
    assert "email: ann@smith.com" in upstream.calls[-1].json["messages"][0]["content"]


async def test_a_model_that_breaks_off_is_taken_back_and_tried_again_later(
    scripted: Sales, upstream: ScriptedUpstream
) -> None:
    visitor, operator = await scripted.visitor(), await scripted.operator()
    begun = b"data: " + json.dumps(chunk(content="Half a")).encode() + b"\n\n"
    upstream.play(break_off([begun]), says("Whole."))
    events = await visitor.write("Hello")
    assert events[0] == ("delta", {"text": "Half a"})
    assert events[1] == ("restart", {"text": ""})
    assert events[-1][1]["text"] == "Whole."
    assert [call.json["model"] for call in upstream.calls] == ["seller", "reserve"]
    assert (await operator.ask("GET", "health"))["status"] == "degraded"

    upstream.play(says("Reserve."))
    await visitor.answer("Hello again")
    assert upstream.calls[-1].json["model"] == "reserve"
    upstream.play(says("Here."))
    health = await operator.ask("POST", "health/check")
    assert (health["status"], health["trouble"]) == ("ok", None)
    upstream.play(says("Back."))
    assert await visitor.answer("And now?") == "Back."
    assert upstream.calls[-1].json["model"] == "seller"


async def test_an_embedded_model_in_place_of_the_configured_one_is_noticed(
    scripted: Sales, upstream: ScriptedUpstream
) -> None:
    visitor, operator = await scripted.visitor(), await scripted.operator()
    saved = {**await operator.ask("GET", "agent"), "model": "acme/seller"}
    await operator.ask("PUT", "agent", saved)
    upstream.play(
        stream([chunk(content="Set X.", model="understudy-extractive")]), says("Reserve.")
    )
    assert await visitor.answer("Hello") == "Reserve."
    trouble = (await operator.ask("GET", "health"))["trouble"]
    assert (trouble["kind"], trouble["variable"]) == ("substituted", "ACME_API_KEY")


async def test_a_request_that_is_refused_is_logged_and_the_next_one_made(
    scripted: Sales, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    visitor, operator = await scripted.visitor(), await scripted.operator()
    upstream.play(answer({"error": {"message": "top_p is out of range"}}, 400), says("Reserve."))
    assert await visitor.answer("Hello") == "Reserve."
    assert (await operator.ask("GET", "health"))["status"] == "ok"
    (warning,) = [one for one in caplog.records if one.name.endswith("sales.models")]
    assert "top_p is out of range" in warning.getMessage()
    upstream.play(says("Here."))
    assert await visitor.answer("Hello") == "Here."


async def test_without_any_model_the_visitor_is_told_and_the_message_kept(
    scripted: Sales, upstream: ScriptedUpstream
) -> None:
    visitor, operator = await scripted.visitor(), await scripted.operator()
    rejected = answer({"error": {"message": "no", "code": "invalid_api_key"}}, 401)
    upstream.play(rejected, rejected)
    assert "Your message is saved" in await visitor.answer("Hello")
    health = await operator.ask("GET", "health")
    assert (health["status"], health["trouble"]["kind"]) == ("down", "missing_key")
    assert health["trouble"]["variable"] == "SALES_API_KEY"
    kept = await own_conversation(operator, scripted, visitor)
    assert kept["messages"][0]["text"] == "Hello"


async def test_the_intent_can_be_the_models_and_falls_back_to_the_rules(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, base_url=upstream.base_url, model="seller", intents="model")
    async with running(settings) as sales:
        visitor, operator = await sales.visitor(), await sales.operator()
        upstream.play(says('{"intent":"buy"}'), says("One."), says("nonsense"), says("Two."))
        await visitor.answer("Shut up and take it")
        await visitor.answer("How much is it?")
        messages = (await own_conversation(operator, sales, visitor))["messages"]
    schema = upstream.calls[0].json["response_format"]["json_schema"]["schema"]
    assert {"buy", "price", "other"} <= set(schema["properties"]["intent"]["enum"])
    assert [message["intent"] for message in messages] == ["buy", None, "price", None]


async def test_who_leaves_amid_an_answer_finds_it_later(
    scripted: Sales, upstream: ScriptedUpstream
) -> None:
    visitor = await scripted.visitor()
    upstream.play(says("A long answer."))
    services = scripted.services
    token = visitor.http.headers["X-Visitor-Token"]
    row = await services.conversations.find("web", hashlib.sha256(token.encode()).hexdigest())
    assert row is not None
    await services.agent.accept(row["id"], Written("Hello"))
    listener = events(services.tasks, services.agent, row["id"])
    await anext(listener)
    await listener.aclose()
    with anyio.fail_after(WAIT_S):
        await visitor.write("Is it there?")
    texts = [one["text"] for one in (await visitor.ask("GET", "visitor/messages"))["messages"]]
    assert "Alonganswer." in texts
