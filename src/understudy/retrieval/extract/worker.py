"""The child process that parses one file: a job on standard input, blocks on standard output."""

import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from understudy import children
from understudy.retrieval.extract import extract
from understudy.retrieval.extract.blocks import Block, ExtractionFailed
from understudy.retrieval.extract.confinement import confine
from understudy.retrieval.extract.frames import Failure, Frame, Job, line

_FRAME_CHARS = 64 * 1024


def main() -> None:
    """Do the job and end; whatever goes wrong is told in the last frame."""
    # Unbuffered, so that nothing is read ahead of the job.
    stdin = open(0, "rb", buffering=0, closefd=False)
    job = msgspec.json.decode(stdin.readline(), type=Job)
    children.die_with_parent(job.parent, stdin)
    confine(job.limits)
    output = children.private_output()
    for frame in frames(job):
        _write(output, line(frame))


def frames(job: Job) -> Iterator[Frame]:
    """Yield the file's blocks, some in each frame, and at last how it ended."""
    warnings.simplefilter("ignore")
    try:
        found = extract(Path(job.path), job.filename, job.limits)
        yield from (Frame(blocks=some) for some in _gathered(found))
    except ExtractionFailed as error:
        yield _failed(error)
    except MemoryError:
        yield _failed(out_of_memory(job.limits.memory_bytes))
    except Exception as error:  # The root of this process: parsers raise anything on bad input.
        yield _failed(unreadable(error))
    else:
        yield Frame(done=True)


def out_of_memory(memory_bytes: int) -> ExtractionFailed:
    """Return the failure of a file that needs too much memory."""
    return ExtractionFailed(
        "invalid_file",
        f"Reading the file took more than {memory_bytes // 1024**2} MiB of memory: split it, or "
        "save it in a simpler format.",
    )


def unreadable(error: Exception) -> ExtractionFailed:
    """Return the failure of a file that broke its parser."""
    return ExtractionFailed(
        "invalid_file",
        f"The file is damaged, or written in a way that is not understood ({type(error).__name__})"
        ": open it in its program and save it again.",
    )


def _failed(error: ExtractionFailed) -> Frame:
    return Frame(failure=Failure(error.code, error.message))


def _gathered(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    held: list[Block] = []
    chars = 0
    for block in blocks:
        held.append(block)
        chars += len(block.text)
        if chars >= _FRAME_CHARS:
            yield held
            held, chars = [], 0
    if held:
        yield held


def _write(output: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(output, view) :]


if __name__ == "__main__":
    main()
