"""The workers of one engine: a bounded number of children, jobs in the order of their arrival."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

import anyio
import msgspec

from understudy.errors import (
    InvalidRequest,
    NotReady,
    ProviderFailed,
    ProviderTimeout,
    StreamBroken,
    TooMany,
    UnderstudyError,
)
from understudy.speech.base import Heard, Segment
from understudy.speech.workers import frames
from understudy.speech.workers.frames import (
    Audio,
    Begun,
    Ended,
    Failed,
    HeardFacts,
    HeardSegment,
    More,
    Pcm,
    Start,
    ToServer,
)
from understudy.speech.workers.process import RunningJob, WorkerProcess

_STOP_S: Final = 10
_RETRY_AFTER_S: Final = 2


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many work and wait, and for how long."""

    workers: int
    waiting: int = 64
    """Jobs that may wait for a worker; the next one is refused."""
    wait_s: float = 60.0
    """How long a job waits for a worker."""
    silence_s: float = 300.0
    """How long a worker may say nothing; loading a model counts."""


class WorkerPool:
    """Children are started when there is work for them, and replaced when they die."""

    def __init__(self, name: str, start: Start, limits: PoolLimits) -> None:
        self._name = name
        self._start = start
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.workers)
        self._waiting = 0
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._is_closed = False

    async def run(
        self, work: msgspec.Struct, audio: AsyncGenerator[bytes, None] | None = None
    ) -> AsyncGenerator[bytes | Heard | Segment, None]:
        """Yield what a worker makes of `work`; closing the generator ends the job.

        Raises InvalidRequest for what the worker refuses, TooMany and NotReady when no worker is
        free, ProviderFailed and ProviderTimeout.
        """
        worker, job = await self._begin(frames.pack_work(work))
        has_answered = False
        try:
            while not isinstance(message := await self._next(worker, job), Ended):
                match message:
                    case None:
                        raise self._death(worker, has_answered)
                    case Failed():
                        raise self._failure(message)
                    case More():
                        worker.answer(Audio(b"" if audio is None else await anext(audio, b"")))
                    case _:
                        has_answered = True
                        yield _content(message)
        finally:
            worker.abandon(job)

    async def aclose(self) -> None:
        """End all children and wait for them."""
        self._is_closed = True
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        for worker in workers:
            worker.kill()
        with anyio.move_on_after(_STOP_S, shield=True):
            for worker in workers:
                await worker.close()

    async def _begin(self, work: msgspec.Raw) -> tuple[WorkerProcess, RunningJob]:
        """Return a worker that has begun the job."""
        while True:
            await self._wait_for_slot()
            worker = self._idle_worker()
            is_new = worker is None
            if worker is None:
                worker = await self._new_worker()
            self._busy.add(worker)
            job = worker.begin(work)
            try:
                first = await self._next(worker, job)
            except BaseException:
                worker.abandon(job)
                raise
            if isinstance(first, Begun):
                return worker, job
            # An idle worker may end, or be killed, just when a job comes: another one takes it.
            if is_new or self._is_closed:
                raise self._death(worker, has_answered=False)

    async def _wait_for_slot(self) -> None:
        if self._slots.locked() and self._waiting >= self._limits.waiting:
            raise TooMany(
                f"{self._waiting} requests wait for '{self._name}' already: send this one again "
                "a little later.",
                retry_after_s=_RETRY_AFTER_S,
            )
        self._waiting += 1
        try:
            with anyio.fail_after(self._limits.wait_s):
                await self._slots.acquire()
        except TimeoutError:
            raise NotReady(
                f"No worker of '{self._name}' became free in {self._limits.wait_s:g} seconds: send "
                "the request again, or allow more workers.",
                retry_after_s=_RETRY_AFTER_S,
            ) from None
        finally:
            self._waiting -= 1

    def _idle_worker(self) -> WorkerProcess | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
        return None

    async def _new_worker(self) -> WorkerProcess:
        try:
            if self._is_closed:
                raise _stopping()
            worker = await WorkerProcess.start(self._start, self._on_free)
        except OSError as error:
            self._slots.release()
            raise ProviderFailed(
                f"The worker of '{self._name}' could not be started: {error}"
            ) from error
        except BaseException:
            self._slots.release()
            raise
        # The pool may have been closed meanwhile, and knows nothing of this one.
        if self._is_closed:
            worker.kill()
        return worker

    def _on_free(self, worker: WorkerProcess) -> None:
        self._busy.discard(worker)
        self._slots.release()
        if worker.is_alive and not self._is_closed:
            self._idle.append(worker)

    async def _next(self, worker: WorkerProcess, job: RunningJob) -> ToServer | None:
        try:
            with anyio.fail_after(self._limits.silence_s):
                return await job.next()
        except TimeoutError:
            worker.kill()
            raise ProviderTimeout(
                f"The worker of '{self._name}' said nothing for {self._limits.silence_s:g} seconds "
                "and was ended: send the request again, or a shorter one."
            ) from None

    def _death(self, worker: WorkerProcess, has_answered: bool) -> UnderstudyError:
        if self._is_closed:
            return _stopping()
        broken = StreamBroken if has_answered else ProviderFailed
        return broken(
            f"The worker of '{self._name}' ended at work ({worker.how_it_ended()}), as happens "
            "when memory runs out or a model file is damaged; another one takes its place: send "
            "the request once more."
        )

    def _failure(self, failed: Failed) -> UnderstudyError:
        if failed.param is not None:
            return InvalidRequest(failed.message, param=failed.param)
        return ProviderFailed(f"'{self._name}' failed: {failed.message}")


def _stopping() -> NotReady:
    return NotReady("The server is stopping.", retry_after_s=_RETRY_AFTER_S)


def _content(message: ToServer) -> bytes | Heard | Segment:
    match message:
        case Pcm(pcm):
            return pcm
        case HeardFacts(heard):
            return heard
        case HeardSegment(segment):
            return segment
    raise AssertionError(message)
