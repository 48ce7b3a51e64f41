"""Servers that start at once: one process has everything imported and forks a server for each life.

    python -m tests.crash.nursery

prints its own pid when it is ready, and then reads orders from standard input, a line of JSON
each: a server to be made, whose pid it prints, or the pid of one that stops or ends, whose status
it prints. From the fork on a server runs the same code as `understudy serve`. It ends with the
nursery.
"""

import contextlib
import importlib
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
from tests.cli.running import WAIT_S, Workplace

_ORPHANS_MAY_LIVE_S = 10.0
_START_S = 2 * WAIT_S
"""Servers start again and again here, side by side: a loaded machine takes its time."""
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

    def __init__(self, nursery: "Nursery", pid: int, log_file: Path) -> None:
        self._nursery = nursery
        self._pid = pid
        self._pidfd = os.pidfd_open(pid)
        self._log_file = log_file

    def url(self) -> str:
        """Return the base URL, once the server takes requests."""
        deadline_s = time.monotonic() + _START_S
        while time.monotonic() < deadline_s and not self._has_ended(_LOOK_EVERY_S):
            for line in self.log.splitlines():
                if line.split()[:1] == ["base_url"]:
                    return line.split('"')[1]
        raise AssertionError(f"the server does not serve: {self.log}")

    def client(self) -> httpx2.Client:
        """Return a client of the server, once it takes requests."""
        return httpx2.Client(base_url=self.url(), timeout=WAIT_S, trust_env=False)

    def live_on(self, duration_s: float) -> None:
        """Let the server work for so long; it must not end by itself."""
        assert not self._has_ended(duration_s), f"the server ended: {self.log}"

    def kill(self) -> list[psutil.Process]:
        """Kill the server, which must be alive, and return which of its children outlive it."""
        # Stopped first, so that no child is born between the look and the kill.
        self._send(signal.SIGSTOP)
        assert os.WIFSTOPPED(self._nursery.wait_for(self._pid)), self.log
        children = psutil.Process(self._pid).children(recursive=True)
        self.end()
        _, alive = psutil.wait_procs(children, _ORPHANS_MAY_LIVE_S)
        return [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]

    def terminate(self) -> None:
        """Ask the server to end, without waiting for it."""
        self._send(signal.SIGTERM)

    def stop(self) -> None:
        """Ask the server to end, and wait until it has."""
        self.terminate()
        assert self._has_ended(WAIT_S), self.log
        status = os.waitstatus_to_exitcode(self._nursery.wait_for(self._pid))
        assert status in (0, -signal.SIGTERM), self.log

    def end(self) -> None:
        """Kill the server if it is alive, and return once it is gone."""
        with contextlib.suppress(ProcessLookupError):  # it is gone already
            self._send(signal.SIGKILL)
            assert self._has_ended(WAIT_S)
            self._nursery.wait_for(self._pid)

    def close(self) -> None:
        """End the server if it is alive."""
        self.end()
        os.close(self._pidfd)

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return self._log_file.read_text(encoding="utf-8")

    def _send(self, signal_: signal.Signals) -> None:
        signal.pidfd_send_signal(self._pidfd, signal_)

    def _has_ended(self, within_s: float) -> bool:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(within_s * 1000))


class Nursery:
    """The process that forks servers; a context manager."""

    def __enter__(self) -> "Nursery":
        self._numbers = itertools.count()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()  # what a first server takes is then no longer than what the others take
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=WAIT_S)

    @contextlib.contextmanager
    def life(self, workplace: Workplace) -> Iterator[Life]:
        """Start a server of the workplace, which ends with the block at the latest."""
        life = self.start(workplace, workplace.folder / f"life-{next(self._numbers)}.log")
        try:
            yield life
        finally:
            life.close()

    def start(self, workplace: Workplace, log_file: Path) -> Life:
        """Start a server of the workplace, which logs to a file of its own."""
        log_file.touch()
        order = {
            "folder": str(workplace.folder),
            "environment": dict(workplace.variables()),
            "log_file": str(log_file),
        }
        return Life(self, self._ask(order), log_file)

    def wait_for(self, pid: int) -> int:
        """Return the status of a server, as `os.waitpid` gives it, once it has stopped or ended."""
        return self._ask({"wait_for": pid})

    def _ask(self, order: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def main() -> None:
    """Fork servers until standard input ends."""
    for name in _IMPORTED:
        importlib.import_module(name)

    assert threading.active_count() == 1, "a process with threads cannot be forked safely"
    print(os.getpid(), flush=True)
    pids = set()
    for line in sys.stdin:
        order = json.loads(line)
        if (waited_for := order.get("wait_for")) is not None:
            _, status = os.waitpid(waited_for, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                pids.remove(waited_for)
            print(status, flush=True)
            continue
        if (pid := os.fork()) == 0:
            _live(order)
        pids.add(pid)
        print(pid, flush=True)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _live(order: dict[str, Any]) -> None:
    """Run the command in a fresh fork; does not return."""
    from understudy.cli import main as understudy

    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    log = os.open(order["log_file"], os.O_WRONLY | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["understudy", "serve", "--port", "0"]
    status = 1
    try:
        understudy()
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
