"""Word, PowerPoint and Excel: places, tables, and values as a person writes them."""

import datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import Workbook
from tests.retrieval.extract.documents import (
    blocks_of,
    replaced_part,
    slides,
    text_of,
    word,
    workbook,
)

from understudy.retrieval.extract import Block
from understudy.retrieval.extract.sheets import readable


def test_word_keeps_order_headings_and_lists(tmp_path: Path) -> None:
    blocks = blocks_of(word(tmp_path / "c.docx"))
    assert [(block.text.strip(), block.heading) for block in blocks if not block.is_table] == [
        ("Contrato de préstamo", "Contrato de préstamo"),
        ("El deudor pagará en doce cuotas.", "Contrato de préstamo"),
        ("Cuotas", "Cuotas"),
        ("- Primera cuota en marzo", "Cuotas"),
        ("- Última cuota en febrero", "Cuotas"),
        ("Después de la tabla.", "Cuotas"),
    ]
    assert {block.page for block in blocks} == {None}


def test_a_word_table_has_whole_rows_with_merged_cells(tmp_path: Path) -> None:
    (table,) = (block for block in blocks_of(word(tmp_path / "c.docx")) if block.is_table)
    assert table.header == "Mes | Importe | Estado"
    assert table.text.splitlines() == [
        "Mes: marzo; Importe: 100 €; Estado: pendiente",
        "Mes: abril; Importe: 120 €; Estado: pendiente",
        "Mes: Total 220 €",
    ]


def test_slides_keep_number_title_notes_tables_and_groups(tmp_path: Path) -> None:
    assert blocks_of(slides(tmp_path / "v.pptx")) == [
        Block("Ventas de otoño", 1, "Ventas de otoño"),
        Block("Subieron un doce por ciento", 1, "Ventas de otoño"),
        Block("Mencionar a Galicia", 1, "Ventas de otoño"),
        Block("Por región", 2, "Por región"),
        Block(
            "Región: Lugo; Ventas: 30\nRegión: Vigo; Ventas: 45",
            2,
            "Por región",
            is_table=True,
            header="Región | Ventas",
        ),
        Block("Dentro de un grupo", 2, "Por región"),
    ]


def test_sheets_have_number_name_and_header(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "p.xlsx",
        {
            "Pagos": [
                ["Informe de pagos"],
                [],
                ["Cliente", "Fecha", "Importe", "Pagado"],
                ["Ana", datetime.date(2026, 3, 1), 1234.5, True],
                ["Luis", datetime.datetime(2026, 3, 2, 9, 30), 0.1 + 0.2, False],
            ],
            "Vacía": [],
            "Notas": [["Nota", "Autor"], ["llamar", None]],
        },
    )
    title, pagos, notas = blocks_of(path)
    assert (title.text, title.page, title.heading) == ("Informe de pagos", 1, "Pagos")
    assert pagos.header == "Cliente | Fecha | Importe | Pagado"
    assert pagos.text.splitlines() == [
        "Cliente: Ana; Fecha: 2026-03-01; Importe: 1234.5; Pagado: TRUE",
        "Cliente: Luis; Fecha: 2026-03-02 09:30; Importe: 0.3; Pagado: FALSE",
    ]
    assert (notas.page, notas.heading, notas.text) == (3, "Notas", "Nota: llamar")


def test_of_a_formula_nothing_is_computed(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Concepto", "Total"])
    book.active.append(["suma", "=1+1"])
    book.save(tmp_path / "f.xlsx")
    assert text_of(blocks_of(tmp_path / "f.xlsx")) == "Concepto: suma"


def test_a_wrong_size_of_a_sheet_hides_no_cells(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Clave", "Valor"])
    book.active.append(["x", 1])
    book.save(tmp_path / "a.xlsx")
    part = "xl/worksheets/sheet1.xml"
    with ZipFile(tmp_path / "a.xlsx") as archive:
        sheet = archive.read(part)
    assert b'ref="A1:B2"' in sheet
    path = replaced_part(
        tmp_path / "a.xlsx", tmp_path / "b.xlsx", part, sheet.replace(b"A1:B2", b"A1:A1")
    )
    assert text_of(blocks_of(path)) == "Clave: x; Valor: 1"


def test_a_workbook_needs_no_suffix(tmp_path: Path) -> None:
    workbook(tmp_path / "w.xlsx", {"A": [["Clave", "Valor"], ["x", 1]]}).rename(tmp_path / "blob")
    assert text_of(blocks_of(tmp_path / "blob", "w.xlsx")) == "Clave: x; Valor: 1"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (7, "7"),
        (7.0, "7"),
        (1e21, "1e+21"),
        (datetime.time(9, 5), "09:05"),
        (" a\nb ", "a b"),
    ],
)
def test_cell_values(value: object, expected: str) -> None:
    assert readable(value) == expected
