"""What is left of a page around its tables, as rectangles in reading order. Pure geometry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in a PDF's own units, y growing upwards."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing can stand in it."""
        return self.right - self.left < 1 or self.top - self.bottom < 1

    def clipped(self, other: "Box") -> "Box":
        """Return the part of it that lies in `other`."""
        return Box(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )


def around(page: Box, tables: Sequence[Box]) -> Iterator[tuple[Box, int | None]]:
    """Yield rectangles that cover `page`: (table, its index), or (a rest, None).

    Above a table comes before it, then what is left of it, the table, right of it, and below.
    """
    seen: set[int] = set()
    for box, index in _divided(page, list(enumerate(tables))):
        if index is None:
            yield box, None
        elif index not in seen:
            # A table beside another may reach below it, and is met there again.
            seen.add(index)
            yield tables[index], index


def _divided(page: Box, tables: list[tuple[int, Box]]) -> Iterator[tuple[Box, int | None]]:
    if page.is_empty:
        return
    clipped = [(i, box.clipped(page)) for i, box in tables]
    inside = [(i, box) for i, box in clipped if not box.is_empty]
    if not inside:
        yield page, None
        return
    index, first = max(inside, key=lambda one: one[1].top)
    rest = [one for one in inside if one[0] != index]
    yield from _divided(Box(page.left, first.top, page.right, page.top), [])
    yield from _divided(Box(page.left, first.bottom, first.left, first.top), rest)
    yield first, index
    yield from _divided(Box(first.right, first.bottom, page.right, first.top), rest)
    yield from _divided(Box(page.left, page.bottom, page.right, first.bottom), rest)
