"""The child process that decodes one audio file: a job on standard input, PCM on standard output.

It takes the formats named here and no other: libav's long list holds some that open further files.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from understudy import children
from understudy.speech.base import HEARD_RATE_HZ
from understudy.speech.decoding import END, HEAD, PCM, End, Fault, Job, Limits

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_CONTAINERS = "aac,flac,matroska,webm,mov,mp4,mp3,mpeg,ogg,wav"
_CODECS: Final = (
    "aac,aac_latm,ac3,adpcm_ima_wav,adpcm_ms,alac,amrnb,amrwb,eac3,flac,gsm_ms,libopus,libvorbis,"
    "mp1,mp1float,mp2,mp2float,mp3,mp3float,opus,pcm_alaw,pcm_f32le,pcm_f64le,pcm_mulaw,pcm_s16be,"
    "pcm_s16le,pcm_s24le,pcm_s32le,pcm_u8,vorbis"
)
_WITHOUT_LENGTH = frozenset({"aac", "mp3"})
"""Their length is a guess by the first frames' bit rate, which can be twice what it is."""
_BLOCK_BYTES = 2 * HEARD_RATE_HZ
_CUT_OFF = 0.9
_SLACK_S = 0.5
_RIFF = struct.Struct("<4sI4s")
_RIFF_SIZES = range(0x7FFF_0000)
"""Sizes that are meant; programs that stream a wav write one of several larger numbers."""


class Unreadable(Exception):
    """The file cannot be heard; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def main() -> None:
    """Do the job and end; whatever goes wrong is told in the last frame."""
    # Unbuffered, so that nothing is read ahead of the job.
    stdin = open(0, "rb", buffering=0, closefd=False)
    job = msgspec.json.decode(stdin.readline(), type=Job)
    children.die_with_parent(job.parent, stdin)
    children.confine(job.limits.time_s, job.limits.memory_bytes)
    output = children.private_output()
    _write(output, END, msgspec.json.encode(_run(job, output)))


def _run(job: Job, output: int) -> End:
    try:
        for block in gathered(heard(Path(job.path), job.limits)):
            _write(output, PCM, block)
    except Unreadable as error:
        return End(error.fault)
    except Exception:  # The root of this process: libav raises anything on bad input.
        return End("damaged")
    return End()


def heard(path: Path, limits: Limits) -> Iterator[bytes]:
    """Yield the PCM of a file at `HEARD_RATE_HZ`, as its codec gives it. Raises Unreadable."""
    if not path.stat().st_size:
        raise Unreadable("empty")
    if _is_cut_off_wav(path):
        raise Unreadable("truncated")
    with path.open("rb") as file, _opened(file) as container:
        stream = _audio_of(container)
        is_certain = container.format.name not in _WITHOUT_LENGTH
        declared_s = _declared_s(container, stream)
        if declared_s > limits.duration_s * (1 if is_certain else 2):
            raise Unreadable("too_long")
        samples = 0
        for pcm in _resampled(_frames(container, stream)):
            samples += len(pcm) // 2
            if samples > limits.duration_s * HEARD_RATE_HZ:
                raise Unreadable("too_long")
            yield pcm
        if not samples:
            raise Unreadable("silent")
        if is_certain and _is_cut_off(stream, samples / HEARD_RATE_HZ):
            raise Unreadable("truncated")


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces of PCM in blocks of a second, the last one shorter."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= _BLOCK_BYTES:
            yield bytes(held[:_BLOCK_BYTES])
            del held[:_BLOCK_BYTES]
    if held:
        yield bytes(held)


class _Content:
    """A file without its name, from which libav would guess."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def _opened(file: BinaryIO) -> "InputContainer":
    import av

    try:
        return av.open(
            _Content(file),
            mode="r",
            metadata_errors="ignore",
            container_options={
                "format_whitelist": _CONTAINERS,
                "codec_whitelist": _CODECS,
                "protocol_whitelist": "",
            },
        )
    except (av.FFmpegError, ValueError) as error:
        raise Unreadable("foreign") from error


def _audio_of(container: "InputContainer") -> "AudioStream":
    if not container.streams.audio:
        raise Unreadable("no_audio")
    stream = container.streams.audio[0]
    if stream.codec_context is None or stream.codec_context.codec.name not in _CODECS.split(","):
        raise Unreadable("foreign")
    return stream


def _declared_s(container: "InputContainer", stream: "AudioStream") -> float:
    """Return how long a file says that it is, 0 where it does not say."""
    import av

    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def _is_cut_off_wav(path: Path) -> bool:
    """Tell whether a wav is much shorter than it declares, which libav does not mind."""
    with path.open("rb") as file:
        head = file.read(_RIFF.size)
    if len(head) < _RIFF.size:
        return False
    magic, declared_bytes, form = _RIFF.unpack(head)
    is_wav = magic == b"RIFF" and form == b"WAVE" and declared_bytes in _RIFF_SIZES
    return is_wav and path.stat().st_size < declared_bytes * _CUT_OFF


def _is_cut_off(stream: "AudioStream", decoded_s: float) -> bool:
    """Tell whether much less was decoded than the track itself declares."""
    if stream.duration is None or stream.time_base is None:
        return False
    declared_s = float(stream.duration * stream.time_base)
    return decoded_s < declared_s * _CUT_OFF - _SLACK_S


def _frames(container: "InputContainer", stream: "AudioStream") -> Iterator["AudioFrame"]:
    """Yield what can be decoded. Raises Unreadable where that is less than what cannot."""
    import av

    good = bad = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            for frame in stream.decode(packet):
                good += 1
                yield frame
        except av.EOFError:
            break
        except av.FFmpegError:
            # Files from the wild hold scraps between good frames: tags, a torn last frame.
            bad += 1
            if bad > good + 100:
                break
    if bad > good:
        raise Unreadable("damaged")


def _resampled(frames: Iterable["AudioFrame"]) -> Iterator[bytes]:
    """Yield frames as PCM; rate and channels may change between them."""
    from av import AudioResampler

    resampler: AudioResampler | None = None
    shape = None
    for frame in frames:
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or found != shape:
            yield from _flushed(resampler)
            resampler = AudioResampler(format="s16", layout="mono", rate=HEARD_RATE_HZ)
            shape = found
        yield from map(_pcm, resampler.resample(frame))
    yield from _flushed(resampler)


def _flushed(resampler: "AudioResampler | None") -> Iterator[bytes]:
    if resampler is not None:
        yield from map(_pcm, resampler.resample(None))


def _pcm(frame: "AudioFrame") -> bytes:
    # The plane is longer than its samples: libav aligns it.
    return bytes(frame.planes[0])[: frame.samples * 2]


def _write(output: int, kind: bytes, data: bytes) -> None:
    view = memoryview(HEAD.pack(kind, len(data)) + data)
    while view:
        view = view[os.write(output, view) :]


if __name__ == "__main__":
    main()
