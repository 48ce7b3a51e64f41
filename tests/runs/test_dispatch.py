"""Who hands out runs lives through faults of the database, and judges a run by its row."""

import anyio
import pytest
from sqlalchemy import select, text, update
from tests.runs.stored_runs import storage_of
from tests.runs.working import WAIT_S, OpenCall, Working, called, ended, said

from understudy.ids import now_s
from understudy.runs.closing import end_overdue_run
from understudy.store.schema import runs

pytestmark = pytest.mark.anyio

_LOOK_EVERY_S = 0.005


@pytest.fixture
async def working(store, tmp_path):
    async with anyio.create_task_group() as tasks:
        working = Working(storage_of(store, tmp_path / "blobs"), tmp_path / "data", tasks)
        await working.prepare()
        yield working
        tasks.cancel_scope.cancel()


async def _set_expiry(working: Working, run_id: str, at: int) -> int:
    async with working.storage.database.write() as connection:
        changed = update(runs).where(runs.c.id == run_id).values(expires_at=at)
        await connection.execute(changed)
        return await connection.scalar(select(runs.c.seq).where(runs.c.id == run_id))


async def _execute(working: Working, statement: str) -> None:
    async with working.storage.database.write() as connection:
        await connection.execute(text(statement))


async def test_a_run_is_overdue_only_if_its_row_still_says_so(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    await (await working.chat.next_call()).say(called("call_1"), ended("tool_calls"))
    await working.wait_for(thread_id, run_id, "requires_action")
    seq = await _set_expiry(working, run_id, now_s() + 600)
    await end_overdue_run(working.storage, working.process.streams, seq)
    assert (await working.runs.find(thread_id, run_id)).status == "requires_action"
    await _set_expiry(working, run_id, now_s())
    await end_overdue_run(working.storage, working.process.streams, seq)
    assert (await working.runs.find(thread_id, run_id)).status == "expired"


async def test_a_run_whose_time_is_over_ends_by_itself(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    await working.chat.next_call()
    await _set_expiry(working, run_id, now_s())
    assert (await working.wait_for(thread_id, run_id, "expired")).last_error is None


async def test_a_fault_of_the_database_ends_no_other_run(working, caplog):
    hit, spared = await working.new_thread(), await working.new_thread()
    hit_run = await working.new_run(hit)
    call = await working.chat.next_call()
    # Neither the end of the answer nor the failure of the run can be written.
    await _execute(working, "ALTER TABLE run_steps RENAME TO hidden")
    await call.say(said("Lost"), ended())
    with anyio.fail_after(WAIT_S):
        await _said(caplog, f"{hit_run} cannot be ended now")
    await _execute(working, "ALTER TABLE hidden RENAME TO run_steps")
    spared_run = await working.new_run(spared)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_answer_every_call, working)
        await working.wait_for(spared, spared_run, "completed")
        await working.wait_for(hit, hit_run, "completed", "failed")
        tasks.cancel_scope.cancel()


async def _said(caplog, words: str) -> None:
    while True:
        if words in caplog.text:
            return
        await anyio.sleep(_LOOK_EVERY_S)


async def _answer_every_call(working: Working) -> None:
    answered: list[OpenCall] = []
    while True:
        for call in working.chat.open:
            if call not in answered:
                answered.append(call)
                await call.say(said("Found"), ended())
        await anyio.sleep(_LOOK_EVERY_S)
