"""Contacts as CSV: a table for spreadsheets out, and any spreadsheet's table in. Pure.

Knows nothing of the database: it turns text into judged contacts with a report, and back.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from understudy_apps.sales.shapes import ContactFields

COLUMNS = (
    "name", "company", "channel", "interest", "email", "phone", "notes", "language", "stage",
)  # fmt: skip
MAX_ROWS = 10_000
_ALIASES = {
    "nombre": "name", "empresa": "company", "canal": "channel", "interés": "interest",
    "interes": "interest", "interest level": "interest", "correo": "email", "e-mail": "email",
    "teléfono": "phone", "telefono": "phone", "telephone": "phone", "notas": "notes",
    "idioma": "language", "etapa": "stage", "姓名": "name", "公司": "company", "渠道": "channel",
    "兴趣": "interest", "邮箱": "email", "电话": "phone", "备注": "notes", "语言": "language",
    "阶段": "stage",
}  # fmt: skip
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvFault(ValueError):
    """The file as a whole cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was left out, numbered as an editor shows it, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReadContacts:
    """What a file held."""

    contacts: list[ContactFields]
    bad_lines: list[BadLine]
    ignored_columns: list[str]


def written(contacts: Iterable[Mapping[str, object]]) -> str:
    """Return contacts as CSV with a byte order mark, by which spreadsheets know UTF-8."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for contact in contacts:
        writer.writerow([_harmless(contact.get(column)) for column in COLUMNS])
    return out.getvalue()


def read(content: bytes) -> ReadContacts:
    """Return the contacts of a file and what was wrong with it. Raises CsvFault."""
    text = _decoded(content)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = [_column(cell) for cell in next(rows, [])]
        if "name" not in header:
            raise CsvFault("The first line must name the columns, and one of them must be 'name'.")
        contacts: list[ContactFields] = []
        bad_lines: list[BadLine] = []
        for cells in rows:
            if len(contacts) + len(bad_lines) >= MAX_ROWS:
                raise CsvFault(f"The file has more than {MAX_ROWS:,} contacts. Split it.")
            if any(cell.strip() for cell in cells):
                _judge(header, cells, rows.line_num, contacts, bad_lines)
    except csv.Error as error:
        raise CsvFault(f"Line {rows.line_num} is not CSV: {error}.") from error
    return ReadContacts(contacts, bad_lines, [name for name in header if name not in COLUMNS])


def _judge(
    header: list[str],
    cells: list[str],
    line: int,
    contacts: list[ContactFields],
    bad_lines: list[BadLine],
) -> None:
    """Add a line to the contacts or to the bad lines."""
    if any(cell.strip() for cell in cells[len(header) :]):
        bad_lines.append(BadLine(line, f"{len(cells)} cells under {len(header)} columns"))
        return
    named = dict(zip(header, map(_unguarded, cells), strict=False))
    given = {name: cell for name, cell in named.items() if name in COLUMNS and cell}
    try:
        contacts.append(ContactFields.model_validate(given))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in faults)
        bad_lines.append(BadLine(line, told))


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What spreadsheets in Western Europe write when they do not write UTF-8.
        text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise CsvFault("The file is not text.")
    return text


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _column(cell: str) -> str:
    name = cell.strip().casefold()
    return _ALIASES.get(name, name)


def _harmless(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text


def _unguarded(cell: str) -> str:
    """Return a cell without the mark that `_harmless` sets, so that an export can be imported."""
    is_guarded = cell.startswith("'") and cell[1:].startswith(_BEGINS_FORMULA)
    return (cell[1:] if is_guarded else cell).strip()
