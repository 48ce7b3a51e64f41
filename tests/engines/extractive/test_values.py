"""Numbers, dates and mentions as they are read from text, and the arguments made of them."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

from datetime import date, datetime, time
from typing import Any

import pytest

from understudy.engines.extractive import arguments, context, dates, evidence, numbers, parameters
from understudy.engines.extractive.lexicon import Language

NOW = datetime(2026, 3, 4, 12, 0)

NUMBERS: list[tuple[str, Language, list[float]]] = [
    ("1.234,56 €", "es", [1234.56]),
    ("$1,234.56", "en", [1234.56]),
    ("1.234,56 €", "en", [1234.56]),
    ("$1,234.56", "es", [1234.56]),
    ("1.234", "es", [1234]),
    ("1.234", "en", [1.234]),
    ("1,234", "en", [1234]),
    ("1,234", "es", [1.234]),
    ("0,125", "en", [0.125]),
    ("25 000 euros", "es", [25000]),
    ("1,234,567", "en", [1234567]),
    ("-5.5", "en", [-5.5]),
    ("2 mil pesos", "es", [2000]),
    ("1,5 millones", "es", [1500000]),
    ("3万元", "zh", [30000]),
    ("mil quinientos euros", "es", [1500]),
    ("treinta y cinco cuotas", "es", [35]),
    ("dos mil trescientos cuarenta y dos", "es", [2342]),
    ("veintiún días", "es", [21]),
    ("twenty-five", "en", [25]),
    ("one hundred and twenty", "en", [120]),
    ("three thousand five hundred dollars", "en", [3500]),
    ("三千五百元", "zh", [3500]),
    ("十二期", "zh", [12]),
    ("两个月", "zh", [2]),
    ("between 10 and 20", "en", [10, 20]),
    ("250 euros en 12 meses", "es", [250, 12]),
    ("I want one", "en", []),
    ("hace un pago", "es", []),
    ("等一下", "zh", []),
]

MONEY = ["$5", "5 €", "USD 300", "300 dólares", "500 pesos", "20块", "100元", "40 libras"]
PERCENT: list[tuple[str, Language]] = [
    ("20%", "en"), ("20 %", "es"), ("20 por ciento", "es"), ("20 percent", "en"),
    ("veinte por ciento", "es"), ("百分之二十", "zh"), ("20％", "zh"),
]  # fmt: skip

MOMENTS: list[tuple[str, Language, date | None, time | None]] = [
    ("tomorrow at 5 pm", "en", date(2026, 3, 5), time(17)),
    ("mañana a las 5 de la tarde", "es", date(2026, 3, 5), time(17)),
    ("pasado mañana", "es", date(2026, 3, 6), None),
    ("the day after tomorrow", "en", date(2026, 3, 6), None),
    ("yesterday", "en", date(2026, 3, 3), None),
    ("el viernes a las 10:30", "es", date(2026, 3, 6), time(10, 30)),
    ("next friday at noon", "en", date(2026, 3, 6), time(12)),
    ("on Wednesday", "en", date(2026, 3, 11), None),
    ("on March 15th, 2027 at 3pm", "en", date(2027, 3, 15), time(15)),
    ("15 de marzo", "es", date(2026, 3, 15), None),
    ("2 de enero", "es", date(2027, 1, 2), None),
    ("el 3/4/2026", "es", date(2026, 4, 3), None),
    ("3/4/2026", "en", date(2026, 3, 4), None),
    ("2026-05-01T10:00", "en", date(2026, 5, 1), time(10)),
    ("in 3 days", "en", date(2026, 3, 7), None),
    ("dentro de dos semanas", "es", date(2026, 3, 18), None),
    ("a las 9 y media", "es", None, time(9, 30)),
    ("tonight at 9", "en", date(2026, 3, 4), time(21)),
    ("明天下午3点", "zh", date(2026, 3, 5), time(15)),
    ("下周五上午十点半", "zh", date(2026, 3, 13), time(10, 30)),
    ("3月15日", "zh", date(2026, 3, 15), None),
    ("2026年5月1日", "zh", date(2026, 5, 1), None),
    ("三天后", "zh", date(2026, 3, 7), None),
]  # fmt: skip

NO_MOMENT = ["por la mañana hablamos", "at 20%", "hello may I come in", "price 10.50", "32/13/2026"]


@pytest.mark.parametrize(("text", "language", "expected"), NUMBERS)
def test_numbers(text: str, language: Language, expected: list[float]) -> None:
    assert [number.value for number in numbers.find(text, language)] == expected


@pytest.mark.parametrize("text", MONEY)
def test_money(text: str) -> None:
    found = numbers.find(text, "es")
    assert [(number.is_money, number.is_percent) for number in found] == [(True, False)]


@pytest.mark.parametrize(("text", "language"), PERCENT)
def test_percentages(text: str, language: Language) -> None:
    found = numbers.find(text, language)
    assert [(n.value, n.is_money, n.is_percent) for n in found] == [(20, False, True)]


@pytest.mark.parametrize(("text", "language", "day", "clock"), MOMENTS)
def test_moments(text: str, language: Language, day: date | None, clock: time | None) -> None:
    found = dates.find(text, language, NOW)
    assert [(moment.day, moment.clock) for moment in found] == [(day, clock)]


@pytest.mark.parametrize("text", NO_MOMENT)
def test_what_is_no_moment(text: str) -> None:
    assert dates.find(text, "en", NOW) == []


def test_mentions() -> None:
    text = (
        'Write to Ana Pérez at ana.p@mail.example.com, +34 600 123 456, about ORD-12 and "the bill"'
    )
    found = evidence.read(text, "en", NOW)

    assert [m.value for m in found.emails] == ["ana.p@mail.example.com"]
    assert [m.value for m in found.phones] == ["+34 600 123 456"]
    assert [m.value for m in found.ids] == ["ORD-12"]
    assert [m.value for m in found.quoted] == ["the bill"]
    assert "Ana Pérez" in [m.value for m in found.people]


ARGUMENTS: list[tuple[str, str, dict[str, Any], Any]] = [
    ("amount", "I can pay 300 euros in 6 months", {"type": "number"}, 300),
    ("months", "I can pay 300 euros in 6 months", {"type": "integer"}, 6),
    ("proposed_period_months", "un plan a 12 meses", {"type": "integer"}, 12),
    ("plazo_meses", "una cuota de 120,50 € durante 18 meses", {"type": "integer"}, 18),
    ("cuota", "una cuota de 120,50 € durante 18 meses", {"type": "number"}, 120.5),
    ("discount", "100 euros with a 15% discount", {"type": "number"}, 15),
    ("nights", "habitación para 3 noches", {"type": "integer"}, 3),
    ("express", "with express shipping", {"type": "boolean"}, True),
    ("breakfast", "a room without breakfast", {"type": "boolean"}, False),
    ("desayuno", "una habitación sin desayuno", {"type": "boolean"}, False),
    ("priority", "es muy urgente", {"enum": ["low", "high"]}, "high"),
    ("color", "la quiero azul", {"enum": ["red", "blue"]}, "blue"),
    ("颜色", "我要红色的", {"enum": ["red", "blue"]}, "red"),
    ("size", "size M please", {"enum": ["S", "M", "L"]}, "M"),
    ("date", "nos vemos mañana", {"type": "string", "format": "date"}, "2026-03-05"),
    ("date", "nos vemos mañana", {"type": "string"}, "mañana"),
    ("time", "a las 18:30", {"type": "string"}, "18:30"),
    ("email", "mi correo es eva@x.es", {"type": "string"}, "eva@x.es"),
    ("website", "see https://example.com/a?b=1.", {"type": "string"}, "https://example.com/a?b=1"),
    ("phone", "llámame al 600 123 456", {"type": "string"}, "600 123 456"),
    ("order_id", "order 4521 please", {"type": "string"}, "4521"),
    ("code", "my code is AB-12", {"type": "string", "pattern": "^[A-Z]{2}-\\d{2}$"}, "AB-12"),
    ("name", "Me llamo Luis García", {"type": "string"}, "Luis García"),
    ("姓名", "我叫王伟", {"type": "string"}, "王伟"),
    ("color", "the color is dark green", {"type": "string"}, "dark green"),
    ("destination", "a flight from Oslo to Rome", {"type": "string"}, "Rome"),
    ("origin", "un vuelo de Oslo a Roma", {"type": "string"}, "Oslo"),
    ("destination", "从北京到上海的机票", {"type": "string"}, "上海"),
    ("emails", "a@x.es and b@x.es",
     {"type": "array", "items": {"type": "string", "format": "email"}},
     ["a@x.es", "b@x.es"]),
    ("numbers", "3, 5 and 8", {"type": "array", "items": {"type": "number"}}, [3, 5, 8]),
    ("ingredients", "ingredients: flour, sugar and eggs",
     {"type": "array", "items": {"type": "string"}},
     ["flour", "sugar", "eggs"]),
    ("address", "Ana, calle Mayor, in Madrid 28001",
     {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
     {"city": "Madrid"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "schema", "expected"), ARGUMENTS)
def test_arguments(name: str, text: str, schema: dict[str, Any], expected: Any) -> None:
    root = {"type": "object", "properties": {name: schema}, "required": [name]}
    read = evidence.read(text, "es", NOW)

    found = arguments.fill(
        parameters.parameters(root, root), context.Context(read, frozenset(), root)
    )

    assert found == {name: expected}


def test_the_word_behind_a_number_says_what_it_counts() -> None:
    counts = {"nights": {"type": "integer"}, "guests": {"type": "integer"}}
    root = {"type": "object", "properties": counts, "required": list(counts)}
    read = evidence.read("a room: 5 guests, 2 nights", "en", NOW)

    found = arguments.fill(
        parameters.parameters(root, root), context.Context(read, frozenset(), root)
    )

    assert found == {"nights": 2, "guests": 5}


def test_certain_kinds_are_served_before_free_text() -> None:
    fields = {"product": {"type": "string"}, "order_id": {"type": "string"}}
    root = {"type": "object", "properties": fields, "required": list(fields)}
    read = evidence.read("ORD-9, the blue chair", "en", NOW)

    found = arguments.fill(
        parameters.parameters(root, root), context.Context(read, frozenset(), root)
    )

    assert found == {"product": "blue chair", "order_id": "ORD-9"}


def test_bounds_decide_between_numbers() -> None:
    root = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 18, "maximum": 120},
            "score": {"type": "integer", "minimum": 200},
        },
        "required": ["age", "score"],
    }
    read = evidence.read("850 and 42", "en", NOW)

    found = arguments.fill(
        parameters.parameters(root, root), context.Context(read, frozenset(), root)
    )

    assert found == {"age": 42, "score": 850}
