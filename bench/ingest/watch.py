"""Watches the memory and the processor time of a server and of its child processes. Linux only."""

import threading
from dataclasses import dataclass

import psutil

from bench.processes import resident_mb

_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Peak:
    """The most resident memory at one time, in MB of 10^6 bytes."""

    server_mb: float
    children_mb: float
    together_mb: float


class MemoryWatch:
    """Looks at a process and its children from `with` to its end."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.peak = Peak(0.0, 0.0, 0.0)

    def __enter__(self) -> "MemoryWatch":
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking; `peak` is final."""
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(_EVERY_S):
            server_mb = resident_mb(self._process.pid)
            children_mb = sum(_resident_mb(p) for p in self._process.children(recursive=True))
            self.peak = Peak(
                max(self.peak.server_mb, server_mb),
                max(self.peak.children_mb, children_mb),
                max(self.peak.together_mb, server_mb + children_mb),
            )


def cpu_with_children_s(pid: int) -> float:
    """Return the processor time of a process, and of its children that have ended."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def _resident_mb(process: psutil.Process) -> float:
    try:
        return resident_mb(process.pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
