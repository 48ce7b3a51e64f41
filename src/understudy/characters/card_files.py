"""The files that cards come and go in: JSON, or a PNG that carries it. Pure."""

import base64
import binascii
from dataclasses import dataclass, field

from understudy.characters.cards import Card, CardFields, read_card, write_card
from understudy.characters.png import (
    SIGNATURE,
    Chunk,
    plain_picture,
    read_chunks,
    texts,
    with_texts,
)
from understudy.errors import InvalidRequest
from understudy.wire.characters import CardFormat, CardVersion

CARD_FILE_LIMIT_BYTES = 32 * 1024**2

_KEYWORDS = ("ccv3", "chara")
"""Texts of a PNG that hold a card, the preferred one first."""
_FOREIGN = {b"PK\x03\x04": "a zip (CHARX)", b"\xff\xd8\xff": "a JPEG", b"RIFF": "a WebP"}


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file that holds a card; `chunks` are those of its picture."""

    content: bytes
    format: CardFormat
    card: Card
    chunks: list[Chunk] = field(default_factory=list)


def read_card_file(content: bytes) -> CardFile:
    """Return the card in a file. Raises InvalidRequest for a file that holds none."""
    if not content.startswith(SIGNATURE):
        return CardFile(content, "json", read_card(_json_text(content)))
    chunks = read_chunks(content)
    found = texts(chunks, _KEYWORDS)
    for keyword in _KEYWORDS:
        if keyword in found:
            card = read_card(_decoded(found[keyword], keyword))
            return CardFile(content, "png", card, chunks)
    raise _refused("the picture carries no card: it has no text 'chara' or 'ccv3'")


def write_card_file(
    fields: CardFields, version: CardVersion, format_: CardFormat, imported: CardFile | None
) -> bytes:
    """Return a character as a file, in the file that it was imported from where that fits.

    What is unchanged comes out as it came in, to the byte.
    """
    text = write_card(fields, version, imported.card if imported else None)
    is_unchanged = imported is not None and text == imported.card.text
    if imported is not None and is_unchanged and format_ == imported.format:
        return imported.content
    if format_ == "json":
        return text.encode()
    chunks = imported.chunks if imported is not None and imported.chunks else plain_picture()
    keyword = "ccv3" if version == 3 else "chara"
    return with_texts(chunks, _KEYWORDS, {keyword: base64.b64encode(text.encode())})


def _json_text(content: bytes) -> str:
    for start, name in _FOREIGN.items():
        if content.startswith(start):
            raise _refused(f"it is {name}; cards are taken as JSON or PNG")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _refused("it is neither a PNG nor JSON in UTF-8") from error


def _decoded(text: bytes, keyword: str) -> str:
    packed = b"".join(text.split())
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _refused(f"the picture's text '{keyword}' is not JSON in base64") from error


def _refused(reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"The file is no character card that can be used: {reason}.",
        param="file",
        code="invalid_card",
    )
