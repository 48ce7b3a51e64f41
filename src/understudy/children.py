"""How a child process is begun and ends: it is told no secret, and never outlives its parent.

One that reads strangers' files limits itself first.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from anyio.abc import Process

_PR_SET_PDEATHSIG = 1
_STATUS_ORPHANED = 3
_CLEAN_UP_S = 10.0
_OPEN_FILES = 64
_ENVIRONMENT = (
    *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "TMPDIR", "TEMP"),
    *("HF_HOME", "HF_HUB_CACHE"),
)


def command(module: str) -> list[str]:
    """Return the command that runs a module of this package in a child."""
    # -I: neither the working directory nor the user's packages may slip in.
    return [sys.executable, "-I", "-X", "utf8", "-m", module]


def environment() -> dict[str, str]:
    """Return what a child may know of the environment; what is not named stays with the parent."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


@asynccontextmanager
async def opened(module: str) -> AsyncIterator["Process"]:
    """Run a module of this package in a child that ends with the block."""
    import anyio  # Children import this module too, and have no use for it.

    process = await anyio.open_process(command(module), env=environment(), stderr=None)
    try:
        yield process
    finally:
        with anyio.move_on_after(_CLEAN_UP_S, shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()


async def end_of(process: "Process") -> int | None:
    """Return the status of a child that has closed its output; below 0 it is a signal's number."""
    import anyio

    with anyio.move_on_after(_CLEAN_UP_S):
        await process.wait()
    return process.returncode


def how_it_ended(status: int | None) -> str:
    """Return a status in words."""
    if status is None or status >= 0:
        return f"status {status}"
    return f"killed by signal {-status}"


def ran_out_of_time(status: int | None) -> bool:
    """Tell whether a child ended at the limit on processor time that `confine` set."""
    return sys.platform != "win32" and status == -signal.SIGXCPU


def die_with_parent(parent: int, stdin: BinaryIO) -> None:
    """End this process when `parent` dies or closes `stdin`, at once if it is dead already.

    What arrives on `stdin` from now on is dropped; a child that reads it takes `die_with`.
    """
    die_with(parent)
    threading.Thread(target=_wait_for_end, args=(stdin,), daemon=True).start()


def die_with(parent: int) -> None:
    """End this process when `parent` dies, where the system tells of it (Linux)."""
    # Ctrl-C reaches the whole group; when we end is for the parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(_STATUS_ORPHANED)


def confine(processor_s: float, memory_bytes: int) -> None:
    """Limit this process's time and memory, and forbid it to write files.

    Memory is limited on Linux only: elsewhere the system has no limit that counts what is used.
    """
    if sys.platform == "win32":
        return
    import resource

    wanted = {
        resource.RLIMIT_CPU: int(processor_s) + 1,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    if sys.platform == "linux":
        # Not RLIMIT_AS, which also counts what is mapped and never touched.
        wanted[resource.RLIMIT_DATA] = memory_bytes
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (most, most))


def private_output() -> int:
    """Return what was standard output; what libraries print from now on goes nowhere."""
    output = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return output


def _wait_for_end(stdin: BinaryIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        while stdin.read(1024):
            pass
    os._exit(_STATUS_ORPHANED)
