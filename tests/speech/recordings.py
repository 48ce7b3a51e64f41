"""Audio for the tests: tones as PCM, and files of any kind made by libav itself."""

import io
import math
from array import array
from fractions import Fraction
from functools import cache
from itertools import pairwise

import av


@cache
def tone(seconds: float, rate_hz: int = 24_000, pitch_hz: float = 440, channels: int = 1) -> bytes:
    """Return a tone as PCM, each channel the same."""
    step = 2 * math.pi * pitch_hz / rate_hz
    samples = (round(8000 * math.sin(step * n)) for n in range(round(seconds * rate_hz)))
    return array("h", [sample for sample in samples for _ in range(channels)]).tobytes()


def audio_file(muxer: str, codec: str, seconds: float, rate_hz: int, layout: str) -> bytes:
    """Return a tone in a file of another program's making."""
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        channels = stream.codec_context.layout.nb_channels
        pcm = tone(seconds, rate_hz, channels=channels)
        frame = av.AudioFrame("s16", layout, len(pcm) // 2 // channels)
        frame.planes[0].update(pcm)
        frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def silent_film(muxer: str = "mp4", codec: str = "mpeg4", frames: int = 5) -> bytes:
    """Return a video without a sound track."""
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return file.getvalue()


def pitch_of(pcm: bytes, rate_hz: int) -> float:
    """Return how often a second the middle of PCM goes up through zero."""
    samples = array("h", pcm)
    # Codecs put a moment in front and behind, which is not quite silent.
    samples = samples[len(samples) // 4 : -len(samples) // 4]
    rises = sum(1 for before, after in pairwise(samples) if before < 0 <= after)
    return rises * rate_hz / len(samples)


def decoded(file: bytes) -> tuple[bytes, float]:
    """Return what libav hears in a file: PCM in its own rate, and its length in seconds."""
    pcm = bytearray()
    with av.open(io.BytesIO(file)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("s16", "mono", stream.rate)
        for frame in container.decode(stream):
            for plain in resampler.resample(frame):
                pcm += bytes(plain.planes[0])[: plain.samples * 2]
        rate_hz = stream.rate
    return bytes(pcm), len(pcm) / 2 / rate_hz
