"""PCM into files of every format that clients may ask for, as it comes. Knows no engine.

The way back is in `decoding`: strangers' files are read in a process of their own.
"""

import struct
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, Protocol, cast

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

from understudy.speech.base import SPOKEN_RATE_HZ
from understudy.wire.audio import SpeechFormat

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

SAMPLE_BYTES: Final = 2
WAV_EXACT_S: Final = 30
"""A wav up to this length is held back until its header can be exact; a longer one is streamed."""

_UNKNOWN_SIZE = 0xFFFFFFFF
_WAV_HEADER_BYTES = 44
_THREADS = 4
"""How many files grow at the same moment; more would only wait for processors."""
_IN_MEMORY_BYTES = 1024**2
_READ_BYTES = 64 * 1024
_SILENCE = bytes(SPOKEN_RATE_HZ // 50 * SAMPLE_BYTES)
"""What a file holds when nothing was spoken: without a sample it would be no file."""


@dataclass(slots=True)
class _Shared:
    """What all encoders of an event loop share."""

    threads: CapacityLimiter
    open_files: int = 0


_shared: RunVar[_Shared] = RunVar("understudy.speech.codec")


class Encoder(Protocol):
    """Makes a file of PCM at `SPOKEN_RATE_HZ`, piece by piece; neither call may follow `close`."""

    def encode(self, pcm: bytes) -> bytes:
        """Return what the file grows by, which may be nothing yet."""
        ...

    def finish(self) -> Iterator[bytes]:
        """Yield the rest of the file."""
        ...

    def close(self) -> None:
        """Free what is held, also of a file that is not finished."""
        ...


def open_encoder(audio_format: SpeechFormat) -> Encoder:
    """Return an encoder of one file."""
    match audio_format:
        case "pcm":
            return _Pcm()
        case "wav":
            return _Wav()
        case "flac":
            return _Flac()
        case _:
            return _Streamed(_FORMATS[audio_format])


async def encoded(
    pcm: AsyncGenerator[bytes, None], audio_format: SpeechFormat
) -> AsyncGenerator[bytes, None]:
    """Yield the file that `pcm` makes, in pieces that are never empty; closes `pcm` at the end."""
    async with aclosing(pcm):
        encoder = open_encoder(audio_format)
        shared = _shared_by_all()
        shared.open_files += 1
        try:
            async for block in pcm:
                if piece := await run_sync(encoder.encode, block, limiter=shared.threads):
                    yield piece
            rest = encoder.finish()
            while piece := await run_sync(next, rest, b"", limiter=shared.threads):
                yield piece
        finally:
            encoder.close()
            shared.open_files -= 1
            if not shared.open_files:
                _give_back_memory()


def duration_s(pcm_bytes: int) -> float:
    """Return how long so many bytes of PCM at `SPOKEN_RATE_HZ` sound."""
    return pcm_bytes / SAMPLE_BYTES / SPOKEN_RATE_HZ


def _shared_by_all() -> _Shared:
    found = _shared.get(None)
    if found is None:
        found = _Shared(CapacityLimiter(_THREADS))
        _shared.set(found)
    return found


def _give_back_memory() -> None:
    """Make glibc return what encoders freed, which it would keep; takes a millisecond."""
    if sys.platform != "linux":
        return
    import ctypes

    # Other C libraries of Linux have no such function, and no need of it.
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


@dataclass(frozen=True, slots=True)
class _Form:
    """What libav is told of a format."""

    muxer: str
    codec: str
    bit_rate: int | None
    muxer_options: dict[str, str]
    codec_options: dict[str, str] = field(default_factory=dict)


_FORMATS = {
    # Neither tags nor the frame of VBR files in front: they would come before any sound does.
    "mp3": _Form(
        "mp3",
        "libmp3lame",
        64_000,
        {"write_xing": "0", "id3v2_version": "0"},
        {"compression_level": "7"},
    ),
    # Pages of a tenth of a second; libav's own second would be heard as a delay.
    "opus": _Form("ogg", "libopus", 32_000, {"page_duration": "100000"}),
    "aac": _Form("adts", "aac", 64_000, {}),
    "flac": _Form("flac", "flac", None, {"metadata_header_padding": "0"}),
}


class _Pcm:
    """PCM is what comes in."""

    def encode(self, pcm: bytes) -> bytes:
        return pcm

    def finish(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        """Hold nothing."""


class _Wav:
    """A wav, held back while it may still turn out to be short."""

    def __init__(self) -> None:
        self._held: bytearray | None = bytearray()

    def encode(self, pcm: bytes) -> bytes:
        if self._held is None:
            return pcm
        self._held += pcm
        if duration_s(len(self._held)) <= WAV_EXACT_S:
            return b""
        begun, self._held = wav_header(None) + self._held, None
        return begun

    def finish(self) -> Iterator[bytes]:
        if self._held is not None:
            yield wav_header(len(self._held)) + self._held

    def close(self) -> None:
        self._held = None


def wav_header(data_bytes: int | None, rate_hz: int = SPOKEN_RATE_HZ) -> bytes:
    """Return the header of a wav; None is a length that is not known, as players accept it."""
    is_known = data_bytes is not None and data_bytes < _UNKNOWN_SIZE - _WAV_HEADER_BYTES
    data = data_bytes if data_bytes is not None and is_known else _UNKNOWN_SIZE
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        data + _WAV_HEADER_BYTES - 8 if is_known else _UNKNOWN_SIZE,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        rate_hz,
        rate_hz * SAMPLE_BYTES,
        SAMPLE_BYTES,
        8 * SAMPLE_BYTES,
        b"data",
        data,
    )


class _Streamed:
    """A file that is never gone back to."""

    def __init__(self, form: _Form) -> None:
        self._sink = _Sink()
        self._writer = _Writer(self._sink, form)

    def encode(self, pcm: bytes) -> bytes:
        self._writer.write(pcm)
        return self._sink.take()

    def finish(self) -> Iterator[bytes]:
        self._writer.finish()
        yield self._sink.take()

    def close(self) -> None:
        self._writer.close()


class _Flac:
    """A FLAC, made when all is spoken: its header counts the samples, and readers insist.

    Only the PCM is held until then, since each of libav's encoders takes 8 MB.
    """

    def __init__(self) -> None:
        self._pcm: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)

    def encode(self, pcm: bytes) -> bytes:
        self._pcm.write(pcm)
        return b""

    def finish(self) -> Iterator[bytes]:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
            self._write(file)
            file.seek(0)
            while piece := file.read(_READ_BYTES):
                yield piece

    def close(self) -> None:
        self._pcm.close()

    def _write(self, file: IO[bytes]) -> None:
        writer = _Writer(file, _FORMATS["flac"])
        self._pcm.seek(0)
        try:
            while pcm := self._pcm.read(_READ_BYTES):
                writer.write(pcm)
            writer.finish()
        finally:
            writer.close()


class _Sink:
    """Where libav writes; without `seek`, so that it does not try."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class _Writer:
    """Feeds PCM through one codec into one container; loads libav when the first of it comes."""

    def __init__(self, file: "IO[bytes] | _Sink", form: _Form) -> None:
        self._file = file
        self._form = form
        self._opened: tuple[OutputContainer, AudioStream] | None = None
        self._samples = 0
        self._half = b""

    def write(self, pcm: bytes) -> None:
        """Encode PCM, which may begin and end within a sample."""
        pcm = self._half + pcm
        whole = len(pcm) - len(pcm) % SAMPLE_BYTES
        self._half = pcm[whole:]
        if whole:
            self._encode(self._frame(pcm[:whole]))

    def finish(self) -> None:
        """Write what the codec holds back, and the end of the file."""
        if not self._samples:
            self.write(_SILENCE)
        self._encode(None)
        self.close()

    def close(self) -> None:
        """Free what libav holds; a second time does nothing."""
        if self._opened is not None:
            self._opened[0].close()
            # Closing alone keeps the codec and its buffers.
            self._opened = None

    def _frame(self, pcm: bytes) -> "AudioFrame":
        from fractions import Fraction

        from av import AudioFrame

        frame = AudioFrame(format="s16", layout="mono", samples=len(pcm) // SAMPLE_BYTES)
        frame.planes[0].update(pcm)
        frame.sample_rate = SPOKEN_RATE_HZ
        frame.time_base = Fraction(1, SPOKEN_RATE_HZ)
        frame.pts = self._samples
        self._samples += frame.samples
        return frame

    def _encode(self, frame: "AudioFrame | None") -> None:
        container, stream = self._opened = self._opened or _begun(self._file, self._form)
        for packet in stream.encode(frame):
            container.mux(packet)


def _begun(file: "IO[bytes] | _Sink", form: _Form) -> "tuple[OutputContainer, AudioStream]":
    import av

    container = av.open(file, mode="w", format=form.muxer, options=form.muxer_options)
    stream = cast(
        "AudioStream",
        container.add_stream(
            form.codec, rate=SPOKEN_RATE_HZ, layout="mono", options=form.codec_options
        ),
    )
    if form.bit_rate is not None:
        stream.bit_rate = form.bit_rate
    return container, stream
