"""Excel: each sheet as a table, read row by row; of formulas, the values last computed."""

import datetime
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from understudy.retrieval.extract.blocks import Block, ExtractionFailed, Limits
from understudy.retrieval.extract.rows import Row, clean, lazily_headed


def sheet_blocks(path: Path, limits: Limits) -> Iterator[Block]:
    """Yield the sheets of an .xlsx; the page is the sheet's number, the heading its name."""
    from openpyxl import load_workbook

    # By name the library would insist on a suffix, which a stored file need not have.
    with path.open("rb") as file:
        workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        if len(workbook.sheetnames) > limits.pages:
            raise ExtractionFailed(
                "invalid_file",
                f"The file has {len(workbook.sheetnames):,} sheets, more than {limits.pages:,}.",
            )
        for number, name in enumerate(workbook.sheetnames, 1):
            sheet = workbook[name]
            if hasattr(sheet, "iter_rows"):
                # The size that a sheet claims for itself is often wrong.
                sheet.reset_dimensions()
                rows = _rows(sheet.iter_rows(values_only=True))
                yield from lazily_headed(rows, number, clean(name))


def _rows(rows: Iterable[Iterable[Any]]) -> Iterator[Row]:
    for row in rows:
        yield [readable(value) for value in row]


def readable(value: Any) -> str:
    """Return a cell's value as a person would write it: 2026-03-01, 12.5, TRUE."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return f"{value:.15g}"
        case datetime.datetime():
            is_date = value.time() == datetime.time()
            return value.date().isoformat() if is_date else value.isoformat(" ", "minutes")
        case datetime.time():
            return value.isoformat("minutes")
        case _:
            return clean(str(value))
