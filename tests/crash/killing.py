"""A server whose life ends by `kill -9`, and what it leaves behind.

Nothing here knows what the server was doing.
"""

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import IO

import httpx2
import psutil
from tests.cli.running import WAIT_S, Workplace

ORPHANS_MAY_LIVE_S = 10.0
START_S = 2 * WAIT_S
"""Servers start again and again here, side by side: a loaded machine takes its time."""


class DoomedServer:
    """`understudy serve` as a process of its own."""

    def __init__(self, workplace: Workplace) -> None:
        self._process = workplace.start("serve", "--port", "0")
        self._urls: queue.Queue[str] = queue.Queue()
        self._said: list[str] = []
        assert self._process.stderr is not None
        # Read to the end: a full pipe would block the server.
        self._reader = threading.Thread(target=self._listen, args=(self._process.stderr,))
        self._reader.start()

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx2.Client]:
        """Give a client of the server, which it waits for."""
        try:
            url = self._urls.get(timeout=START_S)
        except queue.Empty:
            raise AssertionError(f"the server did not answer: {self.log}") from None
        assert url, self.log
        with httpx2.Client(base_url=url, timeout=WAIT_S, trust_env=False) as client:
            yield client

    def live_on(self, duration_s: float) -> None:
        """Let the server work for so long; it must not end by itself."""
        try:
            status = self._process.wait(duration_s)
        except subprocess.TimeoutExpired:
            return
        raise AssertionError(f"the server ended with status {status}: {self.log}")

    def kill(self) -> list[psutil.Process]:
        """Kill the server, and return which of its child processes outlive it."""
        # Stopped first, so that no child is born between the look and the kill.
        self._process.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(self._process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), self.log
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        _, alive = psutil.wait_procs(children, ORPHANS_MAY_LIVE_S)
        return [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]

    def stop(self) -> None:
        """Ask the server to end, and wait until it has."""
        self._process.terminate()
        assert self._process.wait(WAIT_S) in (0, -signal.SIGTERM), self.log

    def close(self) -> None:
        """End the server if it lives, and give back its pipes."""
        self._process.kill()
        self._process.wait()
        self._reader.join(WAIT_S)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return "".join(self._said)

    def _listen(self, lines: IO[str]) -> None:
        for line in lines:
            self._said.append(line)
            if line.split()[:1] == ["base_url"]:
                self._urls.put(line.split('"')[1])
        self._urls.put("")


@contextlib.contextmanager
def doomed(workplace: Workplace) -> Iterator[DoomedServer]:
    """Start a server that ends with the block at the latest."""
    server = DoomedServer(workplace)
    try:
        yield server
    finally:
        server.close()
