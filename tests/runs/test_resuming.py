"""A run that is taken up again goes on from its last step, and closes what was left open."""

import anyio
import pytest
from sqlalchemy import select
from tests.runs.stored_runs import storage_of
from tests.runs.working import WAIT_S, Working, called, ended, said

from understudy.store import runs as stored
from understudy.store.pages import PageQuery
from understudy.store.schema import runs
from understudy.wire.runs import SubmitToolOutputs, ToolOutput

pytestmark = pytest.mark.anyio

_LOOK_EVERY_S = 0.005


@pytest.fixture
async def working(store, tmp_path):
    async with anyio.create_task_group() as tasks:
        working = Working(storage_of(store, tmp_path / "blobs"), tmp_path / "data", tasks)
        await working.prepare()
        yield working
        tasks.cancel_scope.cancel()


async def _stored(working: Working, run_id: str):
    async with working.storage.database.read() as connection:
        seq = await connection.scalar(select(runs.c.seq).where(runs.c.id == run_id))
        return await stored.find_by_seq(connection, seq)


async def _follow_until(working: Working, run_id: str, name: str) -> None:
    run = await _stored(working, run_id)
    with anyio.fail_after(WAIT_S):
        async for event in working.process.streams.follow(run.seq):
            if event.name == name:
                return


async def _check(working: Working, run_id: str) -> None:
    """See that the events are lawful, and that nothing is left open at the end."""
    run = await _stored(working, run_id)
    law = await working.law(run.seq)
    assert law.faults == []
    assert law.is_over
    async with working.storage.database.read() as connection:
        steps = await stored.steps(connection, run.seq)
    assert "in_progress" not in {step.status for step in steps}


async def test_a_call_that_broke_off_is_made_again_and_its_message_begun_anew(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    await (await working.chat.next_call()).say(said("Hel"))
    await _follow_until(working, run_id, "thread.message.delta")
    await working.crash()
    await (await working.chat.next_call()).say(said("Hello"), ended())
    await working.wait_for(thread_id, run_id, "completed")
    await _check(working, run_id)
    listed = [m.content[0].text.value for m in await _messages(working, thread_id)]
    assert listed == ["Hello", "hello"]


async def test_a_text_left_behind_is_closed_when_the_model_calls_instead(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    await (await working.chat.next_call()).say(said("Hel"))
    await _follow_until(working, run_id, "thread.message.delta")
    await working.crash()
    await (await working.chat.next_call()).say(called("call_1"), ended("tool_calls"))
    await working.wait_for(thread_id, run_id, "requires_action")
    await working.runs.submit(thread_id, run_id, SubmitToolOutputs([ToolOutput("call_1", "x")]))
    await (await working.chat.next_call()).say(said("Done"), ended())
    await working.wait_for(thread_id, run_id, "completed")
    await _check(working, run_id)
    listed = [(m.status, m.content[0].text.value) for m in await _messages(working, thread_id)]
    assert listed == [("completed", "Done"), ("incomplete", "Hel"), ("completed", "hello")]


async def test_calls_left_behind_are_closed_when_the_model_answers_instead(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    await (await working.chat.next_call()).say(called("call_1"))
    await _follow_until(working, run_id, "thread.run.step.delta")
    await working.crash()
    await (await working.chat.next_call()).say(said("Hello"), ended())
    await working.wait_for(thread_id, run_id, "completed")
    await _check(working, run_id)


async def test_a_worker_that_was_only_paused_writes_nothing_more(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    paused = await working.chat.next_call()
    await paused.say(said("Old"))
    await _follow_until(working, run_id, "thread.message.delta")
    await working.crash()
    call = await working.chat.next_call()
    await paused.say(said(" words"), ended())
    await call.say(said("New words"), ended())
    await working.wait_for(thread_id, run_id, "completed")
    await _check(working, run_id)
    listed = [m.content[0].text.value for m in await _messages(working, thread_id)]
    assert listed == ["New words", "hello"]


async def test_outputs_outlive_the_process_that_took_them(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    await (await working.chat.next_call()).say(called("call_1"), ended("tool_calls"))
    await working.wait_for(thread_id, run_id, "requires_action")
    await working.runs.submit(thread_id, run_id, SubmitToolOutputs([ToolOutput("call_1", "42")]))
    await working.chat.next_call()
    await working.crash()
    call = await working.chat.next_call()
    outputs = [m["content"] for m in call.request["messages"] if m["role"] == "tool"]
    assert outputs == ["42"]
    await call.say(said("Done"), ended())
    await working.wait_for(thread_id, run_id, "completed")
    await _check(working, run_id)


async def test_nobody_listens_on_when_the_thread_is_deleted(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    call = await working.chat.next_call()
    await call.say(said("Hel"))
    await _follow_until(working, run_id, "thread.message.delta")
    await working.threads.delete(thread_id)
    with anyio.fail_after(WAIT_S):
        while working.chat.open:
            await call.say(said("lo"))
            await anyio.sleep(_LOOK_EVERY_S)
    await _check(working, run_id)


async def test_a_run_ends_although_its_message_was_deleted(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    await (await working.chat.next_call()).say(said("Hel"))
    await _follow_until(working, run_id, "thread.message.delta")
    newest = (await _messages(working, thread_id))[0]
    await working.messages(thread_id).delete(newest.id)
    await working.runs.cancel(thread_id, run_id)
    await working.wait_for(thread_id, run_id, "cancelled")
    assert [m.role for m in await _messages(working, thread_id)] == ["user"]


async def test_a_filtered_answer_keeps_what_was_said_and_fails(working):
    thread_id = await working.new_thread()
    run_id = await working.new_run(thread_id)
    call = await working.chat.next_call()
    await call.say(said("Some"), said(" words"), ended("content_filter"))
    run = await working.wait_for(thread_id, run_id, "failed")
    assert run.last_error.code == "invalid_prompt"
    await _check(working, run_id)
    newest = (await _messages(working, thread_id))[0]
    assert (newest.status, newest.content[0].text.value) == ("incomplete", "Some words")


async def _messages(working: Working, thread_id: str):
    return (await working.messages(thread_id).page(PageQuery()))[0]
