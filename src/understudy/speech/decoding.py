"""Strangers' audio files into PCM, read by a process of its own that can crash without harm.

What runs in that process is in `decoder`.
"""

import os
import struct
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Final, Literal

import anyio
import msgspec
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from understudy import children
from understudy.errors import InvalidRequest, InvalidValue

PARAM: Final = "file"
HEAD: Final = struct.Struct(">cH")
"""Before each frame: its kind and its length, so that no child can make its parent hold much."""
PCM: Final = b"p"
END: Final = b"e"

_MODULE = "understudy.speech.decoder"
_TAKES = "mp3, mp4, mpeg, mpga, m4a, ogg, opus, aac, wav, webm or flac"


class Limits(msgspec.Struct, frozen=True):
    """What a file may cost before it is given up."""

    duration_s: float = 7200
    """How long it may sound."""
    time_s: float = 120
    """How long its decoding may take."""
    memory_bytes: int = 1024**3


Fault = Literal["empty", "foreign", "no_audio", "silent", "damaged", "truncated", "too_long"]


class Job(msgspec.Struct, frozen=True):
    """What the child is to do; `parent` is the process without which it shall not live."""

    path: str
    limits: Limits
    parent: int


class End(msgspec.Struct, frozen=True):
    """The last frame; a stream without one broke off."""

    fault: Fault | None = None


async def decode(path: Path, limits: Limits) -> AsyncGenerator[bytes, None]:
    """Yield the PCM of an audio file at `HEARD_RATE_HZ`, a second at a time.

    What it is shows from its content. `limits.time_s` does not count the consumer's own time.
    Raises InvalidRequest for what is no audio, is damaged or costs too much. Who leaves early
    closes the iterator: `contextlib.aclosing`.
    """
    async with children.opened(_MODULE) as process:
        job = msgspec.json.encode(Job(str(path), limits, os.getpid())) + b"\n"
        async for pcm in _blocks(process, job, limits):
            yield pcm


def refusal(fault: Fault, limits: Limits) -> InvalidRequest:
    """Return what is wrong with a file, in words."""
    return InvalidValue(PARAM, _reason(fault, limits))


def _reason(fault: Fault, limits: Limits) -> str:
    match fault:
        case "empty":
            return "the file is empty"
        case "foreign":
            return f"the file is not audio in a known format, or not whole: send {_TAKES}"
        case "no_audio":
            return "the file has no audio track"
        case "silent":
            return "there is no sound in the file, not even silence"
        case "damaged":
            return "the file is damaged: most of it cannot be decoded"
        case "truncated":
            return "the file ends before its audio does: it was cut off on its way"
        case "too_long":
            return (
                f"the audio is longer than {limits.duration_s:g} seconds: cut it into parts and "
                "send them one by one"
            )


async def _blocks(process: Process, job: bytes, limits: Limits) -> AsyncIterator[bytes]:
    """Yield what the child decodes; raises InvalidRequest when it fails, is late or dies."""
    assert process.stdin is not None
    assert process.stdout is not None
    stream = BufferedByteReceiveStream(process.stdout)
    left_s = limits.time_s
    while True:
        started = time.monotonic()
        try:
            with anyio.fail_after(left_s):
                if job:
                    await process.stdin.send(job)
                    job = b""
                kind, size_bytes = HEAD.unpack(await stream.receive_exactly(HEAD.size))
                frame = await stream.receive_exactly(size_bytes)
        except TimeoutError:
            raise _too_slow(limits) from None
        except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.EndOfStream):
            raise await _died(process, limits) from None
        if kind == END:
            break
        left_s -= time.monotonic() - started
        yield frame
    if (fault := msgspec.json.decode(frame, type=End).fault) is not None:
        raise refusal(fault, limits)


async def _died(process: Process, limits: Limits) -> InvalidRequest:
    """Return why the child ended without a last word."""
    status = await children.end_of(process)
    if children.ran_out_of_time(status):
        return _too_slow(limits)
    how = children.how_it_ended(status)
    return InvalidValue(
        PARAM,
        f"the process that decoded it died ({how}), as happens with damaged files: convert it, "
        "for example to wav, and send it again",
    )


def _too_slow(limits: Limits) -> InvalidRequest:
    return InvalidValue(
        PARAM,
        f"decoding it took more than {limits.time_s:g} seconds: cut it into parts and send them "
        "one by one",
    )
