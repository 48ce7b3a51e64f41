"""Three small PDFs that the office programs upload and ask about."""

from pathlib import Path

PAGES = {
    "pool.pdf": [
        "Rules of the municipal pool.",
        "The indoor pool closes at 20:30 on Sundays.",
        "A locker costs two euros, which the attendant returns.",
    ],
    "library.pdf": [
        "Guide to the town library.",
        "Readers may borrow six books for a period of 21 days.",
        "The reading room on the second floor has forty seats.",
    ],
    "parking.pdf": [
        "Parking permits for residents.",
        "A yearly permit for one car costs 48 euros.",
        "Permits are renewed at the counter of the town hall in March.",
    ],
}


def write_pdfs(folder: Path) -> None:
    """Write one PDF of one page for each name in PAGES."""
    from reportlab.pdfgen.canvas import Canvas

    for name, lines in PAGES.items():
        canvas = Canvas(str(folder / name))
        for place, line in enumerate(lines):
            canvas.drawString(72, 760 - 24 * place, line)
        canvas.save()
