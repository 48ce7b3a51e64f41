"""Keeps the children of local models: loads at first use, unloads, starts again, within the memory
that they may take. Knows nothing of requests.
"""

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import anyio
import anyio.to_thread

from understudy.engines.llama import failures
from understudy.engines.llama.child import Launch
from understudy.engines.llama.client import ChildClient
from understudy.engines.llama.gguf_file import GgufHeader
from understudy.engines.llama.launches import launch
from understudy.engines.llama.memory import default_limit_bytes, needed_bytes
from understudy.engines.llama.models import LocalModel
from understudy.engines.llama.places import Child, Place
from understudy.engines.llama.process import EngineProcess, LoadFailed
from understudy.errors import ModelUnusable, UnderstudyError
from understudy.settings import TimeoutSettings
from understudy.settings.local import LocalSettings

_LOOK_EVERY_S: Final = 1.0
_NO_ROOM_RETRY_S: Final = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A model that is loaded and can be asked."""

    client: ChildClient
    process: EngineProcess


class Supervisor:
    """The children of one server, a model each."""

    def __init__(self, settings: LocalSettings, timeouts: TimeoutSettings) -> None:
        self._settings = settings
        self._timeouts = timeouts
        self._limit_bytes = settings.memory_limit_bytes or default_limit_bytes()
        self._places: dict[str, Place] = {}
        self._starting = anyio.Lock()
        self._freed = anyio.Event()
        self._kept: dict[str, LocalModel] = {}
        self._tending: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self, model: LocalModel) -> AsyncGenerator[Running, None]:
        """Lend the model, loaded if need be; while it is lent it is not unloaded.

        Raises ModelUnusable where it cannot be loaded, and NotReady where that takes longer than
        requests wait.
        """
        self._begin_to_tend()
        place = self._place(model)
        place.users += 1
        try:
            yield await self._patiently(place)
        finally:
            place.users -= 1
            place.used_at = time.monotonic()
            self._tell_freed()

    def keep(self, models: Iterable[LocalModel]) -> None:
        """Load these models now, and again whenever they ended; they are not unloaded when idle."""
        self._kept = {model.name: model for model in models}
        self._begin_to_tend()

    async def aclose(self) -> None:
        """End every child."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.wait([self._tending])
        async with anyio.create_task_group() as tasks:
            for place in self._places.values():
                tasks.start_soon(self._unload, place)

    def _begin_to_tend(self) -> None:
        if self._tending is None:
            # It belongs to no request, whichever comes first, and its log lines show that.
            self._tending = asyncio.create_task(
                self._tend(), name="tending local models", context=contextvars.Context()
            )

    async def _tend(self) -> None:
        """Look after the children now and then, until this is closed."""
        while True:
            try:
                await self._look_after_all()
            except Exception:  # the root of this task
                _log.exception("looking after local models was interrupted, and goes on")
            await anyio.sleep(_LOOK_EVERY_S)

    async def _look_after_all(self) -> None:
        for place in list(self._places.values()):
            await self._look_after(place)
        async with anyio.create_task_group() as tasks:
            for model in self._kept.values():
                if not self._place(model).is_running and not self._place(model).rest_s:
                    tasks.start_soon(self._preload, model)

    def _place(self, model: LocalModel) -> Place:
        place = self._places.setdefault(model.name, Place(model))
        place.model = model
        return place

    async def _patiently(self, place: Place) -> Running:
        """Return the running model; raises NotReady after the wait that the settings allow."""
        try:
            with anyio.fail_after(self._settings.load_wait_s):
                return await self._ready(place)
        except TimeoutError:
            raise self._not_ready(place) from None

    def _not_ready(self, place: Place) -> UnderstudyError:
        name = place.model.name
        if place.child is not None:
            elapsed_s = time.monotonic() - place.child.process.began_at
            return failures.loading(name, elapsed_s, place.retry_after_s)
        if place.rest_s:
            return failures.resting(name, place.last_end, 1 + int(place.rest_s))
        busy = [other.model.name for other in self._places.values() if other.child and other.users]
        if busy:
            return failures.no_room(name, busy, _NO_ROOM_RETRY_S)
        return failures.loading(name, 0.0, place.retry_after_s)

    async def _ready(self, place: Place) -> Running:
        while True:
            await self._forget_ended(place)
            if place.child is None:
                await self._start(place)
            child = place.child
            if child is None:
                continue
            try:
                url = await child.process.url()
            except LoadFailed as error:
                await child.process.aclose()
                await self._forget_ended(place)
                raise failures.unusable(place.model.name, str(error)) from error
            if child.client is None:
                place.note_ready(child.process)
                run = child.process.launch
                child.client = ChildClient(url, run.key, self._timeouts, run.slots)
            return Running(child.client, child.process)

    async def _start(self, place: Place) -> None:
        """Start the model's child as soon as there is room for it; raises ModelUnusable."""
        if place.refusal and place.rest_s:
            raise ModelUnusable(place.refusal)
        if place.rest_s:
            await anyio.sleep(place.rest_s)
        try:
            with anyio.CancelScope(shield=True):
                wanted, memory_bytes = await self._examine(place)
        except ModelUnusable as error:
            self._note_refusal(place, error)
            raise
        while place.child is None:
            freed = self._freed
            # Short, and to be done even if nobody waits any more: who comes back finds it loading.
            with anyio.CancelScope(shield=True):
                await self._start_where_room_is(place, wanted, memory_bytes)
            if place.child is None:
                await freed.wait()

    async def _start_where_room_is(self, place: Place, wanted: Launch, memory_bytes: int) -> None:
        async with self._starting:
            if place.child is None and await self._make_room(memory_bytes):
                _log.info("loading the local model '%s' from %s", wanted.name, wanted.path)
                process = EngineProcess(wanted, self._settings.load_timeout_s)
                place.child = Child(process, memory_bytes)

    async def _examine(self, place: Place) -> tuple[Launch, int]:
        """Return how the model is to be run, and the memory it will take."""
        wanted, header = await anyio.to_thread.run_sync(_read, place.model, self._settings)
        memory_bytes = needed_bytes(header, wanted)
        if self._limit_bytes is not None:
            left_bytes = self._limit_bytes - self._kept_bytes(besides=place)
            if memory_bytes > left_bytes:
                raise failures.too_large(wanted.name, memory_bytes, left_bytes)
        return wanted, memory_bytes

    def _kept_bytes(self, besides: Place) -> int:
        """Return what models take that never give way."""
        kept = [place for place in self._places.values() if self._is_kept(place)]
        return sum(
            place.child.memory_bytes for place in kept if place.child and place is not besides
        )

    def _is_kept(self, place: Place) -> bool:
        return place.model.name in self._kept

    async def _make_room(self, memory_bytes: int) -> bool:
        """Unload what was asked for the longest ago until there is room; tell whether there is."""
        while self._limit_bytes is not None:
            loaded = [place for place in self._places.values() if place.child is not None]
            taken_bytes = sum(place.child.memory_bytes for place in loaded if place.child)
            if taken_bytes + memory_bytes <= self._limit_bytes:
                return True
            idle = [place for place in loaded if not place.users and not self._is_kept(place)]
            if not idle:
                return False
            oldest = min(idle, key=lambda place: place.used_at)
            _log.info("unloading the local model '%s' to make room", oldest.model.name)
            await self._unload(oldest)
        return True

    async def _look_after(self, place: Place) -> None:
        """Tell of a child that ended by itself, and unload one that nobody asks."""
        await self._forget_ended(place)
        idle_s = self._settings.idle_unload_s
        is_idle = not place.users and time.monotonic() - place.used_at > idle_s > 0
        if place.child is not None and is_idle and not self._is_kept(place):
            _log.info("unloading the local model '%s': idle", place.model.name)
            await self._unload(place)

    async def _preload(self, model: LocalModel) -> None:
        """Load a model that is to be kept; what goes wrong stands in the log."""
        with contextlib.suppress(UnderstudyError):
            async with self.running(model):
                pass

    async def _forget_ended(self, place: Place) -> None:
        """Take away a child that ended by itself, and note why."""
        child = place.child
        if child is None or not child.process.has_ended:
            return
        place.child = None
        if child.process.is_ready:
            place.note_end(child.process)
            _log.error(
                "the local engine of '%s' ended (%s) and its answers with it; the next request "
                "starts it again",
                place.model.name,
                child.process.end,
            )
        else:
            self._note_refusal(place, failures.unusable(place.model.name, child.process.failure))
        await self._close(child)

    def _note_refusal(self, place: Place, error: ModelUnusable) -> None:
        place.note_refusal(error.message)
        _log.error("%s", error.message)

    async def _unload(self, place: Place) -> None:
        child, place.child = place.child, None
        if child is not None:
            await self._close(child)

    async def _close(self, child: Child) -> None:
        with anyio.CancelScope(shield=True):
            await child.process.aclose()
            if child.client is not None:
                await child.client.aclose()
        self._tell_freed()

    def _tell_freed(self) -> None:
        """Wake who waits for memory."""
        self._freed.set()
        self._freed = anyio.Event()


def _read(model: LocalModel, settings: LocalSettings) -> tuple[Launch, GgufHeader]:
    return launch(model, settings), model.header
