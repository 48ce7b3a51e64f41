"""PowerPoint: the text, tables and notes of each slide, under its number and title."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.retrieval.extract.blocks import Block, ExtractionFailed, Limits
from understudy.retrieval.extract.rows import clean, titled_table

if TYPE_CHECKING:
    from pptx.slide import Slide


def slide_blocks(path: Path, limits: Limits) -> Iterator[Block]:
    """Yield the slides of a .pptx in their order."""
    from pptx import Presentation

    with path.open("rb") as file:
        slides = Presentation(file).slides
    if len(slides) > limits.pages:
        raise ExtractionFailed(
            "invalid_file",
            f"The file has {len(slides):,} slides, more than {limits.pages:,}: split it.",
        )
    for number, slide in enumerate(slides, 1):
        yield from _slide(number, slide)


def _slide(number: int, slide: "Slide") -> Iterator[Block]:
    shape = slide.shapes.title
    title = clean(shape.text_frame.text) if shape is not None else ""
    for part in _shapes(slide.shapes):
        if part.has_table:
            rows = [[clean(cell.text) for cell in row.cells] for row in part.table.rows]
            yield from titled_table(rows, number, title or None)
        elif part.has_text_frame:
            yield Block(_text(part.text_frame), number, title or None)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield Block(_text(slide.notes_slide.notes_text_frame), number, title or None)


def _shapes(shapes: Iterable[Any]) -> Iterator[Any]:
    """Yield shapes that may hold text, those of groups too."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _text(frame: Any) -> str:
    lines = (clean(paragraph.text) for paragraph in frame.paragraphs)
    return "\n".join(line for line in lines if line)
