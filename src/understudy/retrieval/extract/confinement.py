"""What a parsing child takes from itself before it reads a stranger's file.

Memory is limited on Linux only: elsewhere the system has no limit that counts what is used.
"""

import contextlib
import os
import signal
import sys
import threading
from typing import BinaryIO

from understudy.retrieval.extract.blocks import Limits

_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 64
_STATUS_ORPHANED = 3


def confine(limits: Limits) -> None:
    """Limit memory, processor time, open files and what may be written."""
    if sys.platform == "win32":
        return
    import resource

    processor_s = int(limits.time_s) + 1
    wanted = {
        resource.RLIMIT_CPU: processor_s,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    if sys.platform == "linux":
        # Not RLIMIT_AS, which also counts what is mapped and never touched.
        wanted[resource.RLIMIT_DATA] = limits.memory_bytes
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (most, most))


def die_with_parent(parent: int, stdin: BinaryIO) -> None:
    """End this process when `parent` dies or closes `stdin`, at once if it is dead already."""
    # Ctrl-C reaches the whole group; when we end is for the parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(_STATUS_ORPHANED)
    threading.Thread(target=_wait_for_end, args=(stdin,), daemon=True).start()


def _wait_for_end(stdin: BinaryIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        while stdin.read(1024):
            pass
    os._exit(_STATUS_ORPHANED)
