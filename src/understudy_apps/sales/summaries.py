"""Sentences that say what a function did, in the visitor's language. Pure.

A model that can write uses them as facts; one that can only quote passes them on as they are.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

from datetime import date
from decimal import Decimal
from typing import Any

from understudy_apps.languages import Language
from understudy_apps.sales.products import Catalogue, Product
from understudy_apps.sales.quotes import Quote

_SENTENCES: dict[Language, dict[str, str]] = {
    "es": {
        "costs": "{name} cuesta {price} {currency} por {unit}, más {tax} % de IVA.",
        "saved": "Anotado: {told}.",
        "nothing_saved": "No he entendido qué dato debo anotar.",
        "scheduled": "Anotado para el {day}: {task}.",
        "quoted": "El presupuesto {number} suma {net} {currency}, más {tax} {currency} de IVA: "
        "{total} {currency} en total. Es válido hasta el {day}.",
    },
    "en": {
        "costs": "{name} costs {price} {currency} per {unit}, plus {tax}% VAT.",
        "saved": "Noted: {told}.",
        "nothing_saved": "I did not understand what to note down.",
        "scheduled": "Noted for {day}: {task}.",
        "quoted": "Quote {number} comes to {net} {currency}, plus {tax} {currency} VAT: {total} "
        "{currency} in all. It is valid until {day}.",
    },
    "zh": {
        "costs": "{name}的价格是{price} {currency}（{unit}），另加{tax}%增值税。",
        "saved": "已记录：{told}。",
        "nothing_saved": "我没有听懂要记录什么。",
        "scheduled": "已安排在{day}：{task}。",
        "quoted": "报价单{number}：不含税{net} {currency}，增值税{tax} {currency}，"
        "合计{total} {currency}。有效期至{day}。",
    },
}
_MONTHS = (
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
).split()


def of_price(product: Product, catalogue: Catalogue, language: Language) -> str:
    """Return what a product costs."""
    return _SENTENCES[language]["costs"].format(
        name=product.name[language],
        price=f"{product.price:.2f}",
        currency=catalogue.company.currency,
        unit=product.unit[language],
        tax=f"{catalogue.company.tax_percent:f}",
    )


def of_product(product: Product, catalogue: Catalogue, language: Language) -> str:
    """Return what a product is and what it costs."""
    space = "" if language == "zh" else " "
    return f"{product.facts[language]}{space}{of_price(product, catalogue, language)}"


def of_saved(saved: dict[str, Any], language: Language) -> str:
    """Return which fields of a contact were saved."""
    told = ("、" if language == "zh" else ", ").join(str(value) for value in saved.values())
    sentences = _SENTENCES[language]
    return sentences["saved"].format(told=told) if told else sentences["nothing_saved"]


def of_follow_up(task: str, due_on: date, language: Language) -> str:
    """Return what was scheduled, and for when."""
    sentence = _SENTENCES[language]["scheduled"]
    return sentence.format(task=task.rstrip("."), day=_day(due_on, language))


def of_quote(quote: Quote, number: str, language: Language) -> str:
    """Return what a quote comes to."""

    def plain(amount: Decimal) -> str:
        return f"{amount:.2f}"

    return _SENTENCES[language]["quoted"].format(
        number=number,
        net=plain(quote.net),
        tax=plain(quote.tax),
        total=plain(quote.total),
        currency=quote.currency,
        day=_day(quote.valid_until, language),
    )


def _day(day: date, language: Language) -> str:
    match language:
        case "es":
            return f"{day.day} de {_MONTHS[day.month - 1]} de {day.year}"
        case "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        case "en":
            return f"{day.day} {day:%B} {day.year}"
