"""Locks by key, which exist only while somebody holds or wants them."""

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

import anyio


class Locks:
    """One lock a key, within one event loop."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[anyio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: Hashable) -> AsyncIterator[None]:
        """Hold the lock of a key; who asked first gets it first."""
        lock, wanted = self._locks.get(key, (anyio.Lock(), 0))
        self._locks[key] = (lock, wanted + 1)
        try:
            async with lock:
                yield
        finally:
            lock, wanted = self._locks[key]
            if wanted == 1:
                del self._locks[key]
            else:
                self._locks[key] = (lock, wanted - 1)
