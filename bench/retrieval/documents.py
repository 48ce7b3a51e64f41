"""The documents of the benchmark: written from the texts beside it, the same on every machine.

A catalogue says the same five things of each of its entries, so that its pages compete; a document
of clauses says something else in each.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TEXTS = Path(__file__).parent / "texts"
_CLAUSES_PER_PAGE = 4
_RANGE = re.compile(r"\[\[(\d+)-(\d+)\]\]")
_CHOICE = re.compile(r"\[\[([^\]]+)\]\]")


@dataclass(frozen=True, slots=True)
class Section:
    """An entry or a clause, and the page on which it stands, from 1."""

    name: str
    heading: str
    page: int
    paragraphs: tuple[str, ...]
    table: tuple[tuple[str, ...], ...] = ()

    def passage(self, part: str) -> str:
        """Return what answers: a paragraph by its number, `table`, or all of a clause."""
        if part == "table":
            return "\n".join([self.heading, *(" ".join(row) for row in self.table)])
        chosen = self.paragraphs if not part else [self.paragraphs[int(part) - 1]]
        return "\n".join([self.heading, *chosen])


@dataclass(frozen=True, slots=True)
class Document:
    """A document before it is a PDF."""

    filename: str
    title: str
    sections: tuple[Section, ...]

    @property
    def pages(self) -> int:
        """The number of its pages."""
        return self.sections[-1].page

    def section(self, name: str) -> Section:
        """Return the section of this name; raises KeyError."""
        for section in self.sections:
            if section.name == name:
                return section
        raise KeyError(f"{self.filename} has no {name}")


def documents() -> list[Document]:
    """Return all documents, their numbers drawn from a generator with a fixed seed."""
    made = [_catalogue(*part) for path in _paths("catalogues") for part in _parts(path)]
    return made + [_clauses(*part) for path in _paths("clauses") for part in _parts(path)]


def _paths(kind: str) -> list[Path]:
    return sorted(_TEXTS.glob(f"{kind}_*.txt"))


def _parts(path: Path) -> Iterator[tuple[dict[str, list[str]], list[str]]]:
    """Yield head and lines of each document in a file of texts."""
    for part in path.read_text("utf-8").split("# file: ")[1:]:
        first, *lines = part.strip().splitlines()
        head: dict[str, list[str]] = {"file": [first], "row": []}
        body = []
        for line in lines:
            if line.startswith("# "):
                name, _, value = line[2:].partition(": ")
                head.setdefault(name, []).append(value)
            elif line:
                body.append(line)
        yield head, body


def _catalogue(head: dict[str, list[str]], templates: list[str]) -> Document:
    filename = head["file"][0]
    sections = []
    for page, entity in enumerate(_cells(head["entities"][0], "|"), start=1):
        drawn = random.Random(f"{filename}/{entity}")
        texts = tuple(_filled(template, entity, drawn) for template in templates)
        rows = [_cells(row, ";") for row in (*head["table"], *head["row"])]
        table = tuple(tuple(_filled(cell, entity, drawn) for cell in row) for row in rows)
        sections.append(Section(entity, entity, page, texts, table))
    return Document(filename, head["title"][0], tuple(sections))


def _clauses(head: dict[str, list[str]], lines: list[str]) -> Document:
    sections = []
    for i, line in enumerate(lines):
        name, _, body = line.partition("。" if "。" in line else ". ")
        heading = f"{i + 1}. {name}"
        sections.append(Section(str(i + 1), heading, i // _CLAUSES_PER_PAGE + 1, (body,)))
    return Document(head["file"][0], head["title"][0], tuple(sections))


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in line.split(separator)]


def _filled(template: str, entity: str, drawn: random.Random) -> str:
    text = _RANGE.sub(lambda m: str(drawn.randint(int(m[1]), int(m[2]))), template)
    text = _CHOICE.sub(lambda m: drawn.choice(m[1].split("|")), text)
    return text.replace("{e}", entity)


def write_pdfs(made: list[Document], directory: Path) -> None:
    """Write each document as a PDF, byte for byte the same each time."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import PageBreak, SimpleDocTemplate

    for document in made:
        style = _style(document)
        flow: list[Any] = [style.paragraph(document.title, 18)]
        page = 1
        for section in document.sections:
            if section.page != page:
                flow.append(PageBreak())
                page = section.page
            flow.extend(_flowables(section, style))
        path = directory / document.filename
        SimpleDocTemplate(str(path), pagesize=A4, title=document.title, invariant=1).build(flow)


def _flowables(section: Section, style: "_Style") -> Iterator[Any]:
    yield style.paragraph(section.heading, 14)
    for text in section.paragraphs:
        yield style.paragraph(text, 10)
    if section.table:
        yield style.table(section.table)


@dataclass(frozen=True, slots=True)
class _Style:
    """How a document is set."""

    font: str
    word_wrap: str | None

    def paragraph(self, text: str, size: int) -> Any:
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.platypus import Paragraph

        style = ParagraphStyle(
            f"size{size}",
            fontName=self.font,
            fontSize=size,
            leading=size * 1.4,
            spaceAfter=size * 0.8,
            wordWrap=self.word_wrap,
        )
        return Paragraph(text, style)

    def table(self, rows: tuple[tuple[str, ...], ...]) -> Any:
        from reportlab.platypus import Table

        grid = [("GRID", (0, 0), (-1, -1), 0.5, "black"), ("FONT", (0, 0), (-1, -1), self.font)]
        return Table(rows, style=grid)


def _style(document: Document) -> _Style:
    if not any("\u4e00" <= c <= "\u9fff" for c in document.title):
        return _Style("Helvetica", None)
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    return _Style("STSong-Light", "CJK")
