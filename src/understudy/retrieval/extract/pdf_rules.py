"""The straight lines of a PDF page that may rule a table, read from PDFium's path objects.

Shading (filled, not stroked, thicker than a line) and the underlines of links are left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from ctypes import byref, c_float, c_int
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from understudy.retrieval.extract.pdf_regions import Box

if TYPE_CHECKING:
    from pypdfium2 import PdfObject, PdfPage

_MOST_PATHS = 3_000
_MOST_SEGMENTS = 12_000
_THICKEST_RULE = 3.0
_SHORTEST_RULE = 3.0
_SAME = 0.5
_BELOW = 3.0
_FORM_DEPTH = 3

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rule:
    """A line along an axis, in a PDF's own units."""

    box: Box
    is_horizontal: bool


def rules(page: "PdfPage") -> list[Rule]:
    """Return the lines of a page; none when there are so many that it is a drawing."""
    from pypdfium2 import raw

    found: list[Rule] = []
    paths = segments = 0
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=_FORM_DEPTH):
        paths += 1
        segments += raw.FPDFPath_CountSegments(item)
        if paths > _MOST_PATHS or segments > _MOST_SEGMENTS:
            return []
        found += _rules_of(item)
    if not found:
        return []
    links = list(_links(page))
    return [rule for rule in found if not (rule.is_horizontal and _underlines(rule.box, links))]


def could_be_table(found: Sequence[Rule]) -> bool:
    """Tell whether there are lines enough for a table: two each way."""
    horizontal = sum(rule.is_horizontal for rule in found)
    return horizontal >= 2 and len(found) - horizontal >= 2


def _rules_of(item: "PdfObject") -> Iterator[Rule]:
    is_filled, is_stroked = _draw_mode(item)
    for points in _outlines(item):
        if is_stroked:
            yield from filter(None, (_rule(_bounds(pair)) for pair in pairwise(points)))
        elif is_filled:
            # A thin filled rectangle is how many programs draw a line.
            rule = _rule(_bounds(points))
            if rule is not None:
                yield rule


def _rule(box: Box) -> Rule | None:
    width, height = box.right - box.left, box.top - box.bottom
    if height <= _THICKEST_RULE and width > max(height, _SHORTEST_RULE):
        middle = (box.bottom + box.top) / 2
        return Rule(Box(box.left, middle, box.right, middle), is_horizontal=True)
    if width <= _THICKEST_RULE and height > max(width, _SHORTEST_RULE):
        middle = (box.left + box.right) / 2
        return Rule(Box(middle, box.bottom, middle, box.top), is_horizontal=False)
    return None


def _bounds(points: Iterable[Point]) -> Box:
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def _underlines(box: Box, links: Sequence[Box]) -> bool:
    """Tell whether a line is a link's underline, and no border of the cell that it fills."""
    return any(
        link.left - _SAME <= box.left
        and box.right <= link.right + _SAME
        and link.bottom - _BELOW <= box.bottom <= (link.bottom + link.top) / 2
        for link in links
    )


def _draw_mode(item: "PdfObject") -> tuple[bool, bool]:
    """Return whether a path is filled and whether it is stroked."""
    from pypdfium2 import raw

    fill, stroke = c_int(), c_int()
    raw.FPDFPath_GetDrawMode(item, byref(fill), byref(stroke))
    return bool(fill.value), bool(stroke.value)


def _outlines(item: "PdfObject") -> Iterator[list[Point]]:
    """Yield the corners of each part of a path, on the page; parts with curves end there."""
    from pypdfium2 import raw

    matrix: Any = item.get_matrix()
    container = item.container
    while container is not None:
        matrix = matrix.multiply(container.get_matrix())
        container = container.container
    points: list[Point] = []
    x, y = c_float(), c_float()
    for index in range(raw.FPDFPath_CountSegments(item)):
        segment = raw.FPDFPath_GetPathSegment(item, index)
        raw.FPDFPathSegment_GetPoint(segment, byref(x), byref(y))
        if raw.FPDFPathSegment_GetType(segment) != raw.FPDF_SEGMENT_LINETO:
            if len(points) > 1:
                yield points
            points = []
        points.append(matrix.on_point(x.value, y.value))
        if raw.FPDFPathSegment_GetClose(segment) and len(points) > 1:
            points.append(points[0])
    if len(points) > 1:
        yield points


def _links(page: "PdfPage") -> Iterator[Box]:
    """Yield where the page's links are."""
    from pypdfium2 import raw

    position, link, rect = c_int(0), raw.FPDF_LINK(), raw.FS_RECTF()
    while raw.FPDFLink_Enumerate(page, byref(position), byref(link)):
        if raw.FPDFLink_GetAnnotRect(link, byref(rect)):
            yield Box(rect.left, rect.bottom, rect.right, rect.top)
