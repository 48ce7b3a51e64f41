import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import anyio
import psutil
import pytest
from tests.speech.spoken import gathered, seconds, worker_processes

from understudy import children
from understudy.errors import NotReady, ProviderFailed, StreamBroken, TooMany
from understudy.speech.base import Heard, Listening, Utterance
from understudy.speech.espeak import EspeakEngine, work_for
from understudy.speech.workers import frames
from understudy.speech.workers.frames import Ended, Failed, Incoming, Pcm, Start
from understudy.speech.workers.pool import PoolLimits, WorkerPool
from understudy.speech.workers.work import ListenWork

pytestmark = pytest.mark.anyio

SHORT = Utterance("Good morning.", "alloy")
LONG = Utterance("Every morning they went to work in the fields. " * 80, "alloy", speed=0.25)
_GONE_S = 20


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop of the server; the other tests of engines have Python's own."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def engine() -> AsyncIterator[EspeakEngine]:
    engine = EspeakEngine(workers=1)
    yield engine
    await engine.aclose()
    assert not worker_processes()


def the_worker() -> psutil.Process:
    [worker] = worker_processes()
    return worker


def gone(worker: psutil.Process) -> bool:
    return not psutil.wait_procs([worker], timeout=_GONE_S)[1]


async def test_nothing_starts_before_it_is_needed(engine: EspeakEngine) -> None:
    engine.capabilities()
    assert not worker_processes()
    assert seconds(await gathered(engine.speak(SHORT))) > 0.3
    assert the_worker().is_running()


async def test_a_worker_that_is_killed_at_work_is_replaced(engine: EspeakEngine) -> None:
    async with aclosing(engine.speak(LONG)) as pieces:
        await anext(pieces)
        the_worker().kill()
        with pytest.raises(StreamBroken, match=r"signal 9.*once more"):
            await gathered(pieces)
    assert seconds(await gathered(engine.speak(SHORT))) > 0.3


async def test_nobody_notices_that_an_idle_worker_died(engine: EspeakEngine) -> None:
    await gathered(engine.speak(SHORT))
    first = the_worker()
    first.kill()
    assert seconds(await gathered(engine.speak(SHORT))) > 0.3
    assert the_worker().pid != first.pid


async def test_closing_ends_the_job_and_keeps_the_worker(engine: EspeakEngine) -> None:
    await gathered(engine.speak(SHORT))
    worker = the_worker()
    async with aclosing(engine.speak(LONG)) as pieces:
        await anext(pieces)
    before = worker.cpu_times().user
    await gathered(engine.speak(SHORT))
    assert the_worker().pid == worker.pid
    # Whole, it costs seconds.
    assert worker.cpu_times().user - before < 1


async def test_a_reader_that_pauses_keeps_no_worker(engine: EspeakEngine) -> None:
    async with aclosing(engine.speak(SHORT)) as paused:
        first = await anext(paused)
        assert seconds(await gathered(engine.speak(SHORT))) > 0.3
        assert seconds(first + await gathered(paused)) > 0.3


async def test_ctrl_c_of_the_terminal_is_not_for_workers(engine: EspeakEngine) -> None:
    await gathered(engine.speak(SHORT))
    worker = the_worker()
    worker.send_signal(signal.SIGINT)
    await gathered(engine.speak(SHORT))
    assert the_worker().pid == worker.pid


async def test_workers_are_told_no_secrets(
    engine: EspeakEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-secret")
    await gathered(engine.speak(SHORT))
    assert "sk-secret" not in str(the_worker().environ())


async def test_a_closed_engine_says_so(engine: EspeakEngine) -> None:
    async with aclosing(engine.speak(LONG)) as pieces:
        await anext(pieces)
        await engine.aclose()
        with pytest.raises(NotReady, match="stopping"):
            await gathered(pieces)
    with pytest.raises(NotReady, match="stopping"):
        await gathered(engine.speak(SHORT))


def test_an_idle_worker_ends_by_itself() -> None:
    start = Start(engine="espeak", model={}, threads=1, idle_s=0.01, parent=os.getpid())
    command = children.command("understudy.speech.workers.child")
    with subprocess.Popen(command, stdin=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        worker.stdin.write(frames.pack(start))
        worker.stdin.flush()
        assert worker.wait(_GONE_S) == 0


async def test_waiting_for_a_worker_is_bounded() -> None:
    start = Start(engine="sphinx", model={}, threads=1, idle_s=60, parent=0)
    pool = WorkerPool("crowded", start, PoolLimits(workers=1, waiting=1, wait_s=0.2))
    begun, enough = anyio.Event(), anyio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        begun.set()
        await enough.wait()
        yield bytes(3_200)

    async def listen() -> None:
        async with aclosing(pool.run(ListenWork(Listening()), endless())) as results:
            answers.append([result async for result in results])

    async def wait_in_vain() -> None:
        with pytest.raises(NotReady, match="became free"):
            await anext(pool.run(ListenWork(Listening()), endless()))
        enough.set()

    answers: list[object] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await begun.wait()
        tasks.start_soon(wait_in_vain)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(TooMany, match="1 requests wait"):
            await anext(pool.run(ListenWork(Listening()), endless()))
    assert answers == [[Heard("en", 0.1)]]
    await pool.aclose()


async def test_a_failure_in_a_worker_is_told_and_leaves_it_whole(engine: EspeakEngine) -> None:
    start = Start(engine="espeak", model={}, threads=1, idle_s=60, parent=0)
    pool = WorkerPool("espeak", start, PoolLimits(workers=1))
    with pytest.raises(ProviderFailed, match="missing required field"):
        await anext(pool.run(ListenWork(Listening())))
    worker = the_worker()
    async with aclosing(pool.run(work_for(SHORT))) as results:
        assert [result async for result in results]
    assert the_worker().pid == worker.pid
    await pool.aclose()


_PARENT = """
import asyncio, os, signal, psutil
from understudy.speech.base import Utterance
from understudy.speech.espeak import EspeakEngine

async def main():
    engine = EspeakEngine(1)
    await anext(engine.speak(Utterance("Good morning. " * 200, "alloy")))
    print(psutil.Process().children()[0].pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_workers_die_with_the_server() -> None:
    ended = subprocess.run([sys.executable, "-c", _PARENT], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    try:
        assert gone(psutil.Process(int(ended.stdout)))
    except psutil.NoSuchProcess:
        pass


def test_messages_are_put_together_from_any_pieces() -> None:
    messages = [Pcm(bytes(range(256)) * 300), Ended(), Failed("no", "voice")]
    sent = b"".join(frames.pack(message) for message in messages)
    for size in (1, 3, 1_000, len(sent)):
        incoming = Incoming()
        pieces = (sent[at : at + size] for at in range(0, len(sent), size))
        assert [message for piece in pieces for message in incoming.feed(piece)] == messages
