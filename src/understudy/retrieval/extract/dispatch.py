"""Which parser reads which kind of file; parsers and their libraries are loaded on demand."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from understudy.retrieval.extract.blocks import Block, Limits, bounded
from understudy.retrieval.extract.kinds import Kind, kind_of

_Parser = Callable[[Path], Iterator[Block]]
_PACKAGES = {Kind.WORD, Kind.SLIDES, Kind.SHEETS}


def extract(path: Path, filename: str, limits: Limits | None = None) -> Iterator[Block]:
    """Yield the blocks of the file at `path`, which its owner calls `filename`.

    Of `limits`, those of pages, text and unpacked size hold here; time and memory need a child
    process. Raises ExtractionFailed, also after blocks were yielded.
    """
    limits = limits or Limits()
    kind = kind_of(path, filename)
    with _damage(kind):
        if kind in _PACKAGES:
            from understudy.retrieval.extract.packages import check_package

            check_package(path, limits)
        yield from bounded(_parser(kind, limits)(path), limits)


def _damage(kind: Kind) -> AbstractContextManager[None]:
    if kind not in _PACKAGES:
        return nullcontext()
    from understudy.retrieval.extract.packages import broken_package

    return broken_package()


def _parser(kind: Kind, limits: Limits) -> _Parser:
    match kind:
        case Kind.PDF:
            from understudy.retrieval.extract import pdf

            return lambda path: pdf.pdf_blocks(path, limits)
        case Kind.SLIDES:
            from understudy.retrieval.extract import slides

            return lambda path: slides.slide_blocks(path, limits)
        case Kind.SHEETS:
            from understudy.retrieval.extract import sheets

            return lambda path: sheets.sheet_blocks(path, limits)
        case Kind.WORD:
            from understudy.retrieval.extract.word import word_blocks

            return word_blocks
        case _:
            return _text_parser(kind)


def _text_parser(kind: Kind) -> _Parser:
    from understudy.retrieval.extract import delimited, html_page, json_values, plain

    parsers: dict[Kind, _Parser] = {
        Kind.HTML: html_page.html_blocks,
        Kind.MARKDOWN: plain.markdown_blocks,
        Kind.JSON: json_values.json_blocks,
        Kind.JSON_LINES: json_values.json_lines_blocks,
        Kind.DELIMITED: delimited.delimited_blocks,
    }
    return parsers.get(kind, plain.text_blocks)
