"""The contents of files: one file each, named by its SHA-256, counted in the table `blobs`.

A content stays while a row counts references to it. Knows nothing of what refers to it.
"""

import errno
import hashlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import anyio
import anyio.to_thread
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotFound, NotReady
from understudy.ids import new_id, now_s
from understudy.store.db import Store
from understudy.store.schema import blobs as table

NO_CONTENT = "0" * 64
"""Stands for the hash of a content that never came: the file was imported without it."""
ORPHAN_AGE_S = 3600
"""How long a file that no row names is left alone."""

_PIECE_BYTES = 1024**2
"""Read, written and hashed at a time: a thread is not worth the switch for less."""
_UNLINK_TIMEOUT_S = 10
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Blob:
    """A content that is on the disk; `temporary` is there until its writer's block ends."""

    sha256: str
    size_bytes: int
    md5: str
    temporary: Path


class BlobWriter:
    """Takes a content piece by piece; hashing and the disk are left to threads."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._pieces: list[bytes] = []
        self._pending_bytes = 0
        self._size_bytes = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)

    async def write(self, piece: bytes) -> None:
        """Append a piece. Raises NotReady when the disk is full."""
        self._pieces.append(piece)
        self._pending_bytes += len(piece)
        if self._pending_bytes >= _PIECE_BYTES:
            await anyio.to_thread.run_sync(self._append)

    async def finish(self) -> Blob:
        """Return the content once the disk has all of it. Raises NotReady when that is full."""
        await anyio.to_thread.run_sync(self._settle)
        return Blob(self._sha256.hexdigest(), self._size_bytes, self._md5.hexdigest(), self._path)

    def _append(self) -> None:
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._pending_bytes = 0
        self._size_bytes += len(data)
        self._sha256.update(data)
        self._md5.update(data)
        rest = memoryview(data)
        try:
            while rest:  # a file without a buffer may take less than it is given
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _explained(error) from error

    def _settle(self) -> None:
        self._append()
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _explained(error) from error


class Blobs:
    """The folder that holds the contents, readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._temporary = folder / "tmp"
        self._being_written: set[Path] = set()

    def path(self, sha256: str) -> Path:
        """Return where the content of this hash is."""
        return self._folder / sha256[:2] / sha256[2:]

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[BlobWriter]:
        """Open a writer. Its file is gone at the end of the block, unless `keep` gave it a name.

        The block must enclose the transaction that keeps the content: see `keep`.
        """
        path = self._temporary / new_id("blob")
        self._being_written.add(path)
        try:
            with _create(path) as file:
                yield BlobWriter(file, path)
        finally:
            with anyio.move_on_after(_UNLINK_TIMEOUT_S, shield=True):
                await anyio.to_thread.run_sync(partial(path.unlink, missing_ok=True))
            self._being_written.discard(path)

    @asynccontextmanager
    async def reading(self, sha256: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a content and yield its pieces. Raises NotFound when it is not there."""
        if sha256 == NO_CONTENT:
            raise NotFound(
                "The content of this file was not in the import, only its description: send the "
                "file again, or import it with its content."
            )
        try:
            file = await anyio.open_file(self.path(sha256), "rb", buffering=0)
        except FileNotFoundError as error:
            raise NotFound(
                "The content is gone: it was deleted meanwhile, or it is in another data directory."
            ) from error
        async with file:

            async def pieces() -> AsyncIterator[bytes]:
                while piece := await file.read(_PIECE_BYTES):
                    yield piece

            yield pieces()

    async def place(self, blob: Blob) -> None:
        """Give a content its name, for good once this returns; one that is there stays."""
        await anyio.to_thread.run_sync(_link, blob.temporary, self.path(blob.sha256))

    async def is_placed(self, sha256: str) -> bool:
        """Tell whether the content of this hash is there."""
        return await anyio.to_thread.run_sync(self.path(sha256).is_file)

    async def remove(self, sha256: str) -> None:
        """Remove the content of this hash; without it nothing happens."""
        await anyio.to_thread.run_sync(partial(self.path(sha256).unlink, missing_ok=True))

    def prefixes(self) -> list[str]:
        """Return the first two digits of the hashes that are there. Blocks."""
        return sorted(folder.name for folder in self._folder.glob("[0-9a-f][0-9a-f]"))

    def hashes(self, prefix: str, age_s: float) -> list[str]:
        """Return the hashes of the contents that are at least this old. Blocks."""
        folder = self._folder / prefix
        return [prefix + path.name for path in folder.iterdir() if _age_s(path) >= age_s]

    def remove_abandoned(self, age_s: float) -> None:
        """Remove what writers that have died left behind, at least this old. Blocks."""
        for path in self._temporary.glob("*"):
            if path not in self._being_written and _age_s(path) >= age_s:
                path.unlink(missing_ok=True)


async def keep(connection: AsyncConnection, blobs: Blobs, blob: Blob) -> None:
    """Count one more reference to a content, in a transaction that its writer's block encloses.

    The row comes first: while it is locked no sweep removes the file, and if one has, the file is
    named anew. `place` before the transaction keeps this short.
    """
    insert = _insert(connection).values(
        sha256=blob.sha256, size_bytes=blob.size_bytes, refs=1, created_at=now_s()
    )
    await connection.execute(
        insert.on_conflict_do_update(
            index_elements=[table.c.sha256], set_={"refs": table.c.refs + 1}
        )
    )
    if not await blobs.is_placed(blob.sha256):
        await blobs.place(blob)


async def release(connection: AsyncConnection, hashes: Sequence[str]) -> None:
    """Count one reference less to each content; one that is named twice loses two."""
    for sha256 in sorted(hashes):  # in one order, or two transactions could wait for each other
        await connection.execute(
            update(table).where(table.c.sha256 == sha256).values(refs=table.c.refs - 1)
        )


async def sweep(store: Store, blobs: Blobs, *, orphan_age_s: float = ORPHAN_AGE_S) -> None:
    """Remove contents without references, files that no row names, and remains of dead writers."""
    async with store.read() as connection:
        unused = list(await connection.scalars(select(table.c.sha256).where(table.c.refs <= 0)))
    for sha256 in unused:
        await _remove(store, blobs, sha256)
    for prefix in await anyio.to_thread.run_sync(blobs.prefixes):
        hashes = await anyio.to_thread.run_sync(blobs.hashes, prefix, orphan_age_s)
        for sha256 in await _unnamed(store, prefix, hashes):
            await _remove(store, blobs, sha256)
    await anyio.to_thread.run_sync(blobs.remove_abandoned, orphan_age_s)


async def _unnamed(store: Store, prefix: str, hashes: list[str]) -> list[str]:
    async with store.read() as connection:
        rows = select(table.c.sha256).where(table.c.sha256.between(prefix, prefix + "g"))
        named = set(await connection.scalars(rows))
    return [sha256 for sha256 in hashes if sha256 not in named]


async def _remove(store: Store, blobs: Blobs, sha256: str) -> None:
    """Remove a content unless it is referred to by now.

    A file without a row gets one first, so that a transaction which is about to keep the same
    content, unseen as yet, waits for this one or is waited for.
    """
    async with store.write() as connection:
        row = _insert(connection).values(sha256=sha256, size_bytes=0, refs=0, created_at=now_s())
        await connection.execute(row.on_conflict_do_nothing())
        removed = await connection.execute(
            delete(table).where(table.c.sha256 == sha256, table.c.refs <= 0)
        )
        if removed.rowcount:
            await blobs.remove(sha256)


def _insert(connection: AsyncConnection) -> Any:
    """Return an INSERT that can meet a row that is there, which each database has of its own."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def _create(path: Path) -> BinaryIO:
    _make_folder(path.parent)
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", buffering=0)


def _link(temporary: Path, final: Path) -> None:
    _make_folder(final.parent)
    try:
        os.link(temporary, final)
    except FileExistsError:
        pass  # the same content; whoever named it may not have made the name durable yet
    _sync_folder(final.parent)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows opens no folders, and keeps their entries by itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _explained(error: OSError) -> OSError | NotReady:
    if error.errno in _FULL:
        return NotReady("The disk that holds the files is full.", retry_after_s=60)
    return error
