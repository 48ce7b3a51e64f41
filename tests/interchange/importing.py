"""Imports of folders and zips into the databases of the tests, and what is there afterwards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from tests.interchange.exports import Fields

from understudy.interchange.destination import kept, undone
from understudy.interchange.export import Export
from understudy.interchange.find import read_source
from understudy.interchange.report import Report
from understudy.interchange.sinks import open_sink
from understudy.interchange.sources import open_source
from understudy.interchange.spool import open_spool
from understudy.interchange.take import Import, Taker
from understudy.runs.assistants import assistant_of, assistants_of
from understudy.runs.messages import threads_of
from understudy.store.blobs import Blobs
from understudy.store.db import Store
from understudy.store.items import Item, Log
from understudy.store.keys import project_id
from understudy.store.objects import StoredObject
from understudy.store.schema import vector_store_files


class Place:
    """A project of a store, and the folder of its blobs."""

    def __init__(self, store: Store, folder: Path, project: str = "default") -> None:
        self.store = store
        self._project = project
        self.blobs = Blobs(folder / "blobs")

    async def project(self) -> str:
        return await project_id(self.store, self._project)

    async def take(self, path: Path, models: Mapping[str, str] | None = None) -> Report:
        """Import for good."""
        return await self._take(path, kept(self.store, self.blobs, self._project), models or {})

    async def try_out(self, path: Path) -> Report:
        """Import on trial."""
        return await self._take(path, undone(self.store, self._project), {})

    async def _take(self, path: Path, opening: Any, models: Mapping[str, str]) -> Report:
        report = Report()
        with open_source(path) as source, open_spool() as spool:
            contents = read_source(source, spool, report, _silent)
            async with opening as destination:
                wanted = Import(source, contents, spool, models)
                await Taker(wanted, destination, report, _silent).take()
        return report

    async def give(self, path: Path) -> Path:
        """Export."""
        with open_sink(path) as sink:
            await Export(self.store, self.blobs, await self.project(), sink).write(_silent)
        return path

    async def items(self, thread_id: str = "thread_abc123") -> list[Item]:
        async with self.store.read() as connection:
            return await Log(await self.project(), thread_id).all(connection)

    async def thread(self, id_: str = "thread_abc123") -> StoredObject:
        async with self.store.read() as connection:
            return await threads_of(await self.project()).find(connection, id_)

    async def assistant(self, id_: str) -> Any:
        async with self.store.read() as connection:
            return assistant_of(await assistants_of(await self.project()).find(connection, id_))

    async def members(self, store_id: str) -> dict[str, str]:
        """Return the files of a vector store by id, and their statuses."""
        columns = vector_store_files.c
        wanted = select(columns.file_id, columns.status).where(
            columns.vector_store_id == store_id, columns.deleted_at.is_(None)
        )
        async with self.store.read() as connection:
            return {row.file_id: row.status for row in await connection.execute(wanted)}


def counts(report: Report) -> dict[str, dict[str, int]]:
    """Return what is not zero."""
    return {kind: dict(each) for kind, each in report.counts.items() if each}


def all_of(outcome: str, objects: list[Fields]) -> dict[str, dict[str, int]]:
    """Return the counts when the same became of all objects."""
    made: dict[str, dict[str, int]] = {}
    for each in objects:
        made.setdefault(each["object"], {outcome: 0})[outcome] += 1
    return made


def _silent(done: int, total: int) -> None:
    assert 0 <= done <= total
