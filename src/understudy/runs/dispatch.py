"""Hands waiting runs to workers, ends those that are overdue, and keeps the leases of this process.

The queue is in the database; what is in memory only makes work start or stop earlier.
"""

import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio
from sqlalchemy.exc import SQLAlchemyError

from understudy.errors import NotReady
from understudy.ids import now_s
from understudy.runs.closing import end_overdue_run, end_run
from understudy.runs.commits import Commits, RunLost
from understudy.runs.states import WORKED_ON, sources
from understudy.runs.stream import Streams
from understudy.runs.worker import Surroundings, Worker
from understudy.settings import Settings
from understudy.store import runs
from understudy.store.runs import RunKind, StoredRun
from understudy.store.storage import Storage
from understudy.wire.runs import LastError

_log = logging.getLogger(__name__)

_POLL_S = 5.0
"""How soon a run is seen that another process queued, or whose worker died there."""
_OVERDUE_EVERY_S = 1.0
_PAUSE_S = 1.0
"""How long a run is left alone after the database was away."""
_SWEEP_EVERY_S = 600.0
_CLAIMED_AT_ONCE = 50
_NAMED_AT_START = 20

Work = Callable[[StoredRun], Awaitable[None]]
"""Brings what was claimed to its end. Raises RunLost when somebody else decides on it now."""


class Dispatcher:
    """The runs of one process; `run` owns all that works on them."""

    def __init__(
        self,
        storage: Storage,
        settings: Settings,
        surroundings: Surroundings,
        commits: Commits,
        streams: Streams,
    ) -> None:
        self._storage = storage
        self._settings = settings.runs
        self._grace_s = settings.shutdown_grace_s
        self._surroundings = surroundings
        self._commits = commits
        self._streams = streams
        self._works: dict[RunKind, Work] = {"run": self._work_on_run}
        # The lock on the data directory lets one process at a time bear this name, so whatever
        # is leased to it when it starts was leased to a process that is gone.
        self.owner = f"{socket.gethostname()}:{settings.data_dir}"
        self._active: dict[tuple[int, int], anyio.CancelScope] = {}
        """By row and attempt: a run may be taken up again before its worker is gone."""
        self._held: dict[tuple[int, int], anyio.CancelScope] = {}
        """Likewise, what is worked on by the request that made it."""
        self._woken = anyio.Event()
        self._stops_at_s: float | None = None

    def register(self, kind: RunKind, work: Work) -> None:
        """Have `work` done on what is claimed of this kind."""
        self._works[kind] = work

    @contextmanager
    def holding(self, run: StoredRun) -> Iterator[anyio.CancelScope]:
        """Keep the lease of a row that its own request works on, within a scope to work in.

        The scope is cancelled when the row is not to go on.
        """
        held = run.seq, run.attempt
        scope = self._held[held] = anyio.CancelScope()
        try:
            with scope:
                yield scope
        finally:
            del self._held[held]

    def wake(self) -> None:
        """Look at the queue now."""
        self._woken.set()
        self._woken = anyio.Event()

    def interrupt(self, run_seq: int) -> None:
        """Stop working on a run whose row says that it is not to go on, and see to its end."""
        for (seq, _), scope in [*self._active.items(), *self._held.items()]:
            if seq == run_seq:
                scope.cancel()
        self.wake()

    async def run(self) -> None:
        """Work on runs until cancelled; what is not done by then can be resumed."""
        await self._resume()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._commits.run)
            tasks.start_soon(self._keep_leases)
            tasks.start_soon(self._end_overdue)
            tasks.start_soon(self._sweep)
            async with anyio.create_task_group() as workers:
                await self._claim(workers)

    async def drain(self) -> None:
        """Take up nothing new, wait a while for what is being worked on, and end all streams.

        The while begins with the first call.
        """
        if self._stops_at_s is None:
            self._stops_at_s = anyio.current_time() + self._grace_s
        with anyio.CancelScope(deadline=self._stops_at_s):
            while self._active:
                await self._woken.wait()
        self._streams.close()

    async def _resume(self) -> None:
        async with self._storage.database.write() as connection:
            resumed = await runs.release_leases(connection, self.owner, WORKED_ON)
        if resumed:
            named = ", ".join(resumed[:_NAMED_AT_START])
            more = len(resumed) - _NAMED_AT_START
            _log.info("resuming %d runs: %s%s", len(resumed), named, ", ..." if more > 0 else "")

    async def _claim(self, workers: anyio.abc.TaskGroup) -> None:
        while True:
            woken = self._woken
            claimed: list[StoredRun] = []
            try:
                claimed = await self._claim_some()
            except (NotReady, SQLAlchemyError) as error:
                _log.warning("the queue of runs cannot be read: %s", error)
            for run in claimed:
                self._active[run.seq, run.attempt] = anyio.CancelScope()
                workers.start_soon(self._work, run)
            if len(claimed) < _CLAIMED_AT_ONCE:
                with anyio.move_on_after(_POLL_S):
                    await woken.wait()

    async def _claim_some(self) -> list[StoredRun]:
        if self._stops_at_s is not None:
            return []
        free = self._settings.workers - len(self._active)
        # There is always room for those that only have to be ended.
        statuses = WORKED_ON if free > 0 else tuple(sources("stop"))
        limit = min(free, _CLAIMED_AT_ONCE) if free > 0 else _CLAIMED_AT_ONCE
        async with self._storage.database.write() as connection:
            return await runs.claim(connection, self.owner, statuses, limit)

    async def _work(self, run: StoredRun) -> None:
        scope = self._active[run.seq, run.attempt]
        is_settled = False
        try:
            is_settled = await self._work_within(scope, run)
        except NotReady as error:
            _log.warning("%s waits for the database: %s", run.id, error.message)
            await anyio.sleep(_PAUSE_S)
        except Exception:  # the root of a run: it fails, the others go on
            _log.exception("unexpected error in %s", run.id)
            await self._fail(run)
        finally:
            del self._active[run.seq, run.attempt]
            if not is_settled:
                with anyio.move_on_after(_POLL_S, shield=True):
                    await self._release(run)
            self.wake()

    async def _work_within(self, scope: anyio.CancelScope, run: StoredRun) -> bool:
        """Work on a run until it is done or interrupted; tell whether it was done."""
        try:
            with scope:
                await self._works[run.kind](run)
                return True
        except RunLost:
            pass
        await self._settle(run)
        return False

    async def _work_on_run(self, run: StoredRun) -> None:
        await Worker(self._surroundings, self._commits, run).work()

    async def _fail(self, run: StoredRun) -> None:
        try:
            failure = LastError("server_error", _UNEXPECTED)
            await end_run(self._storage, self._streams, run.seq, "fail", failure)
        except (NotReady, SQLAlchemyError) as error:
            _log.warning("%s cannot be ended now: %s", run.id, error)
            await anyio.sleep(_PAUSE_S)

    async def _settle(self, run: StoredRun) -> None:
        """End a run that was cancelled while it was worked on; others are not ours any more."""
        async with self._storage.database.read() as connection:
            now = await runs.find_by_seq(connection, run.seq)
        if now is not None and now.status == "cancelling":
            await end_run(self._storage, self._streams, run.seq, "stop")

    async def _release(self, run: StoredRun) -> None:
        """Give the lease back, so that who starts next need not wait for its end."""
        try:
            async with self._storage.database.write() as connection:
                await runs.release(connection, run)
        except (NotReady, SQLAlchemyError) as error:
            _log.warning("the lease of %s runs out by itself: %s", run.id, error)

    async def _keep_leases(self) -> None:
        while True:
            await anyio.sleep(runs.LEASE_S / 3)
            if not (self._active or self._held):
                continue
            try:
                async with self._storage.database.write() as connection:
                    seqs = [seq for seq, _ in [*self._active, *self._held]]
                    await runs.renew_leases(connection, self.owner, seqs)
            except (NotReady, SQLAlchemyError) as error:
                _log.warning("leases of runs cannot be renewed: %s", error)

    async def _end_overdue(self) -> None:
        while True:
            try:
                async with self._storage.database.read() as connection:
                    overdue = await runs.overdue(connection, _CLAIMED_AT_ONCE)
                for run in overdue:
                    await end_overdue_run(self._storage, self._streams, run.seq)
                    self.interrupt(run.seq)
            except (NotReady, SQLAlchemyError) as error:
                _log.warning("overdue runs cannot be ended: %s", error)
            await anyio.sleep(_OVERDUE_EVERY_S)

    async def _sweep(self) -> None:
        while True:
            try:
                async with self._storage.database.write() as connection:
                    ended_before = now_s() - self._settings.keep_events_s
                    await runs.delete_events(connection, ended_before)
            except (NotReady, SQLAlchemyError) as error:
                _log.warning("events of runs that are over are not cleared away: %s", error)
            await anyio.sleep(_SWEEP_EVERY_S)


_UNEXPECTED = "The server had an error while working on the run; its log has the details."
