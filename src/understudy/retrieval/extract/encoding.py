"""Which encoding a text file has, and its text piece by piece. Never holds a whole file.

UTF-8 wins if the whole file obeys it; byte order marks and the zeros of UTF-16 are looked for
first, and only then is an older encoding guessed.
"""

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path

from understudy.retrieval.extract.blocks import ExtractionFailed

_PIECE_BYTES = 256 * 1024
_SAMPLE_BYTES = 32 * 1024
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_GUESSES = ["cp1252", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1251"]
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROL = 0.02
_FEW_HIGH_BYTES = 64


def encoding_of(path: Path) -> str:
    """Return the codec's name; raises ExtractionFailed when the file is no text."""
    with path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)
        name = _marked(head) or _utf16_without_mark(head)
        if name:
            return name
        _refuse_binary(head)
        file.seek(0)
        odd = _first_not_utf8(file)
        if odd is None:
            return "utf-8"
        file.seek(max(0, odd - _SAMPLE_BYTES // 2))
        sample = file.read(_SAMPLE_BYTES)
    _refuse_binary(sample)
    return _guess(sample)


def text_pieces(path: Path) -> Iterator[str]:
    """Yield the text of the file at `path` in pieces, line ends as newlines."""
    with path.open(encoding=encoding_of(path), errors="replace", newline=None) as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def whole_text(path: Path, most_bytes: int) -> str:
    """Return the text of a file that its parser must hold whole; raises ExtractionFailed."""
    if path.stat().st_size > most_bytes:
        raise ExtractionFailed(
            "invalid_file",
            f"The file has more than {most_bytes // 1024**2} MiB, too much for its type: split it.",
        )
    return "".join(text_pieces(path))


def _first_not_utf8(file: io.BufferedReader) -> int | None:
    """Return about where the first byte stands that is no UTF-8."""
    decoder, position = codecs.getincrementaldecoder("utf-8")(), 0
    while piece := file.read(_PIECE_BYTES):
        try:
            decoder.decode(piece)
        except UnicodeDecodeError as error:
            return position + error.start
        position += len(piece)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return position
    return None


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


def _utf16_without_mark(head: bytes) -> str | None:
    """Western text in UTF-16 has a zero in every other byte."""
    half = len(head) // 2
    zeros_even, zeros_odd = head[0::2].count(0), head[1::2].count(0)
    if half and zeros_odd > 0.4 * half and zeros_even < 0.05 * half:
        return "utf-16-le"
    if half and zeros_even > 0.4 * half and zeros_odd < 0.05 * half:
        return "utf-16-be"
    return None


def _refuse_binary(sample: bytes) -> None:
    if len(_CONTROL.findall(sample)) > _MOST_CONTROL * len(sample):
        raise ExtractionFailed(
            "unsupported_file",
            "The file holds binary data, not text: save the document as PDF, .docx or text.",
        )


def _guess(sample: bytes) -> str:
    """Return the likely encoding of text that is no UTF-8, Windows-1252 when in doubt."""
    runs = _HIGH_RUN.findall(sample)
    high = sum(map(len, runs))
    paired = sum(len(run) for run in runs if len(run) > 1)
    if paired < 0.5 * high:
        # Letters with accents stand alone between plain ones; those of other scripts do not.
        return "cp1252"
    if high < _FEW_HIGH_BYTES and _decodes(sample, "gb2312"):
        return "gb18030"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_GUESSES).best()
    return best.encoding if best else "cp1252"


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
