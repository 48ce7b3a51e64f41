"""A child's end of the line to the server: jobs and audio in, what was made of them out."""

import os
import queue
import threading
from collections.abc import Iterator
from typing import BinaryIO

from understudy.speech.base import Heard, Segment
from understudy.speech.workers import frames
from understudy.speech.workers.frames import (
    Audio,
    Begun,
    Cancel,
    Ended,
    Failed,
    HeardFacts,
    HeardSegment,
    Job,
    More,
    Pcm,
    ToChild,
    ToServer,
)


class Cancelled(Exception):
    """Nobody wants the result of this job any more."""


class Exchange:
    """One job at a time; a thread reads meanwhile, so that a cancellation is seen at once."""

    def __init__(self, stdin: BinaryIO, output: int) -> None:
        self._output = output
        self._inbox: queue.SimpleQueue[ToChild] = queue.SimpleQueue()
        self._number = 0
        self._cancelled_number = 0
        threading.Thread(target=self._read, args=(stdin,), daemon=True).start()

    def jobs(self, idle_s: float) -> Iterator[Job]:
        """Yield jobs until none came for `idle_s`. Who takes one says how it ended."""
        while True:
            try:
                message = self._inbox.get(timeout=idle_s)
            except queue.Empty:
                return
            # Audio that an abandoned job had asked for may still arrive.
            if isinstance(message, Job):
                self._number = message.number
                self._send(Begun())
                yield message

    @property
    def is_cancelled(self) -> bool:
        """Whether the current job is to be given up."""
        return self._cancelled_number >= self._number

    def audio(self) -> Iterator[bytes]:
        """Yield the audio of the current job, asking for each piece; raises Cancelled."""
        while True:
            self._send_unless_cancelled(More())
            if not (pcm := self._next_audio()):
                return
            yield pcm

    def pcm(self, pcm: bytes) -> None:
        """Send audio that was made; raises Cancelled."""
        self._send_unless_cancelled(Pcm(pcm))

    def heard(self, heard: Heard) -> None:
        """Send facts of the whole audio; raises Cancelled."""
        self._send_unless_cancelled(HeardFacts(heard))

    def segment(self, segment: Segment) -> None:
        """Send a stretch of speech; raises Cancelled."""
        self._send_unless_cancelled(HeardSegment(segment))

    def end(self) -> None:
        """Say that the current job is done or given up."""
        self._send(Ended())

    def fail(self, message: str, param: str | None = None) -> None:
        """Say why the current job failed."""
        self._send(Failed(message, param))

    def _next_audio(self) -> bytes:
        while not isinstance(answer := self._inbox.get(), Audio):
            if self.is_cancelled:
                raise Cancelled
        return answer.pcm

    def _send_unless_cancelled(self, message: ToServer) -> None:
        if self.is_cancelled:
            raise Cancelled
        self._send(message)

    def _send(self, message: ToServer) -> None:
        view = memoryview(frames.pack(message))
        while view:
            view = view[os.write(self._output, view) :]

    def _read(self, stdin: BinaryIO) -> None:
        for message in frames.read_jobs(stdin):
            if isinstance(message, Cancel):
                self._cancelled_number = message.number
            self._inbox.put(message)
        os._exit(0)
