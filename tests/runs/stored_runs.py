"""Runs in a database, without the requests that make them."""

from understudy.ids import now_s
from understudy.store import runs
from understudy.store.blobs import Blobs
from understudy.store.db import Store
from understudy.store.keys import project_id
from understudy.store.runs import Change, NewRun, StoredRun
from understudy.store.storage import Storage

OWNER = "this worker"
DOCUMENT = {
    "model": "m",
    "instructions": "",
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "max_prompt_tokens": None,
    "max_completion_tokens": None,
    "truncation_strategy": {"type": "auto", "last_messages": None},
    "response_format": "auto",
    "file_ids": [],
    "assistant_store_ids": [],
}


def storage_of(store: Store, blobs_dir) -> Storage:
    """Return the storage of a server whose database this is."""
    storage = Storage()
    storage.open(store, Blobs(blobs_dir))
    return storage


async def insert_run(store: Store, number: int = 0) -> StoredRun:
    """Add a run that is queued, on a thread of its own."""
    project = await project_id(store)
    async with store.write() as connection:
        return await runs.insert(
            connection,
            NewRun(
                project_id=project,
                id=f"run_{number}",
                thread_id=f"thread_{number}",
                assistant_id="asst_1",
                status="queued",
                created_at=now_s(),
                document=DOCUMENT,
            ),
        )


async def started_run(store: Store, number: int = 0) -> StoredRun:
    """Add a run in progress that OWNER works on."""
    queued = await insert_run(store, number)
    async with store.write() as connection:
        await runs.claim(connection, OWNER, ["queued"], 10)
        await runs.apply(connection, Change(queued.seq, ["queued"], {"status": "in_progress"}))
    return await found(store, queued.seq)


async def found(store: Store, seq: int) -> StoredRun:
    """Return the run of a row."""
    async with store.read() as connection:
        run = await runs.find_by_seq(connection, seq)
    assert run is not None
    return run


async def events_of(store: Store, seq: int) -> list[tuple[int, str]]:
    """Return number and name of every event of a run."""
    async with store.read() as connection:
        found = await runs.read_events(connection, seq, after=0, limit=10_000)
    return [(event.number, event.name) for event in found]
