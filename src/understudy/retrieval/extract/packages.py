"""Office files are zip archives of XML: what must hold before a parser opens one."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from understudy.retrieval.extract.blocks import ExtractionFailed, Limits

_MOST_MEMBERS = 20_000
_MOST_RATIO = 200
_RATIO_FROM_BYTES = 16 * 1024**2
_HEAD_BYTES = 64 * 1024
_ENCRYPTED_FLAG = 0x1


def check_package(path: Path, limits: Limits) -> None:
    """Raise ExtractionFailed for a bomb, a member with a password, or an XML document type."""
    with broken_package(), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        packed = sum(member.compress_size for member in members)
        if len(members) > _MOST_MEMBERS or size > limits.unpacked_bytes or _is_bomb(size, packed):
            raise ExtractionFailed(
                "invalid_file",
                f"The file unpacks to {size / 1024**2:,.0f} MiB in {len(members):,} parts, beyond "
                "what is read: split the document, or save it as PDF or CSV.",
            )
        for member in members:
            if member.flag_bits & _ENCRYPTED_FLAG:
                raise ExtractionFailed(
                    "unsupported_file", "The file has a password: save it without one."
                )
            if member.filename.endswith((".xml", ".rels")):
                _refuse_document_type(archive, member)


def _is_bomb(size: int, packed: int) -> bool:
    return size > _RATIO_FROM_BYTES and size > _MOST_RATIO * max(packed, 1)


def _refuse_document_type(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Office XML has none; in one, entities can be declared that grow without end."""
    with archive.open(member) as file:
        head = file.read(_HEAD_BYTES)
    if b"<!DOCTYPE" in head.replace(b"\x00", b""):
        raise ExtractionFailed(
            "invalid_file",
            f"The part {member.filename} declares XML entities, which Office files never do: "
            "open the document in its program and save it again.",
        )


@contextmanager
def broken_package() -> Iterator[None]:
    """Turn what the libraries raise on damaged packages into ExtractionFailed."""
    # SyntaxError is what the XML parsers raise; the rest are gaps that the libraries trip over.
    damaged = (zipfile.BadZipFile, SyntaxError, KeyError, ValueError, EOFError, OSError)
    try:
        yield
    except (*damaged, AttributeError, IndexError, TypeError, NotImplementedError) as error:
        raise ExtractionFailed(
            "invalid_file",
            "The document is damaged or incomplete: open it in its program and save it again.",
        ) from error
