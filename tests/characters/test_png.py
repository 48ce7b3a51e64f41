"""PNG files as carriers of text: what is read, what is kept, and what is refused in words."""

import io
import struct
import tracemalloc
import zlib

import av
import pytest
from tests.characters.made_cards import chunk, header, png

from understudy.characters.png import (
    TEXT_LIMIT_BYTES,
    plain_picture,
    read_chunks,
    texts,
    with_texts,
)
from understudy.errors import InvalidRequest

TEXT = b"what it says"
PACKED = zlib.compress(TEXT)
_packer = zlib.compressobj()
BOMB = b"".join(_packer.compress(bytes(1024**2)) for _ in range(96)) + _packer.flush()


@pytest.mark.parametrize(
    "carrier",
    [
        chunk(b"tEXt", b"chara\0" + TEXT),
        chunk(b"tEXt", b"Chara\0" + TEXT),
        chunk(b"zTXt", b"chara\0\0" + PACKED),
        chunk(b"iTXt", b"chara\0\0\0en\0Zeichen\0" + TEXT),
        chunk(b"iTXt", b"chara\0\1\0\0\0" + PACKED),
    ],
)
def test_a_text_is_read_from_each_kind_of_chunk(carrier: bytes) -> None:
    assert texts(read_chunks(png(carrier)), ["chara"]) == {"chara": TEXT}


def test_texts_are_written_and_everything_else_stays() -> None:
    kept = [chunk(b"tEXt", b"Comment\0by hand"), chunk(b"zTXt", b"other\0\0" + PACKED)]
    before = png(kept[0], chunk(b"tEXt", b"chara\0old"), kept[1], tail=b"after the end")
    after = with_texts(read_chunks(before), ["chara"], {"ccv3": TEXT})
    assert after == png(*kept, chunk(b"tEXt", b"ccv3\0" + TEXT))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"GIF89a", "does not begin as a PNG"),
        (png()[:-6], "cut short"),
        (png()[:40], "cut short"),
        (png(head=b""), "IHDR"),
        (png(head=header(0, 1)), "0 x 1 pixels"),
        (png(head=header(2**31 - 1, 2**31 - 1)), "2147483647 x 2147483647 pixels"),
        (png(struct.pack(">I", 2**31 - 1) + b"tEXtchara\0"), "declares 2147483647 bytes"),
        (png(struct.pack(">I", 2**32 - 1) + b"tEXtchara\0"), "declares 4294967295 bytes"),
        (png(chunk(b"tEXt", b"chara\0x")[:-1] + b"!"), "checksum of its chunk 'tEXt'"),
    ],
)
def test_what_is_no_whole_png_is_refused(file: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as caught:
        read_chunks(file)
    assert caught.value.param == "file"


@pytest.mark.parametrize(
    ("carrier", "words"),
    [
        (chunk(b"zTXt", b"chara\0\0" + BOMB), "unpacks to more than"),
        (chunk(b"iTXt", b"chara\0\1\0\0\0" + BOMB), "unpacks to more than"),
        (chunk(b"zTXt", b"chara\0\0no deflate"), "cannot be unpacked"),
        (chunk(b"zTXt", b"chara\0\0" + PACKED[:-6]), "ends early"),
        (chunk(b"zTXt", b"chara\0\7" + PACKED), "compressed in a way"),
        (chunk(b"zTXt", b"chara"), "compressed in a way"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused(carrier: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        texts(read_chunks(png(carrier)), ["chara"])


def test_a_bomb_is_not_unpacked_before_it_is_refused() -> None:
    chunks = read_chunks(png(chunk(b"zTXt", b"chara\0\0" + BOMB)))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequest):
            texts(chunks, ["chara"])
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 4 * TEXT_LIMIT_BYTES


def test_a_text_that_nobody_asked_for_is_not_unpacked() -> None:
    assert texts(read_chunks(png(chunk(b"zTXt", b"other\0\0" + BOMB))), ["chara"]) == {}


def test_the_plain_picture_is_one_that_decoders_show() -> None:
    picture = with_texts(plain_picture(), (), {"chara": TEXT})
    with av.open(io.BytesIO(picture), format="png_pipe") as opened:
        (frame,) = opened.decode(video=0)
    assert (frame.width, frame.height) == (256, 384)
