"""Speech into files of every format, as libav and other readers take them."""

import io
import sys
import wave
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import get_args

import psutil
import pytest
from tests.speech.recordings import decoded, pitch_of, tone

from understudy.speech.codec import WAV_EXACT_S, duration_s, encoded, open_encoder, wav_header
from understudy.wire.audio import SpeechFormat

pytestmark = pytest.mark.anyio
FORMATS: tuple[SpeechFormat, ...] = get_args(SpeechFormat)
TONE = tone(3.03)
ODD = 4801
"""Bytes a block, so that blocks end within samples."""


class Spoken:
    """PCM in blocks, which knows how much was asked for and whether it was closed."""

    def __init__(self, pcm: bytes) -> None:
        self.pcm = pcm
        self.given_bytes = 0
        self.is_closed = False

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        try:
            while self.given_bytes < len(self.pcm):
                block = self.pcm[self.given_bytes : self.given_bytes + ODD]
                self.given_bytes += len(block)
                yield block
        finally:
            self.is_closed = True


async def file_of(pcm: bytes, audio_format: SpeechFormat) -> bytes:
    spoken = Spoken(pcm)
    pieces = [piece async for piece in encoded(spoken.blocks(), audio_format)]
    assert spoken.is_closed
    assert all(pieces)
    return b"".join(pieces)


@pytest.mark.parametrize("audio_format", [name for name in FORMATS if name != "pcm"])
@pytest.mark.parametrize("seconds", [0.05, 3.03])
async def test_a_file_lasts_as_long_as_its_speech(
    audio_format: SpeechFormat, seconds: float
) -> None:
    pcm, heard_s = decoded(await file_of(tone(seconds), audio_format))
    assert abs(heard_s - seconds) < 0.1
    if seconds > 1:
        rate_hz = round(len(pcm) / 2 / heard_s)
        assert pitch_of(pcm, rate_hz) == pytest.approx(440, rel=0.02)


async def test_pcm_stays_pcm() -> None:
    assert await file_of(TONE, "pcm") == TONE


@pytest.mark.parametrize(
    ("audio_format", "magic"),
    [
        ("mp3", b"\xff\xf3"),
        ("opus", b"OggS"),
        ("aac", b"\xff\xf1"),
        ("flac", b"fLaC"),
        ("wav", b"RIFF"),
    ],
)
async def test_a_file_is_what_its_name_says(audio_format: SpeechFormat, magic: bytes) -> None:
    assert (await file_of(TONE, audio_format)).startswith(magic)


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac"])
async def test_a_file_grows_as_its_speech_does(audio_format: SpeechFormat) -> None:
    spoken = Spoken(tone(4))
    begun = b""
    async with aclosing(encoded(spoken.blocks(), audio_format)) as pieces:
        async for piece in pieces:
            begun += piece
            if duration_s(spoken.given_bytes) > 1:
                break
    assert duration_s(spoken.given_bytes) < 1.3
    assert decoded(begun)[1] > 0.7
    assert spoken.is_closed


async def test_a_short_wav_counts_its_samples() -> None:
    content = await file_of(TONE, "wav")
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    with wave.open(io.BytesIO(content)) as file:
        assert file.getnframes() == len(TONE) // 2
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.readframes(file.getnframes()) == TONE


async def test_a_long_wav_is_streamed() -> None:
    spoken = Spoken(bytes(2 * 24_000 * (WAV_EXACT_S + 20)))
    pieces = [piece async for piece in encoded(spoken.blocks(), "wav")]
    assert len(pieces) > 2
    file = b"".join(pieces)
    assert file == wav_header(None) + spoken.pcm
    assert decoded(file)[1] == WAV_EXACT_S + 20


async def test_a_flac_counts_its_samples() -> None:
    file = await file_of(TONE, "flac")
    # STREAMINFO follows the magic and its own head; RFC 9639, 8.2: 36 bits from bit 108 on.
    info = int.from_bytes(file[8 : 8 + 34])
    total = (info >> (34 * 8 - 108 - 36)) & (2**36 - 1)
    assert total == len(TONE) // 2
    assert info & (2**128 - 1), "no checksum of the samples"


@pytest.mark.parametrize("audio_format", FORMATS)
async def test_nothing_spoken_is_still_a_file(audio_format: SpeechFormat) -> None:
    file = await file_of(b"", audio_format)
    if audio_format != "pcm":
        assert 0 <= decoded(file)[1] < 0.1


@pytest.mark.parametrize("audio_format", FORMATS)
def test_an_encoder_can_be_left(audio_format: SpeechFormat) -> None:
    encoder = open_encoder(audio_format)
    encoder.encode(TONE)
    encoder.close()


def test_a_flac_that_is_not_whole_yet_holds_no_codec() -> None:
    before = resident_bytes()
    encoders = [open_encoder("flac") for _ in range(16)]
    for encoder in encoders:
        encoder.encode(TONE)
    assert resident_bytes() - before < 32 * 1024**2
    for encoder in encoders:
        encoder.close()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere libraries give back memory themselves"
)
async def test_the_last_file_gives_back_what_all_of_them_took() -> None:
    async with AsyncExitStack() as files:
        for _ in range(24):
            pieces = encoded(Spoken(TONE).blocks(), "mp3")
            await files.enter_async_context(aclosing(pieces))
            await anext(pieces)
        held = resident_bytes()
    assert resident_bytes() < held - 3 * 1024**2


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)
