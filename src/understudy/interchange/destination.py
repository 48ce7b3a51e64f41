"""Where an import goes: a project, in transactions that are kept or, on trial, undone."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.store.blobs import Blobs
from understudy.store.db import Store
from understudy.store.keys import project_id


@dataclass(frozen=True, slots=True)
class Destination:
    """A project that takes objects; each `begin` is a transaction."""

    project_id: str
    blobs: Blobs
    begin: Callable[[], AbstractAsyncContextManager[AsyncConnection]]


class _Undone(Exception):
    """Ends a transaction of a trial."""


@asynccontextmanager
async def kept(store: Store, blobs: Blobs, project: str) -> AsyncIterator[Destination]:
    """Give a destination whose transactions last. Raises NotFound for an unknown project."""
    yield Destination(await project_id(store, project), blobs, store.write)


@asynccontextmanager
async def undone(store: Store, project: str) -> AsyncIterator[Destination]:
    """Give a destination on which an import can be tried: nothing of it stays.

    Raises NotFound for an unknown project.
    """

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncConnection]:
        with suppress(_Undone):
            async with store.write() as connection:
                yield connection
                raise _Undone

    with tempfile.TemporaryDirectory(prefix="understudy-import-") as folder:
        yield Destination(await project_id(store, project), Blobs(Path(folder)), begin)
