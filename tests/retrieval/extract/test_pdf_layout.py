"""The pure parts of reading a PDF page: lines, margins and what is left around tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.retrieval.extract.pdf_lines import (
    last_title,
    plain_lines,
    reflowed,
    running,
    running_in,
)
from understudy.retrieval.extract.pdf_regions import Box, around

PAGE = Box(0, 0, 100, 100)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("uno\r\n\r\n  dos ", ["uno", "dos"]),
        ("aper\x02\r\ntura", ["apertura"]),
        ("aper\ufffetura", ["apertura"]),
        ("aper\xad\ntura", ["apertura"]),
        ("la aper-\r\ntura", ["la apertura"]),
        ("2020-\r\n2021", ["2020-", "2021"]),
        ("Castilla-\r\nLa Mancha", ["Castilla-", "La Mancha"]),
        ("fin\x02", ["fin-"]),
    ],
)
def test_lines(text: str, lines: list[str]) -> None:
    assert plain_lines(text) == lines


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], ""),
        (
            ["Los comercios abrirán los", "domingos del mes."],
            "Los comercios abrirán los domingos del mes.",
        ),
        (
            ["Los comercios de la zona de", "Galicia abrirán los jueves."],
            "Los comercios de la zona de Galicia abrirán los jueves.",
        ),
        (
            ["Primera frase completa.", "Segunda frase completa."],
            "Primera frase completa.\nSegunda frase completa.",
        ),
        (
            ["Título", "una frase mucho más larga que él"],
            "Título\nuna frase mucho más larga que él",
        ),
        (
            ["Lugo 10:00 12:30 15:00", "Vigo 11:00 13:30 16:00"],
            "Lugo 10:00 12:30 15:00\nVigo 11:00 13:30 16:00",
        ),
        (
            ["商店可以在节假日营业具体", "时间由地方政府规定。"],
            "商店可以在节假日营业具体时间由地方政府规定。",
        ),
    ],
)
def test_paragraphs(lines: list[str], text: str) -> None:
    assert reflowed(lines) == text


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Días de apertura", "Días de apertura"),
        ("Horarios\nLos comercios abren los días que la ley determina, sin excepción.", "Horarios"),
        (
            "2. Tarifas\nTabla 3. Precios por zona\nTodos los precios están en euros.",
            "Tabla 3. Precios por zona",
        ),
        (
            "Los precios de cada zona son:\nuna línea mucho más larga que la que está por encima.",
            "Los precios de cada zona son:",
        ),
        (
            "一、开放时间\n各地区商店在节假日的开放时间由当地政府决定。",
            "一、开放时间",
        ),
        ("Los comercios abren los domingos.", None),
        ("rebajas\nde enero y de otros meses en que los comercios venden lo que les sobra", None),
        ("- \n* una lista que no dice de qué", None),
    ],
)
def test_titles(text: str, title: str | None) -> None:
    assert last_title(text) == title


def test_what_nearly_all_margins_share_is_running() -> None:
    margins = [["Guía", f"Página {n}"] for n in range(1, 9)] + [["Anexo", "Página 9"]]
    repeated = running(margins)
    assert running_in(["Guía", "Página 12", "Anexo"], repeated) == {"Guía", "Página 12"}


def test_short_documents_have_nothing_running() -> None:
    assert running([["Guía"]] * 3) == frozenset()


def test_a_line_of_half_the_pages_is_not_running() -> None:
    assert running([["Guía"], ["Guía"], ["otra"], ["más"]]) == frozenset()


def test_the_rest_of_a_page_comes_in_reading_order() -> None:
    assert list(around(PAGE, [Box(20, 40, 60, 70)])) == [
        (Box(0, 70, 100, 100), None),
        (Box(0, 40, 20, 70), None),
        (Box(20, 40, 60, 70), 0),
        (Box(60, 40, 100, 70), None),
        (Box(0, 0, 100, 40), None),
    ]


_EDGE = st.integers(0, 20).map(lambda n: n * 5)
_TABLES = st.lists(
    st.tuples(_EDGE, _EDGE, _EDGE, _EDGE).map(
        lambda e: Box(min(e[0], e[1]), min(e[2], e[3]), max(e[0], e[1]) + 5, max(e[2], e[3]) + 5)
    ),
    max_size=5,
)


@given(_TABLES)
def test_every_point_is_in_one_rest_or_in_a_table(tables: list[Box]) -> None:
    parts = list(around(PAGE, tables))
    rests = [box for box, index in parts if index is None]
    for x in range(2, 100, 5):
        for y in range(2, 100, 5):
            in_table = any(_holds(table, x, y) for table in tables)
            assert sum(_holds(rest, x, y) for rest in rests) == (0 if in_table else 1)


@given(_TABLES)
def test_no_table_is_given_twice(tables: list[Box]) -> None:
    indexes = [index for _, index in around(PAGE, tables) if index is not None]
    assert len(indexes) == len(set(indexes))
    for number, table in enumerate(tables):
        others = [one for other, one in enumerate(tables) if other != number]
        if not any(not table.clipped(other).is_empty for other in others):
            assert (number in indexes) == (not table.clipped(PAGE).is_empty)


def _holds(box: Box, x: float, y: float) -> bool:
    return box.left < x < box.right and box.bottom < y < box.top
