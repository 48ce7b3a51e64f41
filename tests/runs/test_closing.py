"""How runs end out of turn."""

from pathlib import Path

import pytest
from tests.runs.stored_runs import events_of, found, started_run, storage_of

from understudy.runs.closing import end_run
from understudy.runs.stream import Streams
from understudy.store import runs
from understudy.store.db import Store
from understudy.store.runs import Change
from understudy.wire.runs import LastError

pytestmark = pytest.mark.anyio


async def test_a_run_that_fails_while_it_is_cancelled_is_cancelled(
    store: Store, tmp_path: Path
) -> None:
    run = await started_run(store)
    async with store.write() as connection:
        await runs.apply(connection, Change(run.seq, ["in_progress"], {"status": "cancelling"}))
    storage = storage_of(store, tmp_path)
    failure = LastError("server_error", "The model is away.")
    await end_run(storage, Streams(storage), run.seq, "fail", failure)
    ended = await found(store, run.seq)
    assert (ended.status, ended.document.get("last_error")) == ("cancelled", None)
    assert [name for _, name in await events_of(store, run.seq)] == ["thread.run.cancelled"]
