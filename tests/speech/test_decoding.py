"""Strangers' audio files, read by the real child process."""

from contextlib import aclosing
from pathlib import Path

import psutil
import pytest
from tests.speech.recordings import audio_file, pitch_of, silent_film, tone

from understudy.errors import InvalidRequest
from understudy.speech.base import HEARD_RATE_HZ
from understudy.speech.codec import open_encoder, wav_header
from understudy.speech.decoding import Limits, decode
from understudy.wire.audio import SpeechFormat

pytestmark = pytest.mark.anyio
SECONDS = 2.0


def ours(audio_format: SpeechFormat, seconds: float = SECONDS) -> bytes:
    encoder = open_encoder(audio_format)
    file = encoder.encode(tone(seconds)) + b"".join(encoder.finish())
    encoder.close()
    return file


async def heard(content: bytes, folder: Path, limits: Limits | None = None) -> bytes:
    # A name that tells nothing, or the wrong thing.
    path = folder / "upload.txt"
    path.write_bytes(content)
    return b"".join([pcm async for pcm in decode(path, limits or Limits())])


async def refused(content: bytes, folder: Path, limits: Limits | None = None) -> str:
    with pytest.raises(InvalidRequest) as caught:
        await heard(content, folder, limits)
    assert caught.value.param == "file"
    assert children() == []
    return caught.value.message


def children() -> list[psutil.Process]:
    """Return the decoding children of this process, zombies included."""
    return [child for child in psutil.Process().children() if "speech.decoder" in _command(child)]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return "speech.decoder"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(ours("mp3"), id="mp3"),
        pytest.param(ours("opus"), id="ogg"),
        pytest.param(ours("aac"), id="aac"),
        pytest.param(ours("flac"), id="flac"),
        pytest.param(ours("wav"), id="wav"),
        pytest.param(wav_header(None) + tone(SECONDS), id="wav-streamed"),
        pytest.param(audio_file("wav", "pcm_s16le", SECONDS, 8_000, "mono"), id="wav-8k"),
        pytest.param(audio_file("ipod", "aac", SECONDS, 44_100, "stereo"), id="m4a"),
        pytest.param(audio_file("mp4", "aac", SECONDS, 48_000, "5.1"), id="mp4-5.1"),
        pytest.param(audio_file("mp2", "mp2", SECONDS, 44_100, "stereo"), id="mpga"),
        pytest.param(audio_file("mpeg", "mp2", SECONDS, 44_100, "stereo"), id="mpeg"),
        pytest.param(audio_file("webm", "libopus", SECONDS, 48_000, "stereo"), id="webm"),
    ],
)
async def test_every_type_is_known_by_its_content(content: bytes, tmp_path: Path) -> None:
    pcm = await heard(content, tmp_path)
    assert abs(len(pcm) / 2 / HEARD_RATE_HZ - SECONDS) < 0.1
    assert pitch_of(pcm, HEARD_RATE_HZ) == pytest.approx(440, rel=0.02)


async def test_no_sample_is_lost(tmp_path: Path) -> None:
    assert len(await heard(ours("wav"), tmp_path)) == 2 * HEARD_RATE_HZ * SECONDS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\0", "not audio", id="one-byte"),
        pytest.param(b"Dear Sir or Madam, " * 999, "not audio", id="text"),
        pytest.param(b"%PDF-1.7\n" + bytes(9_999), "not audio", id="pdf"),
        pytest.param(b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n", "not audio", id="playlist"),
        pytest.param(b"ffconcat version 1.0\nfile upload.txt\n", "not audio", id="concat"),
        pytest.param(silent_film(), "no audio track", id="silent-film"),
        pytest.param(audio_file("avi", "libmp3lame", 1, 44_100, "mono"), "not audio", id="avi"),
        pytest.param(wav_header(0), "no sound", id="nothing-recorded"),
        pytest.param(ours("wav")[:50_000], "cut off", id="torn-wav"),
        pytest.param(ours("flac")[:9_000], "cut off", id="torn-flac"),
        pytest.param(ours("mp3")[:60], "not whole", id="torn-mp3"),
        pytest.param(ours("opus")[:60], "not whole", id="torn-ogg"),
        pytest.param(ours("aac")[:60], "damaged", id="torn-aac"),
        pytest.param(
            audio_file("ipod", "aac", 1, 44_100, "mono")[:9_000], "not whole", id="torn-m4a"
        ),
    ],
)
async def test_what_cannot_be_heard_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    assert words in await refused(content, tmp_path)


async def test_a_file_that_says_how_long_it_is_is_refused_at_once(tmp_path: Path) -> None:
    three_hours = 3 * 3600 * 24_000
    file = bytearray(ours("flac"))
    info = int.from_bytes(file[8:42]) & ~((2**36 - 1) << 128) | three_hours << 128
    file[8:42] = info.to_bytes(34)
    (tmp_path / "long").write_bytes(file)
    pieces = decode(tmp_path / "long", Limits())
    with pytest.raises(InvalidRequest, match="longer than 7200 seconds"):
        await anext(pieces)


async def test_a_file_that_does_not_say_is_refused_on_the_way(tmp_path: Path) -> None:
    said = await refused(ours("mp3", 4.0), tmp_path, Limits(duration_s=3))
    assert "longer than 3 seconds" in said


async def test_decoding_takes_so_long_and_no_longer(tmp_path: Path) -> None:
    assert "more than 0.001 seconds" in await refused(ours("mp3"), tmp_path, Limits(time_s=0.001))


async def test_a_child_that_dies_takes_nothing_with_it(tmp_path: Path) -> None:
    # Far more than the pipe holds, so that the child is alive after the first block.
    (tmp_path / "long").write_bytes(wav_header(None, HEARD_RATE_HZ) + bytes(8_000_000))
    pieces = decode(tmp_path / "long", Limits())
    assert await anext(pieces)
    [child] = children()
    child.kill()
    with pytest.raises(InvalidRequest, match="signal 9") as caught:
        async for _ in pieces:
            pass
    assert caught.value.param == "file"


async def test_who_leaves_early_leaves_no_child(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(wav_header(None, HEARD_RATE_HZ) + bytes(8_000_000))
    async with aclosing(decode(tmp_path / "long", Limits())) as pieces:
        assert await anext(pieces)
        assert len(children()) == 1
    assert children() == []
