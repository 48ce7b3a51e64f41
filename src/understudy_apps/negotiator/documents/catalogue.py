"""Which documents there are, by name, with their summaries and their contents as PDF."""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from understudy_apps.languages import Language
from understudy_apps.negotiator.documents import contents, printing

Kind = Literal["bus", "arenas", "holidays"]

DEFAULT_YEAR: Final = 2026
"""The year of the calendars that are meant when nobody names one."""
YEARS: Final = (2026, 2025, 2027)
"""The years that have calendars, the default first."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a kind, of a year unless it holds for all."""

    kind: Kind
    year: int | None = None

    @property
    def name(self) -> str:
        """The key by which the document is stored: `bus`, `arenas-2026`."""
        return self.kind if self.year is None else f"{self.kind}-{self.year}"

    def summary(self, language: Language) -> str:
        """Return one sentence of what the document says."""
        return str(contents.words(language)[self.kind]["summary"].format(year=self.year))


BUS: Final = Document("bus")
DOCUMENTS: Final = (
    BUS,
    *(Document("arenas", year) for year in YEARS),
    *(Document("holidays", year) for year in YEARS),
)


def of_year(kind: Literal["arenas", "holidays"], year: int) -> Document | None:
    """Return the calendar of a year, None when there is none."""
    return next((one for one in DOCUMENTS if one.kind == kind and one.year == year), None)


def named(name: str) -> Document | None:
    """Return the document of that name, None when there is none."""
    return next((one for one in DOCUMENTS if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Printed:
    """A document in a language."""

    document: Document
    language: Language

    @property
    def filename(self) -> str:
        """The name of the file."""
        return f"{self.document.name}-{self.language}.pdf"

    @property
    def content(self) -> bytes:
        """The PDF; it is printed once a process."""
        return _pdf(self)

    def page_of(self, statement: str) -> int | None:
        """Return the number of the page that is closest to a statement, None when none is near.

        Compares runs of three characters, which serves every language and loose wording.
        """
        wanted = _runs(statement)
        shared = [len(wanted & _runs(_text(page))) for page in _pages(self)]
        best = max(shared)
        return shared.index(best) + 1 if best * 2 > len(wanted) else None


@cache
def _pdf(printed: Printed) -> bytes:
    said = contents.words(printed.language)[printed.document.kind]
    title = said["title"].format(year=printed.document.year)
    return printing.pdf_of(title, _pages(printed), is_chinese=printed.language == "zh")


@cache
def _pages(printed: Printed) -> list[printing.Page]:
    document, language = printed.document, printed.language
    if document.year is None:
        return contents.bus_pages(language)
    if document.kind == "arenas":
        return contents.arenas_pages(language, document.year)
    return contents.holiday_pages(language, document.year)


def _text(page: printing.Page) -> str:
    cells = [cell for row in page.table for cell in row]
    return "".join([page.heading, *page.paragraphs, *cells])


def _runs(text: str) -> set[str]:
    characters = "".join(text.casefold().split())
    return {characters[start : start + 3] for start in range(len(characters) - 2)}
