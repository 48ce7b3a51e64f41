"""How much memory a model will take, and how much there is."""

import os
import sys
from pathlib import Path
from typing import Final

from understudy.engines.llama.child import Launch
from understudy.engines.llama.gguf_file import GgufHeader

_ENGINE_BYTES: Final = 96 * 1024**2
"""The program itself and its buffers."""
_CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def needed_bytes(header: GgufHeader, launch: Launch) -> int:
    """Return what a model will take at most: its weights, the attention cache, the engine."""
    cache_bytes = header.cache_bytes_per_token * launch.context_length * launch.slots
    return header.size_bytes + cache_bytes + launch.prompt_cache_bytes + _ENGINE_BYTES


def default_limit_bytes() -> int | None:
    """Return three quarters of this machine's memory; None where it cannot be known."""
    found = _machine_bytes()
    return found and found // 4 * 3


def _machine_bytes() -> int | None:
    """Return the memory of the machine, or of the container where that is less."""
    if sys.platform == "win32":
        return None
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _CGROUP_LIMITS:
        try:
            limits.append(int(file.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue  # not there, or "max"
    return min(limits)
