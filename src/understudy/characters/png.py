"""PNG files as carriers of text: read the text chunks, write them anew, make a plain picture. Pure.

Pixels are never unpacked, so what a picture would take in memory is only declared, and judged.
"""

import struct
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from understudy.errors import InvalidRequest

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_LIMIT_BYTES = 16 * 1024**2
"""What one text may unpack to."""

_CHUNKS_MAX = 100_000
_SIDE_MAX = 16_384
_CHUNK_MAX_BYTES = 2**31 - 1  # PNG, 5.3
_HEAD = struct.Struct(">I4s")
_CRC = struct.Struct(">I")
_SIZES = struct.Struct(">II")
_IHDR_BYTES = 13
_DEFLATE = 0
_PLAIN_SIZE = (256, 384)
_PLAIN_GREY = 0x60


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of a PNG: its type, and its data without length and checksum."""

    type: bytes
    data: bytes


def read_chunks(picture: bytes) -> list[Chunk]:
    """Return the chunks of a PNG up to IEND; what follows that is no part of it.

    Raises InvalidRequest for what is no whole PNG of reasonable declared size.
    """
    if not picture.startswith(SIGNATURE):
        raise _refused("it does not begin as a PNG does")
    chunks: list[Chunk] = []
    for chunk in _chunks(picture):
        if not chunks:
            _check_header(chunk)
        chunks.append(chunk)
        if len(chunks) > _CHUNKS_MAX:
            raise _refused(f"it has more than {_CHUNKS_MAX} chunks")
    return chunks


def texts(chunks: Collection[Chunk], keywords: Collection[str]) -> dict[str, bytes]:
    """Return the texts with these keywords, compressed ones unpacked; the first of each counts.

    Keywords are told apart without regard to case. Raises InvalidRequest for a text that cannot be
    read, or that is over TEXT_LIMIT_BYTES.
    """
    found: dict[str, bytes] = {}
    for chunk in chunks:
        keyword = _keyword(chunk)
        if keyword in keywords and keyword not in found:
            found[keyword] = _text(chunk, keyword)
    return found


def with_texts(
    chunks: Collection[Chunk], removed: Collection[str], added: Mapping[str, bytes]
) -> bytes:
    """Return a PNG without the texts of `removed` and with those of `added`, all else as it was."""
    kept = [chunk for chunk in chunks if _keyword(chunk) not in removed]
    new = [Chunk(b"tEXt", keyword.encode() + b"\0" + text) for keyword, text in added.items()]
    return SIGNATURE + b"".join(map(_packed, [*kept[:-1], *new, kept[-1]]))


def plain_picture() -> list[Chunk]:
    """Return the chunks of a small grey picture, for cards that never had one."""
    width, height = _PLAIN_SIZE
    rows = (b"\0" + bytes([_PLAIN_GREY]) * width) * height
    header = _SIZES.pack(width, height) + bytes([8, 0, 0, 0, 0])  # 8 bits of grey, not interlaced
    return [
        Chunk(b"IHDR", header),
        Chunk(b"IDAT", zlib.compress(rows, 9)),
        Chunk(b"IEND", b""),
    ]


def _chunks(picture: bytes) -> Iterator[Chunk]:
    at = len(SIGNATURE)
    type_ = b""
    while type_ != b"IEND":
        if at + _HEAD.size > len(picture):
            raise _refused("it ends before its last chunk: it was cut short")
        length, type_ = _HEAD.unpack_from(picture, at)
        start, end = at + _HEAD.size, at + _HEAD.size + length
        name = _shown(type_)
        if length > _CHUNK_MAX_BYTES or end + _CRC.size > len(picture):
            raise _refused(
                f"its chunk {name} declares {length} bytes, and there are only "
                f"{max(0, len(picture) - start - _CRC.size)}: it was cut short, or made to mislead"
            )
        data = picture[start:end]
        if zlib.crc32(data, zlib.crc32(type_)) != _CRC.unpack_from(picture, end)[0]:
            raise _refused(f"the checksum of its chunk {name} is wrong: the file is damaged")
        yield Chunk(type_, data)
        at = end + _CRC.size


def _check_header(chunk: Chunk) -> None:
    if chunk.type != b"IHDR" or len(chunk.data) != _IHDR_BYTES:
        raise _refused("it does not begin with a header (IHDR)")
    width, height = _SIZES.unpack_from(chunk.data)
    if not (0 < width <= _SIDE_MAX and 0 < height <= _SIDE_MAX):
        raise _refused(
            f"it declares {width} x {height} pixels, and at most {_SIDE_MAX} x {_SIDE_MAX} are "
            "taken: send a smaller picture"
        )


def _keyword(chunk: Chunk) -> str:
    if chunk.type not in (b"tEXt", b"zTXt", b"iTXt"):
        return ""
    return chunk.data.partition(b"\0")[0].decode("latin-1").lower()


def _text(chunk: Chunk, keyword: str) -> bytes:
    rest = chunk.data.partition(b"\0")[2]
    match chunk.type:
        case b"zTXt":
            return _inflated(rest[:1], rest[1:], keyword)
        case b"iTXt":
            # Compression flag and method, then language and translated keyword, each ended by NUL.
            text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
            return _inflated(rest[1:2], text, keyword) if rest[:1] == b"\1" else text
    return rest


def _inflated(method: bytes, packed: bytes, keyword: str) -> bytes:
    """Unpack a text, and not a byte more than is allowed."""
    if method != bytes([_DEFLATE]):
        raise _refused(f"its text '{keyword}' is compressed in a way that PNG does not know")
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, TEXT_LIMIT_BYTES + 1)
    except zlib.error as error:
        raise _refused(f"its text '{keyword}' cannot be unpacked: the file is damaged") from error
    if len(text) > TEXT_LIMIT_BYTES:
        raise _refused(f"its text '{keyword}' unpacks to more than {TEXT_LIMIT_BYTES} bytes")
    if not unpacker.eof:
        raise _refused(f"its text '{keyword}' ends early: the file is damaged")
    return text


def _packed(chunk: Chunk) -> bytes:
    checksum = zlib.crc32(chunk.data, zlib.crc32(chunk.type))
    return _HEAD.pack(len(chunk.data), chunk.type) + chunk.data + _CRC.pack(checksum)


def _shown(type_: bytes) -> str:
    return repr(type_.decode("ascii", "replace"))


def _refused(reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"The file is no PNG that can be used: {reason}.", param="file", code="invalid_card"
    )
