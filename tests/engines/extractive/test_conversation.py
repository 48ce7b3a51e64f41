"""Conversations of several turns: asking, calling, rendering, following up."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import json
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Chat:
    """A client that answers every call from a table of results."""

    ask: Any
    tools: list[dict[str, Any]]
    messages: list[dict[str, Any]] = field(default_factory=list)

    def say(self, text: str, **fields: Any) -> Any:
        self.messages.append({"role": "user", "content": text})
        return self._answer(**fields)

    def return_results(self, *results: Any, **fields: Any) -> Any:
        calls = self.messages[-1]["tool_calls"]
        for call, result in zip(calls, results, strict=True):
            content = result if isinstance(result, str) else json.dumps(result)
            self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
        return self._answer(**fields)

    def _answer(self, **fields: Any) -> Any:
        answer = self.ask(self.messages, tools=self.tools, **fields)
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
        if answer.calls:
            message["tool_calls"] = [
                {
                    "id": f"call_{len(self.messages)}_{number}",
                    "type": "function",
                    "function": {"name": name, "arguments": json.dumps(arguments)},
                }
                for number, (name, arguments) in enumerate(answer.calls)
            ]
        self.messages.append(message)
        return answer


@pytest.fixture
def chat(ask, catalogue) -> Chat:
    return Chat(ask, catalogue)


def test_asks_calls_renders_and_follows_up(chat) -> None:
    question = chat.say("What's the weather?")
    assert question.calls == []
    assert "The city to get the weather for" in question.text
    assert question.text.endswith("?")

    assert chat.say("Madrid").calls == [("get_weather", {"city": "Madrid"})]

    result = {"city": "Madrid", "temperature": 18, "condition": "sunny", "humidity": 40}
    rendered = chat.return_results(result).text
    assert rendered == "City: Madrid; temperature: 18; condition: sunny; humidity: 40."

    assert chat.say("What is the humidity?").text == "Humidity: 40."
    assert chat.say("And in Paris?").calls == [("get_weather", {"city": "Paris"})]


def test_spanish_question_about_a_result(chat) -> None:
    assert "Number of monthly installments" in chat.say("Quiero pagar mi deuda a plazos").text
    assert chat.say("en 6").calls == [("create_payment_plan", {"installments": 6})]
    rendered = chat.return_results({"plan_id": "P-1", "monthly_amount": 120.5}).text
    assert rendered == "ID de plan: P-1; importe mensual: 120.5."
    assert chat.say("¿Cuál es el importe mensual?").text == "Importe mensual: 120.5."


def test_several_missing_arguments_are_asked_for_until_all_are_there(chat) -> None:
    assert "Number of guests" in chat.say("订一张桌子").text
    still_missing = chat.say("4个人").text
    assert "Number of guests" not in still_missing
    assert "Time of the booking" in still_missing
    assert chat.say("明天晚上7点").calls == [
        ("book_table", {"date": "2026-03-05", "time": "19:00", "people": 4})
    ]


def test_a_new_question_ends_the_old_one(chat) -> None:
    chat.say("I need to cancel my appointment")
    assert chat.say("What's the weather in Oslo?").calls == [("get_weather", {"city": "Oslo"})]


def test_a_withdrawn_request_calls_nothing(chat) -> None:
    chat.say("I need to cancel my appointment")
    assert chat.say("never mind").calls == []


def test_an_id_of_an_earlier_result_is_used(chat) -> None:
    chat.say("Reserve a table for 2 tomorrow at 9pm")
    chat.return_results({"appointment_id": "CITA-77"})
    assert chat.say("Please cancel the appointment").calls == [
        ("cancel_appointment", {"appointment_id": "CITA-77"})
    ]


def test_calls_come_one_by_one_when_not_parallel(chat) -> None:
    first = chat.say("Weather in Rome and Oslo", parallel_tool_calls=False)
    assert first.calls == [("get_weather", {"city": "Rome"})]
    second = chat.return_results({"temperature": 20}, parallel_tool_calls=False)
    assert second.calls == [("get_weather", {"city": "Oslo"})]
    last = chat.return_results({"temperature": 3}, parallel_tool_calls=False)
    assert last.text == "Rome: Temperature: 20.\nOslo: Temperature: 3."


RESULTS: list[tuple[str, str, Any, str]] = [
    ("Busca los pedidos de ana@x.es", "list",
     [{"order_id": "A-1", "total": 20.5}, {"order_id": "A-2", "total": 5}],
     "2 resultados:\n- ID de pedido: A-1; total: 20.5\n- ID de pedido: A-2; total: 5"),
    ("Find orders of ana@x.es", "wrapped list", {"orders": [{"id": 1}, {"id": 2}]},
     "2 results:\n- id: 1\n- id: 2"),
    ("Find orders of ana@x.es", "empty list", [], "Nothing was found."),
    ("Busca los pedidos de ana@x.es", "empty string", "", "No se ha encontrado nada."),
    ("查询ana@x.es的订单", "empty object", {}, "没有找到任何结果。"),
    ("Find orders of ana@x.es", "error", {"error": "service down"},
     "That did not work: service down"),
    ("Cancela la cita CITA-9", "error", {"error": "no existe"}, "No ha funcionado: no existe"),
    ("Cancel appointment CITA-9", "plain text", "Cancelled.", "Cancelled."),
    ("查一下快递SF123456789到哪了", "booleans", {"status": "在途", "open": False},
     "状态：在途；开放：否。"),
    ("Find orders of ana@x.es", "nested", {"order": {"id": 7, "lines": ["a", "b"]}, "paid": True},
     "- Order:\n  - Id: 7\n  - Lines: a, b\n- Paid: yes"),
    ("Find orders of ana@x.es", "number", "42", "42"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "kind", "result", "expected"), RESULTS)
def test_results(chat, message: str, kind: str, result: Any, expected: str) -> None:
    assert chat.say(message).calls
    assert chat.return_results(result).text == expected


def test_many_rows_are_counted_and_cut(chat) -> None:
    chat.say("Find orders of ana@x.es")
    lines = chat.return_results([{"id": number} for number in range(50)]).text.splitlines()
    assert lines[0] == "50 results:"
    assert len(lines) == 22
    assert lines[-1] == "- ... and 30 more"


def test_legacy_function_messages_are_results(ask) -> None:
    messages = [
        {"role": "user", "content": "weather in Rome"},
        {"role": "assistant", "content": None},
        {"role": "function", "name": "get_weather", "content": '{"temperature": 20}'},
    ]
    assert ask(messages).text == "Temperature: 20."


def test_a_long_document_does_not_choose_functions(ask, catalogue) -> None:
    document = "The weather was discussed, and the price of every product in the order. " * 40
    assert ask(f"{document}\n\nWho wrote the minutes?", tools=catalogue).calls == []
    asked = f"{document}\nAppointment CITA-55 is late.\n\nCan you cancel that appointment?"
    assert ask(asked, tools=catalogue).calls == [
        ("cancel_appointment", {"appointment_id": "CITA-55"})
    ]
