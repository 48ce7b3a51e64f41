"""Messages while something else happens to their thread, on SQLite and on PostgreSQL."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from understudy.errors import InvalidRequest, NotFound
from understudy.ids import now_s
from understudy.runs.messages import Messages, threads_of
from understudy.runs.stream import Streams
from understudy.runs.threads import Threads
from understudy.store import runs
from understudy.store.blobs import Blobs
from understudy.store.db import Store
from understudy.store.idempotency import Creation
from understudy.store.keys import project_id
from understudy.store.objects import Collection, StoredObject
from understudy.store.pages import PageQuery
from understudy.store.storage import Storage
from understudy.wire.messages import CreateMessage
from understudy.wire.threads import CreateThread

pytestmark = pytest.mark.anyio

HELLO = CreateMessage("user", "Hello")
LOOK = CreateMessage("user", "Look", file_ids=["file-1"])


def never() -> None:
    raise AssertionError("there is nothing to read")


@pytest.fixture
def storage(store: Store, tmp_path: Path) -> Storage:
    opened = Storage()
    opened.open(store, Blobs(tmp_path / "blobs"))
    return opened


@pytest.fixture
async def project(store: Store) -> str:
    return await project_id(store)


@pytest.fixture
async def thread_id(storage: Storage, project: str) -> str:
    threads = Threads(storage, project, never, Streams(storage))
    return (await threads.create(Creation(project), CreateThread())).id


async def until_it_waits(store: Store, task: asyncio.Task[object]) -> None:
    """Return once the task waits for a lock of the caller, or is over without having waited.

    SQLite has one writer: there the task cannot even begin.
    """
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while store.dialect == "postgresql" and not task.done():
        async with store.read() as connection:
            if await connection.scalar(waiting):
                return


async def test_a_message_waits_for_a_run_that_is_being_made(
    storage: Storage, project: str, thread_id: str
) -> None:
    messages = Messages(storage, project, thread_id, never)
    store = storage.database
    async with store.write() as connection:
        await threads_of(project).find(connection, thread_id, for_update=True)
        new = runs.NewRun(project, "run_1", thread_id, "asst_1", "queued", now_s(), {"model": "m"})
        await runs.insert(connection, new)
        adding = asyncio.create_task(messages.create(Creation(project), HELLO))
        await until_it_waits(store, adding)
    with pytest.raises(InvalidRequest, match=f"to {thread_id} while a run run_1 is active"):
        await adding
    assert await messages.page(PageQuery()) == ([], False)


async def test_a_message_waits_for_the_deletion_of_its_thread(
    storage: Storage, project: str, thread_id: str
) -> None:
    messages = Messages(storage, project, thread_id, never)
    store = storage.database
    async with store.write() as connection:
        await threads_of(project).delete(connection, thread_id)
        adding = asyncio.create_task(messages.create(Creation(project), HELLO))
        await until_it_waits(store, adding)
    with pytest.raises(NotFound, match=thread_id):
        await adding


async def test_the_same_request_sent_twice_at_once_adds_one_message(
    storage: Storage, project: str, thread_id: str
) -> None:
    messages = Messages(storage, project, thread_id, never)
    once = Creation(project, "key", b"the request")
    made = await asyncio.gather(*(messages.create(once, HELLO) for _ in range(4)))
    assert len({message.id for message in made}) == 1
    assert (await messages.page(PageQuery()))[0] == [made[0]]


async def test_threads_made_twice_at_once_with_one_key(storage: Storage, project: str) -> None:
    threads = Threads(storage, project, never, Streams(storage))
    once = Creation(project, "key", b"the request")
    made = await asyncio.gather(*(threads.create(once, CreateThread([HELLO])) for _ in range(4)))
    assert len({thread.id for thread in made}) == 1
    found, _ = await Messages(storage, project, made[0].id, never).page(PageQuery())
    assert len(found) == 1


async def test_readers_are_woken_for_files_alone(storage: Storage, project: str) -> None:
    woken: list[str] = []
    document = {"filename": "a.txt", "purpose": "assistants", "bytes": 1, "sha256": ""}
    file = StoredObject("file-1", "file", now_s(), document)
    async with storage.database.write() as connection:
        await Collection(project, "file").insert(connection, file)
    threads = Threads(storage, project, lambda: woken.append("thread"), Streams(storage))
    made = await threads.create(Creation(project), CreateThread([HELLO]))
    messages = Messages(storage, project, made.id, lambda: woken.append("message"))
    await messages.create(Creation(project), HELLO)
    assert woken == []
    await messages.create(Creation(project), LOOK)
    await threads.create(Creation(project), CreateThread([HELLO, LOOK]))
    assert woken == ["message", "thread"]
