"""Files to read, made on the fly: the same on every machine, sized as asked for."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_WORDS = (
    "agreement buyer carrier claim clause contract court credit customs damage date delivery "
    "document duty exchange freight goods guarantee harbour insurance interest invoice law letter "
    "licence loss market notice order payment penalty port price quality quantity receipt risk "
    "sale seller shipment surety tax term title transport value vessel warehouse warranty weight"
).split()
_LINES_PER_PAGE = 45
_WORDS_PER_LINE = 12
_ROWS_PER_PAGE = 28
_COLUMNS = ("Article", "Origin", "Quantity", "Unit price", "Delivery")
_PIECE_LINES = 2000
_NOISE_PIXELS = 820
"""Width and height of a picture that no compression makes smaller than 2 MB."""
LAST_WORD = "zanzibarine"
"""Stands at the end of every file and nowhere else, so that a search tells when it was read."""


def write_text_pdf(path: Path, pages: int) -> None:
    """Write a PDF of plain prose, some 3,300 characters a page."""
    canvas, drawn = _canvas(path), random.Random(1)
    for page in range(pages):
        for line in range(_LINES_PER_PAGE):
            canvas.drawString(50, 780 - 16 * line, _sentence(drawn))
        _end_page(canvas, is_last=page == pages - 1)
    canvas.save()


def write_table_pdf(path: Path, pages: int) -> None:
    """Write a PDF with a ruled table of 29 rows and 5 columns on every page."""
    canvas, drawn = _canvas(path), random.Random(2)
    columns = [50 + 100 * n for n in range(len(_COLUMNS) + 1)]
    rows = [770 - 24 * n for n in range(_ROWS_PER_PAGE + 2)]
    for page in range(pages):
        canvas.grid(columns, rows)
        for number, top in enumerate(rows[:-1]):
            cells = _COLUMNS if number == 0 else _cells(drawn)
            for left, cell in zip(columns[:-1], cells, strict=True):
                canvas.drawString(left + 4, top - 16, cell)
        _end_page(canvas, is_last=page == pages - 1)
    canvas.save()


def write_picture_pdf(path: Path, size_bytes: int) -> None:
    """Write a PDF of this size: each page some lines of text, and a picture of 2 MB."""
    from PIL import Image
    from reportlab import rl_config
    from reportlab.lib.utils import ImageReader

    rl_config.useA85 = 0  # pictures as bytes, which is how programs write them
    canvas, drawn = _canvas(path), random.Random(3)
    picture_bytes = _NOISE_PIXELS * _NOISE_PIXELS * 3
    pages = -(-size_bytes // picture_bytes)
    for page in range(pages):
        size = (_NOISE_PIXELS, _NOISE_PIXELS)
        noise = Image.frombytes("RGB", size, drawn.randbytes(picture_bytes))
        canvas.drawImage(ImageReader(noise), 50, 50, 400, 400)
        for line in range(10):
            canvas.drawString(50, 780 - 16 * line, _sentence(drawn))
        _end_page(canvas, is_last=page == pages - 1)
    canvas.save()


def write_text(path: Path, size_bytes: int) -> None:
    """Write prose in paragraphs of ten lines."""
    drawn = random.Random(4)
    _write(path, size_bytes, lambda n: _sentence(drawn) + ("\n\n" if n % 10 == 9 else "\n"))


def write_csv(path: Path, size_bytes: int) -> None:
    """Write a table of comma-separated values under a header."""
    drawn = random.Random(5)
    header = ",".join(_COLUMNS)
    _write(path, size_bytes, lambda n: f"{','.join(_cells(drawn)) if n else header}\n")


def _write(path: Path, size_bytes: int, line: Any) -> None:
    """Write pieces of lines until the size is reached; pieces repeat after a while, with numbers
    of their own.
    """
    with path.open("w", encoding="utf-8") as file:
        piece = "".join(line(n) for n in range(_PIECE_LINES))
        file.write(piece)
        for number in _until(size_bytes, len(piece)):
            file.write(piece.replace(_WORDS[number % len(_WORDS)], f"lot{number}"))
        file.write(f"{LAST_WORD}\n")


def _until(size_bytes: int, piece_bytes: int) -> Iterator[int]:
    yield from range(max(0, size_bytes // piece_bytes - 1))


def _canvas(path: Path) -> Any:
    from reportlab.pdfgen.canvas import Canvas

    return Canvas(str(path), invariant=True, pageCompression=1)


def _end_page(canvas: Any, *, is_last: bool) -> None:
    if is_last:
        canvas.drawString(50, 40, LAST_WORD)
    canvas.showPage()


def _sentence(drawn: random.Random) -> str:
    return " ".join(drawn.choices(_WORDS, k=_WORDS_PER_LINE)) + "."


def _cells(drawn: random.Random) -> list[str]:
    return [
        drawn.choice(_WORDS),
        drawn.choice(_WORDS),
        str(drawn.randrange(1, 900)),
        f"{drawn.randrange(1, 90_000) / 100:.2f}",
        f"2026-{drawn.randrange(1, 13):02}-{drawn.randrange(1, 29):02}",
    ]
