"""What a file is: by its first bytes, and where these do not tell, by its name's suffix."""

import zipfile
from enum import StrEnum
from pathlib import Path, PurePath

from understudy.retrieval.extract.blocks import ExtractionFailed


class Kind(StrEnum):
    """The formats that have a parser."""

    PDF = "PDF"
    WORD = "Word"
    SLIDES = "PowerPoint"
    SHEETS = "Excel"
    HTML = "HTML"
    MARKDOWN = "Markdown"
    JSON = "JSON"
    JSON_LINES = "JSON Lines"
    DELIMITED = "CSV"
    TEXT = "text"


_BY_SUFFIX = {
    ".pdf": Kind.PDF,
    ".docx": Kind.WORD,
    ".pptx": Kind.SLIDES,
    ".xlsx": Kind.SHEETS,
    ".xlsm": Kind.SHEETS,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".json": Kind.JSON,
    ".jsonl": Kind.JSON_LINES,
    ".ndjson": Kind.JSON_LINES,
    ".csv": Kind.DELIMITED,
    ".tsv": Kind.DELIMITED,
}
_TEXT_SUFFIXES = """
    .txt .text .log .rst .tex .srt .vtt .xml .yaml .yml .toml .ini .cfg .conf .env .properties .sql
    .c .h .cc .cpp .hpp .cs .css .go .java .js .jsx .kt .lua .php .pl .ps1 .py .r .rb .rs .scala .sh
    .swift .ts .tsx .vue
""".split()
SUPPORTED_SUFFIXES = frozenset(_BY_SUFFIX) | frozenset(_TEXT_SUFFIXES)
"""Suffixes with a meaning here; a file with any other is read as text if it is text."""

_NEEDS_MAGIC = {Kind.PDF, Kind.WORD, Kind.SLIDES, Kind.SHEETS}
_OFFICE_PARTS = {
    "word/document.xml": Kind.WORD,
    "ppt/presentation.xml": Kind.SLIDES,
    "xl/workbook.xml": Kind.SHEETS,
}
_BINARIES = {
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"RIFF": "a sound, video or WebP file",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"OggS": "a sound file",
    b"ID3": "a sound file",
    b"fLaC": "a sound file",
    b"SQLite format 3\x00": "a SQLite database",
}
_HEAD_BYTES = 4096
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PART = "EncryptedPackage".encode("utf-16-le")


def kind_of(path: Path, filename: str) -> Kind:
    """Return the kind of the file at `path`; raises ExtractionFailed if no parser takes it."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise ExtractionFailed("invalid_file", "The file is empty.")
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(path)
    if head.startswith(_OLE):
        raise _ole_failure(path)
    for magic, name in _BINARIES.items():
        if head.startswith(magic):
            raise _unsupported(f"The file is {name}, which has no text to read.")
    if head.startswith(b"{\\rtf"):
        raise _unsupported("RTF is not supported: save it as .docx or .pdf.")
    return _kind_of_text(head, PurePath(filename).suffix.lower())


def _kind_of_text(head: bytes, suffix: str) -> Kind:
    kind = _BY_SUFFIX.get(suffix)
    if kind in _NEEDS_MAGIC:
        raise ExtractionFailed(
            "invalid_file",
            f"The file is named {suffix}, but it is no {kind} file: it is damaged or misnamed.",
        )
    if kind is None and suffix not in SUPPORTED_SUFFIXES:
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower()
        if start.startswith((b"<!doctype html", b"<html")):
            return Kind.HTML
    return kind or Kind.TEXT


def _kind_of_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ExtractionFailed(
            "invalid_file",
            "The file is cut off or damaged: open it in its program and save it again.",
        ) from error
    for part, kind in _OFFICE_PARTS.items():
        if part in names:
            return kind
    raise _unsupported(
        "The file is a zip archive that is no .docx, .pptx or .xlsx: unpack it and add its files, "
        "or save the document as one of these."
    )


def _ole_failure(path: Path) -> ExtractionFailed:
    if _contains(path, _ENCRYPTED_PART):
        return _unsupported("The document is encrypted: save it without a password.")
    return _unsupported(
        "The file has the old Office format (.doc, .xls, .ppt): "
        "save it as .docx, .xlsx, .pptx or .pdf."
    )


def _contains(path: Path, part: bytes) -> bool:
    tail = b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            if part in tail + piece:
                return True
            tail = piece[-len(part) :]
    return False


def _unsupported(message: str) -> ExtractionFailed:
    return ExtractionFailed("unsupported_file", message)
