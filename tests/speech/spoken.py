"""What tests of engines share: audio gathered, brought to another rate, and its workers found."""

from collections.abc import AsyncGenerator, AsyncIterable

import av
import numpy as np
import psutil

from understudy.speech.base import HEARD_RATE_HZ, SPOKEN_RATE_HZ


async def gathered(pieces: AsyncIterable[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / SPOKEN_RATE_HZ


def for_listeners(pcm: bytes) -> bytes:
    """Return what an engine spoke at the rate that engines hear."""
    frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16)[np.newaxis], layout="mono")
    frame.sample_rate = SPOKEN_RATE_HZ
    resampler = av.AudioResampler(format="s16", layout="mono", rate=HEARD_RATE_HZ)
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return b"".join(frame.to_ndarray().tobytes() for frame in frames)


async def in_blocks(pcm: bytes, block_bytes: int = HEARD_RATE_HZ) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(pcm), block_bytes):
        yield pcm[at : at + block_bytes]


def worker_processes() -> list[psutil.Process]:
    """Return the workers that this process has, of whichever engine."""
    return [child for child in psutil.Process().children() if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "understudy.speech.workers.child" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
