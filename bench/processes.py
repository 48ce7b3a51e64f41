"""Starts and ends the processes that are measured, and reads what they used. Linux only."""

import contextlib
import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 10.0
_POLL_S = 0.005
_CPUCLOCK_SCHED = 2
_SHOWN_OF_LOG = 2000


class StartFailed(Exception):
    """A process ended, or did not answer, before it could be measured."""


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], folder: Path, environ: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` with its output in a file of `folder`; end it when the block is left."""
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".log", delete=False) as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield process
    except StartFailed as error:
        error.add_note(Path(log.name).read_text(errors="replace")[-_SHOWN_OF_LOG:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_healthy(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    """Return as soon as GET `path` is answered with 200; raises StartFailed."""
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartFailed(f"{process.args!r} ended with status {process.returncode}")
        if _answers(port, path):
            return
        time.sleep(_POLL_S)
    raise StartFailed(f"{process.args!r} did not answer within {_START_LIMIT_S:.0f} s")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_LIMIT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def cpu_s(pid: int) -> float:
    """Return the CPU time, user and system, that a process has used, to the nanosecond.

    The clock's id is made from the process id as clock_getcpuclockid(3) does; the counters in
    /proc count ticks of 10 ms, which is hundreds of nginx requests.
    """
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB of 10^6 bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
