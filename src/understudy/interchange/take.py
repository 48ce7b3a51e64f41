"""Takes what an import found into the store: files first, then what names them, and each thread in
one transaction. What fails is reported, and the rest is taken.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import anyio.to_thread
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotReady, UnderstudyError
from understudy.interchange import placing, render
from understudy.interchange.bundles import Bundle, bundle_of, parsed_or_reported
from understudy.interchange.destination import Destination
from understudy.interchange.kinds import Found
from understudy.interchange.placing import Member
from understudy.interchange.plain import (
    assistant_object,
    chunking_of,
    file_object,
    store_object,
)
from understudy.interchange.report import Done, Outcome, Report
from understudy.interchange.shapes import (
    ImportedFile,
    ImportedStoreFile,
    ImportedVectorStore,
    Parsed,
)
from understudy.interchange.sources import DAMAGED, Contents, Entry, Source
from understudy.interchange.spool import Spool
from understudy.interchange.threads import ThreadPlacement, Verdict
from understudy.retrieval.vector_stores import Counts
from understudy.runs.tool_resources import resources_in
from understudy.store.blobs import NO_CONTENT, Blob, BlobWriter, keep
from understudy.store.objects import Collection, StoredObject, stored
from understudy.wire.assistants import Assistant

_PIECE_BYTES = 1024**2
_show_store = partial(render.vector_store, counts=Counts(), usage_bytes=0)


@dataclass(frozen=True, slots=True)
class Import:
    """What was found, where contents of files lie, and the names that models get."""

    source: Source
    contents: Contents
    spool: Spool
    models: Mapping[str, str]


class Taker:
    """Takes an import into a destination."""

    def __init__(
        self, wanted: Import, destination: Destination, report: Report, done: Done
    ) -> None:
        self._import = wanted
        self._destination = destination
        self._report = report
        self._done = done
        self._number = 0
        self._total = sum(wanted.spool.count().values())

    async def take(self) -> None:
        """Take everything. Raises NotReady when the database goes away."""
        spool = self._import.spool
        for found in spool.of_kind("file"):
            await self._take_file(found)
        for found in spool.of_kind("vector_store"):
            await self._take_store(found)
        for found in spool.of_kind("vector_store.file"):
            await self._take_store_file(found)
        for found in spool.of_kind("assistant"):
            await self._take_assistant(found)
        for thread_id in spool.thread_ids():
            await self._take_thread(thread_id)
        for found in spool.homeless_steps():
            self._report.fail(
                found.kind, found.place, f"'{found.id}': its run '{found.parent}' was not found"
            )
            self._advance(1)

    # --- assistants and vector stores ---------------------------------------------------------

    async def _take_assistant(self, found: Found) -> None:
        with self._reporting(found):
            if (parsed := parsed_or_reported(found, Assistant, self._report)) is None:
                return
            model = self._import.models.get(parsed.shape.model, parsed.shape.model)
            project_id = self._destination.project_id
            made = assistant_object(parsed, project_id, model)
            async with self._destination.begin() as connection:
                outcome = await placing.place_object(connection, project_id, made, render.assistant)
                if outcome == "new" and (files := parsed.shape.file_ids):
                    resources = resources_in(made.document)
                    await placing.feed(connection, project_id, resources, files)
            self._report.note(found.kind, outcome)

    async def _take_store(self, found: Found) -> None:
        with self._reporting(found):
            if parsed := parsed_or_reported(found, ImportedVectorStore, self._report):
                made = store_object(parsed)
                async with self._destination.begin() as connection:
                    outcome = await placing.place_object(
                        connection, self._destination.project_id, made, _show_store
                    )
                self._report.note(found.kind, outcome)

    async def _take_store_file(self, found: Found) -> None:
        with self._reporting(found):
            if parsed := parsed_or_reported(found, ImportedStoreFile, self._report):
                shape = parsed.shape
                member = Member(
                    store_id=found.parent,
                    file_id=found.id,
                    created_at=shape.created_at,
                    attributes=shape.attributes,
                    chunking=chunking_of(parsed),
                )
                async with self._destination.begin() as connection:
                    outcome = await placing.place_member(
                        connection, self._destination.project_id, member
                    )
                self._report.note(found.kind, outcome)

    # --- files --------------------------------------------------------------------------------

    async def _take_file(self, found: Found) -> None:
        with self._reporting(found):
            if (parsed := parsed_or_reported(found, ImportedFile, self._report)) is None:
                return
            entry = self._content(found, parsed.shape)
            here = await self._file_here(parsed)
            if here is not None and (entry is None or not _lacks_content(here)):
                made = file_object(parsed, here.document["sha256"], here.document["bytes"])
                outcome = placing.compared(render.file(here), render.file(made))
            elif entry is None:
                self._report.without_content += 1
                outcome = await self._place_file(parsed)
            else:
                outcome = await self._fill_file(parsed, entry, here)
            self._report.note(found.kind, outcome)

    def _content(self, found: Found, file: ImportedFile) -> Entry | None:
        if file.path is not None:
            return self._import.contents.at(file.path, found.place.name)
        return self._import.contents.find(file.id, file.filename)

    async def _file_here(self, parsed: Parsed[ImportedFile]) -> StoredObject | None:
        made = file_object(parsed, NO_CONTENT, 0)
        async with self._destination.begin() as connection:
            row = await placing.find_object(connection, self._destination.project_id, made)
        return None if row is None or row.deleted_at is not None else stored(row)

    async def _place_file(self, parsed: Parsed[ImportedFile]) -> Outcome:
        made = file_object(parsed, NO_CONTENT, parsed.shape.bytes)
        async with self._destination.begin() as connection:
            return await placing.place_object(
                connection, self._destination.project_id, made, render.file
            )

    async def _fill_file(
        self, parsed: Parsed[ImportedFile], entry: Entry, here: StoredObject | None
    ) -> Outcome:
        """Store a file with its content, or give one the content that it lacked."""
        blobs = self._destination.blobs
        async with blobs.writing() as writer:
            blob = await self._copy(entry, writer)
            await blobs.place(blob)
            made = file_object(parsed, blob.sha256, blob.size_bytes)
            async with self._destination.begin() as connection:
                return await self._keep(connection, made, blob, here)

    async def _keep(
        self,
        connection: AsyncConnection,
        made: StoredObject,
        blob: Blob,
        here: StoredObject | None,
    ) -> Outcome:
        project_id = self._destination.project_id
        if here is None:
            outcome = await placing.place_object(connection, project_id, made, render.file)
            if outcome == "new":
                await keep(connection, self._destination.blobs, blob)
            return outcome
        await keep(connection, self._destination.blobs, blob)
        content = {"sha256": blob.sha256, "bytes": blob.size_bytes}
        files = Collection(project_id, made.kind, noun="file")
        await files.update(connection, made.id, document={**here.document, **content})
        await placing.queue_again(connection, project_id, made.id)
        return "changed"

    async def _copy(self, entry: Entry, writer: BlobWriter) -> Blob:
        with self._import.source.open(entry) as stream:
            while piece := await anyio.to_thread.run_sync(stream.read, _PIECE_BYTES):
                await writer.write(piece)
        return await writer.finish()

    # --- threads ------------------------------------------------------------------------------

    async def _take_thread(self, thread_id: str) -> None:
        wanted = self._import
        project_id = self._destination.project_id
        bundle = bundle_of(wanted.spool, thread_id, project_id, wanted.models, self._report)
        if bundle is None:
            self._advance(1)
            return
        try:
            async with self._destination.begin() as connection:
                verdicts = await ThreadPlacement(connection, project_id, bundle).place()
        except NotReady:
            raise
        except (UnderstudyError, DBAPIError) as error:
            self._report.fail("thread", bundle.place, f"'{thread_id}': {_reason(error)}")
        else:
            self._note(verdicts, bundle)
        self._advance(bundle.size)

    def _note(self, verdicts: list[Verdict], bundle: Bundle) -> None:
        for kind, id_, outcome in verdicts:
            if outcome == "failed":
                place = bundle.places.get(id_, bundle.place)
                self._report.fail(kind, place, f"'{id_}' belongs to something else here")
            else:
                self._report.note(kind, outcome)

    def _advance(self, objects: int) -> None:
        self._number += objects
        self._done(self._number, self._total)

    @contextmanager
    def _reporting(self, found: Found) -> Iterator[None]:
        """Report what keeps one object from being taken; a database that is away ends it all."""
        try:
            yield
        except NotReady:
            raise
        except (UnderstudyError, DBAPIError, *DAMAGED) as error:
            self._report.fail(found.kind, found.place, f"'{found.id}': {_reason(error)}")
        self._advance(1)


def _lacks_content(file: StoredObject) -> bool:
    return not render.has_content(file)


def _reason(error: Exception) -> str:
    """Return an error in words; a database's own come without the statement, which holds data."""
    if isinstance(error, UnderstudyError):
        return error.message.rstrip(".")
    if isinstance(error, DBAPIError):
        return f"the database refuses it ({type(error.orig).__name__})"
    return f"its content cannot be read ({error})"
