"""PDF: the right page, tables once and whole, text as it reads."""

from pathlib import Path

import pytest
from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas
from tests.retrieval.extract.documents import (
    REGIONS,
    blocks_of,
    drawn_pdf,
    long_table,
    opening_days,
    spanish_guide,
    text_of,
)

from understudy.retrieval.extract import Block


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> list[Block]:
    return blocks_of(spanish_guide(tmp_path_factory.mktemp("guide") / "guía.pdf"))


def test_every_page_is_there_with_its_number(guide: list[Block]) -> None:
    assert {block.page for block in guide} == set(range(1, 10))
    for page in range(1, 10):
        on_page = text_of(block for block in guide if block.page == page)
        assert f"Capítulo {page}. Horarios" in on_page
        assert f"boletín número {page}" in on_page


@pytest.mark.parametrize("page", range(2, 10))
def test_a_row_is_one_line_with_its_columns(guide: list[Block], page: int) -> None:
    (table,) = (block for block in guide if block.is_table and block.page == page)
    lines = table.text.splitlines()
    assert table.header == "Comunidad | Días de apertura | Horario"
    assert len(lines) == 7
    assert lines[0] == (
        f"Comunidad: Andalucía; Días de apertura: {opening_days(page, 0)}; "
        f"Horario: 9:00 a {page + 10}:00"
    )


def test_a_cell_over_two_rows_belongs_to_both(guide: list[Block]) -> None:
    table = next(block for block in guide if block.is_table and block.page == 4)
    asturias = [line for line in table.text.splitlines() if REGIONS[2] in line]
    assert [opening_days(4, number) in line for number, line in enumerate(asturias, 2)] == [
        True
    ] * 2
    assert REGIONS[3] not in table.text


def test_shading_and_links_make_no_table(guide: list[Block]) -> None:
    assert not any(block.is_table for block in guide if block.page == 1)
    assert sum(block.is_table for block in guide) == 8


def test_a_tables_text_is_given_once(guide: list[Block]) -> None:
    everything = text_of(guide)
    for page in range(2, 10):
        assert everything.count(opening_days(page, 0)) == 1
        assert everything.count(f"Final del capítulo {page}.") == 1


def test_text_before_and_after_a_table_stay_in_order(guide: list[Block]) -> None:
    kinds = [(block.is_table, "Final" in block.text) for block in guide if block.page == 5]
    assert kinds == [(False, False), (True, False), (False, True)]


def test_wrapped_lines_are_joined_to_sentences(guide: list[Block]) -> None:
    assert (
        "abiertos al público los domingos y festivos que determine cada comunidad" in guide[0].text
    )


def test_headers_and_footers_of_all_pages_are_left_out(guide: list[Block]) -> None:
    everything = text_of(guide)
    assert "Guía de horarios comerciales" not in everything
    assert "de 9" not in everything


def test_a_table_that_goes_on_inherits_its_header(tmp_path: Path) -> None:
    blocks = blocks_of(long_table(tmp_path / "t.pdf", 120))
    assert len({block.page for block in blocks}) >= 3
    assert {block.header for block in blocks} == {"Ciudad | Tarifa | Plazo"}
    rows = text_of(blocks).splitlines()
    assert rows == [
        f"Ciudad: Ciudad {n}; Tarifa: {n},50 euros; Plazo: {n} días" for n in range(120)
    ]


def test_a_table_has_the_title_above_it(guide: list[Block]) -> None:
    titles = {block.page: block.heading for block in guide if block.is_table}
    assert titles == {page: f"Capítulo {page}. Horarios" for page in range(2, 10)}


def test_a_title_goes_on_with_its_table_and_no_further(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 600, "Deudas")
        _grid(canvas, [["Nombre", "Deuda"], ["Ana", "300 €"]])
        canvas.showPage()
        _grid(canvas, [["Luis", "20 €"], ["Eva", "10 €"]])
        canvas.showPage()
        canvas.drawString(100, 600, "Aquí empieza otra lista.")
        _grid(canvas, [["Nombre", "Pago"], ["Ana", "100 €"]])

    tables = [b for b in blocks_of(drawn_pdf(tmp_path / "t.pdf", draw)) if b.is_table]
    assert [(b.page, b.heading) for b in tables] == [(1, "Deudas"), (2, "Deudas"), (3, None)]


def test_two_tables_below_one_title(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 600, "Deudas")
        _grid(canvas, [["Nombre", "Deuda"], ["Ana", "300 €"]])
        canvas.drawString(100, 480, "Solo quedan las del año pasado, que no han prescrito.")
        canvas.translate(0, -120)
        _grid(canvas, [["Nombre", "Año"], ["Ana", "2025"]])

    tables = [b for b in blocks_of(drawn_pdf(tmp_path / "t.pdf", draw)) if b.is_table]
    assert [b.heading for b in tables] == ["Deudas", "Deudas"]


def test_a_repeated_header_is_no_row(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for page in range(2):
            _grid(canvas, [["Nombre", "Deuda"], [f"Ana {page}", f"{page}00 €"]])
            canvas.showPage()

    blocks = blocks_of(drawn_pdf(tmp_path / "r.pdf", draw))
    assert [(b.page, b.text) for b in blocks] == [
        (1, "Nombre: Ana 0; Deuda: 000 €"),
        (2, "Nombre: Ana 1; Deuda: 100 €"),
    ]


def test_lines_drawn_as_thin_rectangles_rule_a_table(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for x in (100, 200, 300):
            canvas.rect(x, 500, 0.7, 60, stroke=0, fill=1)
        for y in (500, 530, 560):
            canvas.rect(100, y, 200, 0.7, stroke=0, fill=1)
        _cells(canvas, [["Nombre", "Deuda"], ["Ana", "300 €"]])

    blocks = blocks_of(drawn_pdf(tmp_path / "thin.pdf", draw))
    assert [block.text for block in blocks] == ["Nombre: Ana; Deuda: 300 €"]


def test_zebra_shading_does_not_split_rows(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFillColor(colors.lightgrey)
        canvas.rect(100, 503, 200, 13, stroke=0, fill=1)
        canvas.setFillColor(colors.black)
        canvas.drawString(105, 520, "Doña")
        _grid(canvas, [["Nombre", "Deuda"], ["Ana", "300 €"]])

    blocks = blocks_of(drawn_pdf(tmp_path / "zebra.pdf", draw))
    assert [block.text for block in blocks] == ["Nombre: Doña Ana; Deuda: 300 €"]


def test_the_underline_of_a_link_does_not_split_a_row(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(105, 520, "Doña")
        _grid(canvas, [["Nombre", "Deuda"], ["Ana", "300 €"]])
        canvas.line(101, 518, 299, 518)
        canvas.linkURL("https://ana.example", (101, 517, 299, 530))

    blocks = blocks_of(drawn_pdf(tmp_path / "link.pdf", draw))
    assert [block.text for block in blocks] == ["Nombre: Doña Ana; Deuda: 300 €"]


def test_text_beside_a_table_is_kept(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        _grid(canvas, [["Nombre", "Deuda"], ["Ana", "300 €"]])
        canvas.drawString(320, 520, "Nota al margen")
        canvas.drawString(20, 520, "Izquierda")

    blocks = blocks_of(drawn_pdf(tmp_path / "beside.pdf", draw))
    assert [block.text for block in blocks] == [
        "Izquierda",
        "Nombre: Ana; Deuda: 300 €",
        "Nota al margen",
    ]


def test_a_table_inside_a_moved_form_is_found(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.beginForm("sheet")
        _grid(canvas, [["Nombre", "Deuda"], ["Ana", "300 €"]])
        canvas.endForm()
        canvas.translate(40, -120)
        canvas.doForm("sheet")

    blocks = blocks_of(drawn_pdf(tmp_path / "form.pdf", draw))
    assert [block.text for block in blocks] == ["Nombre: Ana; Deuda: 300 €"]


def test_words_broken_at_line_ends_are_whole(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(50, 700, "La presente ordenanza municipal regula los horarios de aper-")
        canvas.drawString(50, 686, "tura de los comercios en domingos.")

    (block,) = blocks_of(drawn_pdf(tmp_path / "hyphen.pdf", draw))
    assert "horarios de apertura de los comercios" in block.text


def test_a_turned_page_keeps_its_text(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(90)
        _grid(canvas, [["Nombre", "Deuda"], ["Ana", "300 €"]])

    blocks = blocks_of(drawn_pdf(tmp_path / "turned.pdf", draw))
    assert all(word in text_of(blocks) for word in ("Nombre", "Deuda", "Ana", "300 €"))
    assert not any(block.is_table for block in blocks)


def _grid(canvas: Canvas, rows: list[list[str]]) -> None:
    canvas.grid([100, 200, 300], [500, 530, 560])
    _cells(canvas, rows)


def _cells(canvas: Canvas, rows: list[list[str]]) -> None:
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            canvas.drawString(105 + 100 * c, 540 - 30 * r, value)
