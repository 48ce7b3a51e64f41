"""One child seen from the server: its start, its current job, its end.

Its output is taken as it comes, not as it is asked for: a client that reads slowly keeps no worker.
"""

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import msgspec

from understudy import children
from understudy.speech.workers import frames
from understudy.speech.workers.frames import (
    Audio,
    Cancel,
    Ended,
    Failed,
    Incoming,
    Job,
    Pcm,
    Start,
    ToChild,
    ToServer,
)

_MODULE: Final = "understudy.speech.workers.child"
_HELD_BYTES: Final = 32 * 1024**2
"""Eleven minutes of audio: above it the child waits for the client."""
_CANCEL_GRACE_S: Final = 2.0
"""For a child to give up a job that nobody wants, before it is killed."""

_log = logging.getLogger(__name__)


class RunningJob:
    """What a child said of one job, in order; `None` at last when the child died on it."""

    def __init__(self, on_drained: Callable[[], None]) -> None:
        self.is_over = False
        self.is_abandoned = False
        self.held_bytes = 0
        self._messages: deque[ToServer | None] = deque()
        self._arrived = asyncio.Event()
        self._on_drained = on_drained

    def put(self, message: ToServer | None) -> None:
        """Take a message."""
        self.is_over = message is None or isinstance(message, Ended | Failed)
        if self.is_abandoned:
            return
        self.held_bytes += _size(message)
        self._messages.append(message)
        self._arrived.set()

    async def next(self) -> ToServer | None:
        """Return the next message, or None when the child died."""
        while not self._messages:
            self._arrived.clear()
            await self._arrived.wait()
        message = self._messages.popleft()
        self.held_bytes -= _size(message)
        self._on_drained()
        return message

    def abandon(self) -> None:
        """Forget what there is, and drop what comes."""
        self.is_abandoned = True
        self._messages.clear()
        self.held_bytes = 0
        self._on_drained()


class WorkerProcess(asyncio.SubprocessProtocol):
    """A child with at most one job; `on_free` is called whenever it has none any more."""

    def __init__(self, on_free: Callable[["WorkerProcess"], None]) -> None:
        self._on_free = on_free
        self._incoming = Incoming()
        self._job: RunningJob | None = None
        self._number = 0
        self._kill_timer: asyncio.TimerHandle | None = None
        self._is_paused = False
        self._is_killed = False
        self._transport: asyncio.SubprocessTransport | None = None
        self._gone = asyncio.Event()

    @staticmethod
    async def start(start: Start, on_free: Callable[["WorkerProcess"], None]) -> "WorkerProcess":
        """Start a child and tell it what it is."""
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: WorkerProcess(on_free),
            *children.command(_MODULE),
            stderr=asyncio.subprocess.DEVNULL,
            env=children.environment(),
        )
        process._send(msgspec.structs.replace(start, parent=os.getpid()))
        return process

    @property
    def is_alive(self) -> bool:
        """Whether it can take a job, as far as is known."""
        return not (self._gone.is_set() or self._is_killed) and self._returncode is None

    def begin(self, work: msgspec.Raw) -> RunningJob:
        """Give the child a job."""
        self._number += 1
        self._job = RunningJob(self._on_drained)
        self._send(Job(self._number, work))
        return self._job

    def answer(self, audio: Audio) -> None:
        """Send the audio that the child asked for."""
        self._send(audio)

    def abandon(self, job: RunningJob) -> None:
        """Make the child give up a job; it is killed when it does not do so soon."""
        job.abandon()
        if job.is_over or job is not self._job:
            return
        self._send(Cancel(self._number))
        loop = asyncio.get_running_loop()
        self._kill_timer = loop.call_later(_CANCEL_GRACE_S, self.kill)

    def kill(self) -> None:
        """End the child at once."""
        self._is_killed = True
        # Its end is seen only after all that it said.
        self._read_on()
        if self._transport is not None and self._returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._transport.kill()

    async def close(self) -> None:
        """End the child and wait until it is gone."""
        self.kill()
        await self._gone.wait()

    def how_it_ended(self) -> str:
        """Return in words how the child ended, once it has."""
        status = self._returncode
        if status is None:
            return "its output broke off"
        return children.how_it_ended(status)

    @property
    def _returncode(self) -> int | None:
        return None if self._transport is None else self._transport.get_returncode()

    # What follows is called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Hand over what the child said."""
        try:
            for message in self._incoming.feed(data):
                self._take(message)
        except msgspec.DecodeError:
            _log.warning("a speech worker said what makes no sense and is killed")
            self.kill()

    def process_exited(self) -> None:
        """Close what nobody reads any more; what the child said before may still arrive."""
        assert self._transport is not None
        if (pipe := self._transport.get_pipe_transport(0)) is not None:
            pipe.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the job that the child left, after all that it said."""
        self._gone.set()
        if self._transport is not None:
            self._transport.close()
        if self._job is not None:
            if not self._is_killed:
                _log.warning("a speech worker died at work: %s", self.how_it_ended())
            self._finish(None)

    def _take(self, message: ToServer) -> None:
        if self._job is None:
            return
        if isinstance(message, Ended | Failed):
            self._finish(message)
            return
        self._job.put(message)
        is_full = self._job.held_bytes > _HELD_BYTES
        if is_full and not (self._is_paused or self._is_killed):
            self._is_paused = True
            self._output.pause_reading()

    def _finish(self, message: ToServer | None) -> None:
        job, self._job = self._job, None
        if self._kill_timer is not None:
            self._kill_timer.cancel()
            self._kill_timer = None
        if job is not None:
            job.put(message)
            self._on_free(self)

    def _on_drained(self) -> None:
        if self._job is None or self._job.held_bytes < _HELD_BYTES // 2:
            self._read_on()

    def _read_on(self) -> None:
        if self._is_paused and not self._gone.is_set():
            self._is_paused = False
            self._output.resume_reading()

    @property
    def _output(self) -> asyncio.ReadTransport:
        assert self._transport is not None
        return cast("asyncio.ReadTransport", self._transport.get_pipe_transport(1))

    def _send(self, message: Start | ToChild) -> None:
        assert self._transport is not None
        pipe = self._transport.get_pipe_transport(0)
        if pipe is not None and not pipe.is_closing():
            cast("asyncio.WriteTransport", pipe).write(frames.pack(message))


def _size(message: ToServer | None) -> int:
    return len(message.pcm) if isinstance(message, Pcm) else 0
