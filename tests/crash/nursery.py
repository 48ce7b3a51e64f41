"""Servers that start at once: one process has everything imported and forks a server for each life.

    python -m tests.crash.nursery

reads orders from standard input, a line of JSON each, and prints the pid of the server it made.
From the fork on a server runs the same code as `understudy serve`. It ends with the nursery.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.cli.running import WAIT_S, Workplace

_LOOK_EVERY_S = 0.005
_IMPORTED = (
    "understudy.cli.default_model",
    "understudy.cli.serve",
    "understudy.server",
    "understudy.engines.dashscope",
    "asyncpg",
    "alembic.command",
    "aiohttp",
)
"""What a server would import by itself, some of it with its first request."""
_ROOT = Path(__file__).parents[2]


class Life:
    """A server from its birth to its end."""

    def __init__(self, pid: int, log_file: Path) -> None:
        self._pidfd = os.pidfd_open(pid)
        self._log_file = log_file

    def url(self) -> str:
        """Return the base URL, once the server takes requests."""
        deadline_s = time.monotonic() + WAIT_S
        while time.monotonic() < deadline_s and not self._has_ended(_LOOK_EVERY_S):
            for line in self.log.splitlines():
                if line.split()[:1] == ["base_url"]:
                    return line.split('"')[1]
        raise AssertionError(f"the server does not serve: {self.log}")

    def kill(self) -> None:
        """Kill the server; it must have been alive."""
        assert not self._has_ended(0), self.log
        self.end()

    def terminate(self) -> None:
        """Ask the server to end, without waiting for it."""
        signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)

    def end(self) -> None:
        """Kill the server if it is alive, and return once it is gone."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        assert self._has_ended(WAIT_S)

    def close(self) -> None:
        """End the server if it is alive."""
        self.end()
        os.close(self._pidfd)

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return self._log_file.read_text(encoding="utf-8")

    def _has_ended(self, within_s: float) -> bool:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(within_s * 1000))


class Nursery:
    """The process that forks servers; a context manager."""

    def __enter__(self) -> "Nursery":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=WAIT_S)

    def start(self, workplace: Workplace, log_file: Path) -> Life:
        """Start a server of the workplace, which logs to a file of its own."""
        log_file.touch()
        order = {
            "folder": str(workplace.folder),
            "environment": dict(workplace.variables()),
            "log_file": str(log_file),
        }
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Life(int(self._process.stdout.readline()), log_file)


def main() -> None:
    """Fork servers until standard input ends."""
    for name in _IMPORTED:
        importlib.import_module(name)

    assert threading.active_count() == 1, "a process with threads cannot be forked safely"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the servers
    pids = []
    for line in sys.stdin:
        order = json.loads(line)
        if (pid := os.fork()) == 0:
            _live(order)
        pids.append(pid)
        print(pid, flush=True)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _live(order: dict[str, Any]) -> None:
    """Run the command in a fresh fork; does not return."""
    from understudy.cli import main as understudy

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    log = os.open(order["log_file"], os.O_WRONLY | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["understudy", "serve", "--port", "0"]
    try:
        understudy()
    finally:
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    main()
