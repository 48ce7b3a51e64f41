"""Documents that the tests make themselves, in the formats that users send."""

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from docx import Document
from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches
from pypdfium2 import PdfDocument
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from understudy.retrieval.extract import Block, Limits, extract

REGIONS = (
    *("Andalucía", "Aragón", "Asturias", "Baleares", "Canarias", "Cantabria", "Castilla y León"),
    *("Cataluña", "Extremadura", "Galicia", "La Rioja", "Madrid", "Murcia", "Navarra"),
)
SHOP_RULES = {
    "Rebajas de invierno": "los {n} últimos días de enero",
    "Mercados ambulantes": "de martes a jueves, y los {n} viernes de feria",
    "Apertura de tiendas en domingos y festivos": "los {n} primeros domingos y el 8 de diciembre",
    "Farmacias de guardia": "noches de lunes a miércoles, {n} veces al trimestre",
    "Recogida de residuos": "cada {n} días, salvo el 1 de mayo",
    "Inspecciones de consumo": "{n} visitas al año, sin aviso",
    "Plazos de devolución": "{n} días desde la compra",
    "Descanso del personal": "{n} días seguidos cada mes",
}
"""What is said of each region, by title; page 2 has the first."""

_STYLES = getSampleStyleSheet()
_PROSE = (
    "Los establecimientos comerciales podrán permanecer abiertos al público los domingos y "
    "festivos que determine cada comunidad autónoma, sin que el número anual sea inferior a diez. "
)


def blocks_of(path: Path, filename: str | None = None, limits: Limits | None = None) -> list[Block]:
    return list(extract(path, filename or path.name, limits))


def text_of(blocks: Iterable[Block]) -> str:
    return "\n".join(block.text for block in blocks)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def spanish_guide(path: Path) -> Path:
    """Write nine pages: prose with underlined links, and from page 2 a ruled table on each.

    The tables have shaded headers, one cell over two rows, and cells whose text wraps.
    """
    story: list[Flowable] = []
    for page in range(1, 10):
        story += [Paragraph(f"Capítulo {page}. Horarios", _STYLES["Heading1"])]
        link = f'<link href="https://boe.example/{page}"><u>boletín número {page}</u></link>'
        story += [Paragraph(f"{_PROSE * 2}Véase el {link}.", _STYLES["Normal"]), Spacer(1, 8)] * 3
        if page > 1:
            story += [_opening_days(page), Spacer(1, 8)]
            story += [Paragraph(f"Final del capítulo {page}.", _STYLES["Normal"])]
        story += [PageBreak()]

    def frame(canvas: Canvas, _: object) -> None:
        canvas.drawString(60, 815, "Guía de horarios comerciales")
        canvas.drawString(60, 25, f"Página {canvas.getPageNumber()} de 9")

    template = SimpleDocTemplate(str(path), pagesize=A4)
    template.build(story, onFirstPage=frame, onLaterPages=frame)
    return path


def _opening_days(page: int) -> Table:
    rows: list[list[object]] = [["Comunidad", "Días de apertura", "Horario"]]
    rows += [
        [region, Paragraph(opening_days(page, number), _STYLES["Normal"]), f"9:00 a {page + 10}:00"]
        for number, region in enumerate(REGIONS[:7])
    ]
    rows[4][0] = ""
    style = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("BACKGROUND", (0, 0), (-1, 0), colors.lightgrey),
        ("BACKGROUND", (1, 2), (1, 2), colors.lightyellow),
        ("SPAN", (0, 3), (0, 4)),
    ]
    return Table(rows, colWidths=[110, 150, 90], style=TableStyle(style))


def opening_days(page: int, number: int) -> str:
    return f"de lunes a sábado y los {number + 2} primeros domingos del mes {page}"


def shop_rules(path: Path) -> Path:
    """Write nine pages in Spanish: an introduction, then a titled, ruled table on each page.

    All tables have a row for each of the same regions; only the titles tell what they are of.
    """
    story: list[Flowable] = [Paragraph("Normas del comercio por comunidades", _STYLES["Title"])]
    story += [Paragraph(_PROSE * 3, _STYLES["Normal"]), PageBreak()]
    for title, days in SHOP_RULES.items():
        rows = [["Comunidad", "Días", "Observaciones"]]
        rows += [[region, days.format(n=n), f"Orden {n + 100}"] for n, region in enumerate(REGIONS)]
        grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
        story += [Paragraph(title, _STYLES["Heading1"]), Paragraph(_PROSE, _STYLES["Normal"])]
        story += [Spacer(1, 8), Table(rows, colWidths=[110, 220, 90], style=grid), PageBreak()]
    SimpleDocTemplate(str(path), pagesize=A4).build(story)
    return path


def long_table(path: Path, rows: int) -> Path:
    """Write a table that goes on over pages; only the first page has its header."""
    data = [["Ciudad", "Tarifa", "Plazo"]]
    data += [[f"Ciudad {n}", f"{n},50 euros", f"{n} días"] for n in range(rows)]
    grid = [("GRID", (0, 0), (-1, -1), 0.5, colors.black)]
    table = Table(data, colWidths=[120, 120, 120], style=TableStyle(grid))
    SimpleDocTemplate(str(path), pagesize=A4).build([table])
    return path


def drawn_pdf(path: Path, draw: Callable[[Canvas], None]) -> Path:
    """Write a PDF of what `draw` puts on its canvas."""
    canvas = Canvas(str(path), pagesize=A4)
    draw(canvas)
    canvas.save()
    return path


def empty_pages(path: Path, pages: int) -> Path:
    document = PdfDocument.new()
    for _ in range(pages):
        document.new_page(200, 200)
    document.save(path)
    document.close()
    return path


def word(path: Path) -> Path:
    document = Document()
    document.add_heading("Contrato de préstamo", 1)
    document.add_paragraph("El deudor pagará en doce cuotas.")
    document.add_heading("Cuotas", 2)
    document.add_paragraph("Primera cuota en marzo", style="List Bullet")
    document.add_paragraph("Última cuota en febrero", style="List Bullet")
    table = document.add_table(rows=4, cols=3)
    fill(table, [("Mes", "Importe", "Estado"), ("marzo", "100 €", ""), ("abril", "120 €", "libre")])
    table.cell(1, 2).merge(table.cell(2, 2)).text = "pendiente"
    table.cell(3, 0).merge(table.cell(3, 2)).text = "Total 220 €"
    document.add_paragraph("Después de la tabla.")
    document.save(str(path))
    return path


def fill(table: object, rows: Sequence[Sequence[str]]) -> None:
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            table.cell(r, c).text = value  # type: ignore[attr-defined]


def slides(path: Path) -> Path:
    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Ventas de otoño"
    first.placeholders[1].text = "Subieron un doce por ciento"
    first.notes_slide.notes_text_frame.text = "Mencionar a Galicia"
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "Por región"
    frame = second.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(4), Inches(1))
    fill(frame.table, [("Región", "Ventas"), ("Lugo", "30"), ("Vigo", "45")])
    group = second.shapes.add_group_shape()
    box = group.shapes.add_textbox(Inches(1), Inches(5), Inches(3), Inches(1))
    box.text_frame.text = "Dentro de un grupo"
    deck.save(str(path))
    return path


def workbook(path: Path, sheets: dict[str, Iterable[Sequence[object]]]) -> Path:
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def package(path: Path, parts: dict[str, bytes]) -> Path:
    """Write a zip archive with `parts`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def replaced_part(source: Path, path: Path, part: str, content: bytes) -> Path:
    """Write a copy of an Office file, with one part exchanged."""
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return package(path, {**parts, part: content})


def billion_laughs(body: str) -> bytes:
    """Return XML whose entity grows to a billion words; `body` has the place for it, {lol}."""
    entities = ['<!ENTITY l0 "jajaja ">']
    entities += [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)]
    head = f'<?xml version="1.0"?><!DOCTYPE lolz [{"".join(entities)}]>'
    return (head + body.replace("{lol}", "&l9;")).encode()


def html_page(body: str) -> bytes:
    return f"<!doctype html><html><head><title>t</title></head><body>{body}</body></html>".encode()


def paragraphs(count: int) -> str:
    return escape("\n\n".join(f"Párrafo {n}. {_PROSE}" for n in range(count)))


def buffer_of(save: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()
