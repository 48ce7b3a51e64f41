"""What a parsing child takes from itself before it reads a stranger's file.

Memory is limited on Linux only: elsewhere the system has no limit that counts what is used.
"""

import sys

from understudy.retrieval.extract.blocks import Limits

_OPEN_FILES = 64


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
