"""Threads: making, changing and deleting them, with their first messages and what they search."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.ids import new_id, now_s
from understudy.runs.closing import close
from understudy.runs.messages import THREAD, add_messages, brings_files, threads_of
from understudy.runs.stream import Streams
from understudy.runs.tool_resources import (
    drop_own_store,
    make_resources,
    replace_resources,
    resources_in,
    shown_resources,
)
from understudy.store import runs
from understudy.store.idempotency import Creation
from understudy.store.items import Log
from understudy.store.objects import StoredObject
from understudy.store.runs import Event, StoredRun
from understudy.store.storage import Storage
from understudy.wire.runs import LastError
from understudy.wire.threads import CreateThread, ModifyThread, Thread


async def insert_thread(
    connection: AsyncConnection,
    project_id: str,
    thread_id: str,
    wanted: CreateThread,
    prefix: str = "",
) -> StoredObject:
    """Make a thread with its first messages, within a transaction of the caller.

    `prefix` goes before the names of the request's fields in errors: "" or `thread.`. Call the
    ingest's `wake` after the commit. Raises NotFound for a file or store that is not there.
    """
    threads = threads_of(project_id)
    param = f"{prefix}tool_resources"
    shown = await make_resources(connection, project_id, wanted.tool_resources, param)
    document: dict[str, Any] = {
        "tool_resources": shown,
        "own_store_id": None,
        "metadata": wanted.metadata or {},
    }
    made = StoredObject(thread_id, THREAD, now_s(), document)
    await threads.insert(connection, made)
    messages = wanted.messages or []
    await add_messages(connection, project_id, thread_id, messages, f"{prefix}messages")
    if not brings_files(messages):
        return made
    return await threads.find(connection, thread_id)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that ended with its thread, and the events to publish once that is committed."""

    run_seq: int
    events: Sequence[Event]


async def delete_thread(connection: AsyncConnection, project_id: str, id_: str) -> EndedRun | None:
    """Delete a thread with its messages and runs, and the store made for its attachments.

    Works within a transaction of the caller, who calls the ingest's `wake` after the commit. A run
    that is active fails. Raises NotFound.
    """
    was = await threads_of(project_id).delete(connection, id_)
    active = await runs.find_active(connection, project_id, id_)
    events = [] if active is None else await _fail(connection, active)
    # Responses that did not come to their end keep their items in logs of their own.
    for log_id in (id_, *await runs.delete_of_thread(connection, project_id, id_)):
        await Log(project_id, log_id).clear(connection)
    await drop_own_store(connection, project_id, resources_in(was.document))
    return None if active is None else EndedRun(active.seq, events)


def thread_of(stored: StoredObject) -> Thread:
    """Return a stored thread as clients see it."""
    return Thread(
        id=stored.id,
        created_at=stored.created_at,
        metadata=stored.document["metadata"],
        tool_resources=shown_resources(stored.document),
    )


class Threads:
    """The threads of one project. Methods raise NotFound for what it does not have."""

    def __init__(
        self, storage: Storage, project_id: str, wake: Callable[[], None], streams: Streams
    ) -> None:
        """`wake` is called when there are files to read or to clear away.

        `streams` tells the readers of a run that it ended with its thread.
        """
        self._storage = storage
        self._project_id = project_id
        self._wake = wake
        self._streams = streams
        self._threads = threads_of(project_id)

    async def create(self, creation: Creation, wanted: CreateThread) -> Thread:
        """Make a thread. Raises NotFound for a file or store that is not there."""
        id_ = new_id("thread")
        async with self._storage.database.write() as connection:
            if earlier := await creation.claim(connection, id_):
                return thread_of(await self._threads.find(connection, earlier))
            made = await insert_thread(connection, self._project_id, id_, wanted)
        if wanted.tool_resources or brings_files(wanted.messages or []):
            self._wake()
        return thread_of(made)

    async def find(self, id_: str) -> Thread:
        """Return a thread."""
        async with self._storage.database.read() as connection:
            return thread_of(await self._threads.find(connection, id_))

    async def modify(self, id_: str, wanted: ModifyThread) -> Thread:
        """Change a thread's metadata and tool_resources, of which absent members stay."""
        async with self._storage.database.write() as connection:
            was = await self._threads.find(connection, id_, for_update=True)
            document = dict(was.document)
            if wanted.metadata is not UNSET:
                document["metadata"] = wanted.metadata or {}
            if wanted.tool_resources is not UNSET:
                now = await replace_resources(
                    connection, self._project_id, resources_in(document), wanted.tool_resources
                )
                document |= now.as_document()
            now_stored = await self._threads.update(connection, id_, document=document)
        if wanted.tool_resources:
            self._wake()
        return thread_of(now_stored)

    async def delete(self, id_: str) -> int | None:
        """Delete a thread as `delete_thread` does.

        The row number of the run that ended with it is returned, so that work on it can stop.
        """
        async with self._storage.database.write() as connection:
            ended = await delete_thread(connection, self._project_id, id_)
        if ended is not None:
            self._streams.publish(ended.run_seq, ended.events)
        self._wake()
        return None if ended is None else ended.run_seq


async def _fail(connection: AsyncConnection, active: StoredRun) -> Sequence[Event]:
    """End the run of a thread that is deleted, and return what its readers are told."""
    run = await runs.find_by_seq(connection, active.seq, for_update=True)
    error = LastError("server_error", "The thread was deleted while the run was active.")
    return [] if run is None else await close(connection, run, "fail", error) or []
