"""A connection to SQLite that can be closed twice; it knows nothing of engines or transactions."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosqlite


async def connect(path: Path, **options: Any) -> aiosqlite.Connection:
    """Open the database with `options` of `sqlite3.connect`."""
    return await _Connection(lambda: sqlite3.connect(path, **options), iter_chunk_size=64)


class _Connection(aiosqlite.Connection):
    """A connection whose thread is told to stop once, however often it is closed.

    SQLAlchemy closes the connection of a cancelled task gracefully and, when it is cancelled
    again meanwhile, by `stop`. A second word to a thread that has ended would leave a future that
    nobody resolves, and the event loop would wait for it for ever when it ends.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        self._thread.daemon = True
        self._stopped: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread behind the connection; resolved once it has closed the database."""
        if self._stopped is None:
            self._stopped = super().stop()
        return self._stopped
