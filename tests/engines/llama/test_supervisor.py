"""Real children with tiny models: loaded once, kept, made to give way, and started again."""

import logging
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from understudy.engines.llama.launches import launch
from understudy.engines.llama.memory import needed_bytes
from understudy.engines.llama.models import LocalModel, LocalModels
from understudy.engines.llama.supervisor import Supervisor
from understudy.errors import ModelUnusable, NotReady
from understudy.logs import REQUEST_ID
from understudy.settings import Settings, TimeoutSettings
from understudy.settings.local import LocalModelSettings, LocalSettings

pytestmark = pytest.mark.anyio

WAIT_S = 30.0
"""How long a test waits for what must happen; only a failing test waits so long."""
_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def model(path: Path, name: str = "small", **fields: Any) -> LocalModel:
    return LocalModel(name, path, LocalModelSettings(path=path, context_length=256, **fields))


@asynccontextmanager
async def supervising(**fields: Any) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(LocalSettings(threads=1, **fields), TimeoutSettings())
    try:
        with anyio.fail_after(WAIT_S):
            yield supervisor
    finally:
        await supervisor.aclose()


def huge_pages_are_given() -> bool:
    """Tell whether the system gives them to a process that asks."""
    try:
        return "[never]" not in _HUGE_PAGES.read_text(encoding="ascii")
    except OSError:
        return False


async def pid_of(supervisor: Supervisor, wanted: LocalModel) -> int:
    async with supervisor.running(wanted) as running:
        assert running.process.pid is not None
        return running.process.pid


async def loaded(supervisor: Supervisor, wanted: LocalModel) -> int:
    """Come back as often as one is told to."""
    while True:
        try:
            return await pid_of(supervisor, wanted)
        except NotReady:
            await anyio.sleep(0.05)


async def until_gone(pid: int) -> None:
    while is_alive(pid):  # noqa: ASYNC110
        await anyio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not huge_pages_are_given(), reason="this system gives no huge pages")
async def test_a_model_lies_in_huge_pages(tiny_chat_gguf: Path) -> None:
    settings = LocalModelSettings(path=tiny_chat_gguf, context_length=4096, slots=8)
    async with supervising() as supervisor:
        pid = await pid_of(supervisor, LocalModel("small", tiny_chat_gguf, settings))
        process = anyio.Path(f"/proc/{pid}")
        sums = await (process / "smaps_rollup").read_text()
        mapped = await (process / "maps").read_text()
    found = re.search(r"^AnonHugePages: +(\d+) kB$", sums, re.MULTILINE)
    assert found is not None
    assert int(found[1]) > 0
    assert str(tiny_chat_gguf) not in mapped  # pages of a file are small


async def test_requests_at_once_share_one_child(tiny_chat_gguf: Path) -> None:
    pids: set[int] = set()

    async def ask() -> None:
        pids.add(await pid_of(supervisor, model(tiny_chat_gguf)))

    async with supervising() as supervisor, anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
    assert len(pids) == 1
    await until_gone(pids.pop())


async def test_a_child_that_was_killed_is_started_again(tiny_chat_gguf: Path) -> None:
    async with supervising() as supervisor:
        pids = [await killed(supervisor, model(tiny_chat_gguf)) for _ in range(2)]
        # Two in a row: the next one rests first, and is there in the end.
        pids.append(await pid_of(supervisor, model(tiny_chat_gguf)))
    assert len(set(pids)) == 3


async def killed(supervisor: Supervisor, wanted: LocalModel) -> int:
    """Kill the model's child, and return its process id once its end is known."""
    async with supervisor.running(wanted) as running:
        assert running.process.pid is not None
        os.kill(running.process.pid, signal.SIGKILL)
        assert await running.process.ends_within(WAIT_S)
        return running.process.pid


async def test_the_model_asked_for_the_longest_ago_gives_way(tiny_chat_gguf: Path) -> None:
    one, two, three = (model(tiny_chat_gguf, name) for name in ("one", "two", "three"))
    need = needed_bytes(one.header, launch(one, LocalSettings()))
    async with supervising(memory_limit_bytes=2 * need + need // 2) as supervisor:
        first, second = await pid_of(supervisor, one), await pid_of(supervisor, two)
        assert await pid_of(supervisor, one) == first
        await pid_of(supervisor, three)
        await until_gone(second)
        assert await pid_of(supervisor, one) == first


async def test_a_model_that_answers_does_not_give_way(tiny_chat_gguf: Path) -> None:
    one, two = model(tiny_chat_gguf, "one"), model(tiny_chat_gguf, "two")
    need = needed_bytes(one.header, launch(one, LocalSettings()))
    limits = {"memory_limit_bytes": need + 1}
    async with supervising(**limits, load_wait_s=0.1) as supervisor:
        await loaded(supervisor, one)
        async with supervisor.running(one):
            with pytest.raises(NotReady, match="while one answers") as caught:
                await pid_of(supervisor, two)
        assert int(caught.value.headers["retry-after"]) >= 1
    async with supervising(**limits) as supervisor:
        async with anyio.create_task_group() as tasks, supervisor.running(one):
            tasks.start_soon(pid_of, supervisor, two)
            await anyio.wait_all_tasks_blocked()
        assert await pid_of(supervisor, two)


async def test_a_kept_model_never_gives_way(tiny_chat_gguf: Path) -> None:
    kept, other = model(tiny_chat_gguf, "kept"), model(tiny_chat_gguf, "other")
    need = needed_bytes(kept.header, launch(kept, LocalSettings()))
    async with supervising(memory_limit_bytes=need * 3 // 2) as supervisor:
        supervisor.keep([kept])
        first = await pid_of(supervisor, kept)
        with pytest.raises(ModelUnusable, match=r"'other'.* and there are 0\.2 GiB for it"):
            await pid_of(supervisor, other)
        assert await pid_of(supervisor, kept) == first


async def test_an_idle_model_is_unloaded_and_a_kept_one_is_not(tiny_chat_gguf: Path) -> None:
    kept = model(tiny_chat_gguf, "kept", preload=True)
    async with supervising(idle_unload_s=0.01) as supervisor:
        supervisor.keep([kept])
        first = await pid_of(supervisor, kept)
        idle = await pid_of(supervisor, model(tiny_chat_gguf, "idle"))
        await until_gone(idle)
        assert await pid_of(supervisor, kept) == first
        os.kill(first, signal.SIGKILL)
        await until_gone(first)


async def test_unloading_is_logged_as_of_no_request(
    tiny_chat_gguf: Path, caplog: pytest.LogCaptureFixture
) -> None:
    of_request: dict[str, str] = {}

    def note(record: logging.LogRecord) -> bool:
        of_request[record.getMessage()] = REQUEST_ID.get()
        return True

    caplog.handler.addFilter(note)
    REQUEST_ID.set("req_first")
    with caplog.at_level(logging.INFO, "understudy"):
        async with supervising(idle_unload_s=0.01) as supervisor:
            await until_gone(await pid_of(supervisor, model(tiny_chat_gguf)))
    assert of_request["unloading the local model 'small': idle"] == "-"


async def test_a_request_does_not_wait_for_ever(tiny_chat_gguf: Path) -> None:
    async with supervising(load_wait_s=0) as supervisor:
        with pytest.raises(NotReady, match="'small' is being loaded") as caught:
            await pid_of(supervisor, model(tiny_chat_gguf))
        assert (caught.value.status, int(caught.value.headers["retry-after"]) > 0) == (503, True)
        assert await loaded(supervisor, model(tiny_chat_gguf))


async def test_a_model_larger_than_the_limit_is_refused_before_it_is_loaded(
    tiny_chat_gguf: Path,
) -> None:
    async with supervising(memory_limit_bytes=1024) as supervisor:
        with pytest.raises(ModelUnusable, match=r"needs about .* local\.memory_limit_bytes"):
            await pid_of(supervisor, model(tiny_chat_gguf))


def broken_copies(path: Path, folder: Path) -> tuple[Path, Path]:
    """Return a copy without its end, and one of an architecture that nobody knows."""
    whole = path.read_bytes()
    truncated, foreign = folder / "truncated.gguf", folder / "foreign.gguf"
    truncated.write_bytes(whole[:-100])  # Its header shows nothing of that.
    foreign.write_bytes(whole.replace(b"qwen3", b"qwen9"))
    return truncated, foreign


async def test_files_that_cannot_be_loaded(tmp_path: Path, tiny_chat_gguf: Path) -> None:
    truncated, foreign = broken_copies(tiny_chat_gguf, tmp_path)
    async with supervising() as supervisor:
        with pytest.raises(ModelUnusable, match=r"'truncated'.* is cut off or damaged"):
            await pid_of(supervisor, model(truncated, "truncated"))
        for _ in range(2):  # The second time without trying.
            with pytest.raises(ModelUnusable, match="'qwen9' is unknown"):
                await pid_of(supervisor, model(foreign, "foreign"))
        assert await pid_of(supervisor, model(tiny_chat_gguf))


async def test_a_load_that_takes_too_long_is_given_up(tiny_chat_gguf: Path) -> None:
    async with supervising(load_timeout_s=0.01) as supervisor:
        with pytest.raises(ModelUnusable, match=r"longer than 0\.01 s"):
            await pid_of(supervisor, model(tiny_chat_gguf))


def test_what_a_model_inherits(tiny_chat_gguf: Path, tiny_embedding_gguf: Path) -> None:
    shared = LocalSettings(context_length=50_000, slots=3, threads=2, batch_size=16)
    fields = {"plain": {"path": tiny_chat_gguf}, "own": {"path": tiny_chat_gguf, "slots": 1}}
    settings = Settings(local={"models": {**fields, "vectors": {"path": tiny_embedding_gguf}}})
    plain, own, vectors = (launch(m, shared) for m in LocalModels(settings).all()[:3])
    assert (plain.slots, plain.threads, plain.batch_size) == (3, 2, 16)
    assert plain.context_length == 32_768, "what the model was made for"
    assert own.slots == 1
    assert (vectors.is_embedding, vectors.slots, vectors.batch_size) == (True, 1, 32_768)
    assert plain.key != own.key
