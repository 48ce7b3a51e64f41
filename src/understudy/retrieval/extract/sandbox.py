"""Parsing in a child process with limits, so that no file can harm, stall or fill the server."""

import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import anyio
import msgspec
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from understudy import children
from understudy.retrieval.extract import frames
from understudy.retrieval.extract.blocks import Block, ExtractionFailed, Limits
from understudy.retrieval.extract.frames import Frame

_LONGEST_FRAME_BYTES = 64 * 1024**2
_MODULE = "understudy.retrieval.extract.worker"
_decoder = msgspec.json.Decoder(Frame)


async def extract_in_child(
    path: Path, filename: str, limits: Limits | None = None
) -> AsyncGenerator[Block, None]:
    """Yield the blocks of a file, parsed by a process of its own that ends with this iterator.

    `limits.time_s` is the time that the child may take; the consumer's own does not count. Raises
    ExtractionFailed. Who leaves early closes the iterator: `contextlib.aclosing`.
    """
    limits = limits or Limits()
    async with children.opened(_MODULE) as process:
        job = frames.job(path, filename, limits, os.getpid())
        async for frame in _frames(process, job, limits):
            for block in frame.blocks:
                yield block
            if frame.failure is not None:
                raise ExtractionFailed(frame.failure.code, frame.failure.message)


async def _frames(process: Process, job: bytes, limits: Limits) -> AsyncIterator[Frame]:
    """Yield frames up to the last; raises ExtractionFailed when the child is late or dies."""
    assert process.stdin is not None
    assert process.stdout is not None
    stream = BufferedByteReceiveStream(process.stdout)
    left_s = limits.time_s
    is_last = False
    while not is_last:
        started = time.monotonic()
        try:
            with anyio.fail_after(left_s):
                if job:
                    await process.stdin.send(job)
                    job = b""
                frame = _decoder.decode(await stream.receive_until(b"\n", _LONGEST_FRAME_BYTES))
        except TimeoutError:
            raise _too_slow(limits) from None
        except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.EndOfStream):
            raise await _died(process, limits) from None
        left_s -= time.monotonic() - started
        is_last = frame.done or frame.failure is not None
        yield frame


async def _died(process: Process, limits: Limits) -> ExtractionFailed:
    """Return why the child ended without a last word."""
    status = await children.end_of(process)
    if children.ran_out_of_time(status):
        return _too_slow(limits)
    how = children.how_it_ended(status)
    return ExtractionFailed(
        "server_error",
        f"The process that read the file died ({how}), as happens when memory runs out or a "
        "parser crashes: try again, or save the document in another format.",
    )


def _too_slow(limits: Limits) -> ExtractionFailed:
    return ExtractionFailed(
        "invalid_file",
        f"Reading the file took more than {limits.time_s:g} seconds: split it, or save it in a "
        "simpler format.",
    )
