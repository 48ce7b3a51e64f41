"""The documents say what they should, on the page that is cited, and always in the same bytes."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import string
import subprocess
import sys
import tomllib
from datetime import date
from importlib import resources

import pypdfium2
import pytest

from understudy_apps.languages import Language
from understudy_apps.negotiator import instructions
from understudy_apps.negotiator.documents import calendars, catalogue, contents
from understudy_apps.negotiator.documents.catalogue import DOCUMENTS, Printed

LANGUAGES: tuple[Language, ...] = ("es", "en", "zh")


def pages_of(name: str, language: Language) -> list[str]:
    document = catalogue.named(name)
    assert document is not None
    with pypdfium2.PdfDocument(Printed(document, language).content) as pdf:
        return [page.get_textpage().get_text_range() for page in pdf]


@pytest.mark.parametrize(
    ("name", "language", "page", "text"),
    [
        ("bus", "es", 1, "De lunes a viernes sale un autobús cada 15 minutos."),
        ("bus", "en", 3, "On Sundays and holidays, the last bus leaves Plaza Mayor at 21:00."),
        ("bus", "zh", 2, "星期六，公交车每30分钟一班。"),
        ("arenas-2026", "es", 2, "domingo 6 de diciembre de 2026"),
        ("arenas-2025", "en", 3, "Arenas is closed on Thursday 1 May 2025 (Labour Day)."),
        ("holidays-2026", "es", 1, "viernes 3 de abril de 2026"),
        ("holidays-2027", "en", 3, "Holiday in Catalonia: Monday 29 March 2027, Easter Monday."),
        ("holidays-2025", "zh", 3, "加泰罗尼亚的节假日：2025年9月11日星期四，自治区日。"),
    ],
)
def test_a_statement_is_on_its_page(name: str, language: Language, page: int, text: str) -> None:
    assert text in pages_of(name, language)[page - 1]
    document = catalogue.named(name)
    assert document is not None
    assert Printed(document, language).page_of(text) == page


def test_loose_wording_is_found_and_other_words_are_on_no_page() -> None:
    bus = Printed(catalogue.BUS, "es")
    assert bus.page_of("Los domingos el primer autobús sale a las 8:00") == 3
    assert bus.page_of("Kubernetes, quarks y xilófonos") is None
    assert bus.page_of("") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_statement_fits_on_a_line(language: Language) -> None:
    lines = {
        line
        for document in DOCUMENTS
        for page in pages_of(document.name, language)
        for line in page.splitlines()
    }
    pages = [*contents.bus_pages(language)]
    for year in catalogue.YEARS:
        pages += contents.arenas_pages(language, year) + contents.holiday_pages(language, year)
    assert {statement for page in pages for statement in page.paragraphs} <= lines


def test_the_same_document_has_the_same_bytes_in_another_process() -> None:
    program = (
        "import sys; from understudy_apps.negotiator.documents.catalogue import BUS, Printed; "
        "sys.stdout.buffer.write(Printed(BUS, 'zh').content)"
    )
    printed = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert printed.stdout == Printed(catalogue.BUS, "zh").content


@pytest.mark.parametrize(
    "day", [date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2038, 4, 25)]
)
def test_easter_is_when_the_church_says(day: date) -> None:
    assert calendars.easter(day.year) == day


def test_a_calendar_is_found_by_its_year_alone() -> None:
    assert catalogue.of_year("arenas", 2025) == catalogue.Document("arenas", 2025)
    assert catalogue.of_year("holidays", 2031) is None
    assert catalogue.named("arenas") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_instructions_name_every_function_and_every_file(language: Language) -> None:
    ids = {document.name: f"file-{number:06}" for number, document in enumerate(DOCUMENTS)}
    text = instructions.text(language, ids)
    for document in DOCUMENTS:
        assert f"{ids[document.name]}: {document.summary(language)}" in text
    for function in (
        "set_debt_id",
        "get_all_debts",
        "manage_negotiation",
        "calculate_payment_plan",
        "propose_payment_plan",
        "propose_partial_immediate_payment",
        "identify_arenas_holidays_query",
        "identify_community_holidays_query",
        "identify_bus_schedule_query",
    ):
        assert f"- {function}" in text


@pytest.mark.parametrize("package", ["wording", "documents"])
def test_every_language_has_the_same_sentences_with_the_same_values(package: str) -> None:
    spanish, *others = (shape(package, language) for language in LANGUAGES)
    for other in others:
        assert other == spanish


def shape(package: str, language: Language) -> object:
    folder = resources.files(f"understudy_apps.negotiator.{package}")
    return holes(tomllib.loads(folder.joinpath(f"{language}.toml").read_text("utf-8")))


def holes(value: object) -> object:
    """Return what a sentence is filled in with, or those of the sentences inside."""
    if isinstance(value, dict):
        return {key: holes(each) for key, each in value.items()}
    if isinstance(value, list):
        return [holes(each) for each in value]
    return {field for _, field, _, _ in string.Formatter().parse(str(value)) if field}
