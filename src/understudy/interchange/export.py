"""Writes the objects of a project as files that an import reads, each thread as it was at one
moment. Knows no folder and no zip.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotFound
from understudy.interchange import render
from understudy.interchange.kinds import KINDS, Kind
from understudy.interchange.reading import FORMAT
from understudy.interchange.report import Done
from understudy.interchange.shapes import Fields
from understudy.interchange.sinks import Sink
from understudy.retrieval.vector_stores import KIND as VECTOR_STORE
from understudy.retrieval.vector_stores import Counts
from understudy.runs.assistants import ASSISTANT
from understudy.runs.messages import THREAD
from understudy.runs.project_messages import is_said
from understudy.store import runs
from understudy.store import vector_store_files as members
from understudy.store.blobs import Blobs
from understudy.store.db import Store
from understudy.store.files import KIND as FILE
from understudy.store.items import Log
from understudy.store.objects import Collection, StoredObject, is_alive
from understudy.store.pages import PageQuery
from understudy.store.schema import objects

_AT_ONCE = 100
_LONGEST_NAME_BYTES = 200
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


@dataclass(slots=True)
class Written:
    """What an export holds: objects by kind, and files whose content is not there."""

    counts: Counter[Kind]
    without_content: int = 0


class Export:
    """The objects of one project on their way out."""

    def __init__(self, store: Store, blobs: Blobs, project_id: str, sink: Sink) -> None:
        self._store = store
        self._blobs = blobs
        self._project_id = project_id
        self._sink = sink
        self._written = Written(Counter())

    async def write(self, done: Done) -> Written:
        """Write everything, the manifest last; `done` counts assistants, stores, files, threads."""
        total = await self._count()
        number = 0
        async for number in self._parts():
            done(number, total)
        counts = {kind: self._written.counts[kind] for kind in KINDS}
        manifest = {"format": FORMAT, "generator": "understudy", "counts": counts}
        with self._sink.open("manifest.json") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        return self._written

    async def _parts(self) -> AsyncIterator[int]:
        number = 0
        for write in (self._assistants, self._vector_stores, self._files, self._threads):
            async for _ in write():
                number += 1
                yield number

    async def _count(self) -> int:
        kinds = (ASSISTANT, VECTOR_STORE, FILE, THREAD)
        wanted = select(func.count()).where(
            objects.c.project_id == self._project_id, objects.c.kind.in_(kinds), is_alive()
        )
        async with self._store.read() as connection:
            return int(await connection.scalar(wanted) or 0)

    async def _assistants(self) -> AsyncIterator[None]:
        with self._sink.open("assistants.json") as file:
            is_first = True
            file.write(b"[")
            async for stored in self._each(ASSISTANT):
                file.write(b"\n" if is_first else b",\n")
                file.write(_encoded(render.assistant(stored)))
                is_first = False
                self._written.counts["assistant"] += 1
                yield
            file.write(b"\n]\n")

    async def _vector_stores(self) -> AsyncIterator[None]:
        async for stored in self._each(VECTOR_STORE):
            async with self._store.read() as connection:
                statuses, usage_bytes = (await members.count(connection, [stored.id]))[stored.id]
                states = await self._members(connection, stored.id)
            shown = render.vector_store(stored, Counts(**statuses), usage_bytes)
            with self._sink.open(f"vector_stores/{stored.id}.json") as file:
                _write_parts(file, {"vector_store": shown}, {"vector_store_files": states})
            self._written.counts["vector_store"] += 1
            self._written.counts["vector_store.file"] += len(states)
            yield

    async def _members(self, connection: AsyncConnection, store_id: str) -> list[Fields]:
        found, has_more = [], True
        after = None
        while has_more:
            query = PageQuery(_AT_ONCE, "asc", after)
            states, has_more = await members.page(connection, store_id, query)
            found += [render.store_file(state) for state in states]
            after = states[-1].file_id if states else None
        return found

    async def _files(self) -> AsyncIterator[None]:
        async for stored in self._each(FILE):
            with self._sink.open(f"files/{stored.id}.json") as file:
                file.write(_encoded(render.file(stored)) + b"\n")
            if render.has_content(stored):
                await self._content(stored)
            else:
                self._written.without_content += 1
            self._written.counts["file"] += 1
            yield

    async def _content(self, stored: StoredObject) -> None:
        name = f"files/{stored.id}/{_name_on_disk(stored.document['filename'])}"
        try:
            async with self._blobs.reading(stored.document["sha256"]) as pieces:
                with self._sink.open(name) as file:
                    async for piece in pieces:
                        file.write(piece)
        except NotFound:
            self._written.without_content += 1

    async def _threads(self) -> AsyncIterator[None]:
        async for stored in self._each(THREAD):
            async with self._store.read() as connection:
                log = await Log(self._project_id, stored.id).all(connection)
                ran = await self._runs(connection, stored.id)
                steps = [
                    render.step(step)
                    for run in ran
                    for step in await runs.steps(connection, run.seq)
                ]
            parts = {
                "messages": [render.message(i, stored.id) for i in log if is_said(i)],
                "runs": [render.run(run) for run in ran],
                "steps": steps,
            }
            with self._sink.open(f"threads/{stored.id}.json") as file:
                _write_parts(file, {"thread": render.thread(stored)}, parts)
            self._count_thread(parts)
            yield

    def _count_thread(self, parts: dict[str, list[Fields]]) -> None:
        self._written.counts["thread"] += 1
        self._written.counts["thread.message"] += len(parts["messages"])
        self._written.counts["thread.run"] += len(parts["runs"])
        self._written.counts["thread.run.step"] += len(parts["steps"])

    async def _runs(self, connection: AsyncConnection, thread_id: str) -> list[runs.StoredRun]:
        found: list[runs.StoredRun] = []
        has_more = True
        while has_more:
            query = PageQuery(_AT_ONCE, "asc", found[-1].id if found else None)
            page, has_more = await runs.page(connection, self._project_id, thread_id, query)
            found += page
        return found

    async def _each(self, kind: str) -> AsyncIterator[StoredObject]:
        """Yield the objects of a kind, the oldest first; none is held open meanwhile."""
        collection = Collection(self._project_id, kind)
        after, has_more = None, True
        while has_more:
            async with self._store.read() as connection:
                page = await collection.page(connection, PageQuery(_AT_ONCE, "asc", after))
            for stored in page.objects:
                yield stored
            has_more = page.has_more
            after = page.objects[-1].id if page.objects else None


def _write_parts(
    file: BinaryIO, single: dict[str, Fields], lists: Mapping[str, Sequence[Fields]]
) -> None:
    """Write an object that holds others, each of them on a line of its own."""
    lines = [_encoded(name) + b": " + _encoded(value) for name, value in single.items()]
    lines += [_encoded(name) + b": " + _list(values) for name, values in lists.items()]
    file.write(b"{" + b",\n".join(lines) + b"}\n")


def _list(values: Sequence[Fields]) -> bytes:
    return b"[\n" + b",\n".join(map(_encoded, values)) + b"\n]" if values else b"[]"


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value)


def _name_on_disk(filename: str) -> str:
    """Return a name that every file system takes; the file's own is in its description."""
    name = _NOT_IN_NAMES.sub("_", filename).strip(". ") or "content"
    if len(name.encode()) <= _LONGEST_NAME_BYTES:
        return name
    suffix = name.rpartition(".")[2]
    return f"content.{suffix}" if suffix.isascii() and len(suffix) < 10 else "content"
