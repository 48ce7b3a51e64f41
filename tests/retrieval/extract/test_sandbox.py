"""The child that parses: limits hold, nothing leaks in, nothing is left behind."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import anyio
import psutil
import pytest
from tests.retrieval.extract.documents import blocks_of, spanish_guide, write

from understudy.retrieval.extract import Block, ExtractionFailed, Limits, frames
from understudy.retrieval.extract.sandbox import extract_in_child

pytestmark = pytest.mark.anyio
_PATIENCE_S = 30

_PARENT = """
import sys
from pathlib import Path
import anyio, psutil
from understudy.retrieval.extract.sandbox import extract_in_child

async def main():
    async for block in extract_in_child(Path(sys.argv[1]), "big.txt"):
        print(*[child.pid for child in psutil.Process().children()], flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""
_NOISY = """
import os
from understudy.retrieval.extract import worker

quiet = worker.extract
def noisy(*arguments):
    print("a library speaks", flush=True)
    os.write(1, b"in C too")
    return quiet(*arguments)
worker.extract = noisy
worker.main()
"""
_LIMITS = """
import json, resource
from understudy.retrieval.extract.blocks import Limits
from understudy.retrieval.extract.confinement import confine

confine(Limits(time_s=7, memory_bytes=300 << 20))
names = ("RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_NOFILE")
print(json.dumps({name: resource.getrlimit(getattr(resource, name)) for name in names}))
"""


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Return a text of 20 MB, far more than pipes hold."""
    return write(tmp_path / "big.txt", "palabra y más palabras\n" * 850_000)


async def failure(path: Path, limits: Limits) -> str:
    with pytest.raises(ExtractionFailed) as caught:
        async with aclosing(extract_in_child(path, path.name, limits)) as blocks:
            async for _ in blocks:
                pass
    assert children() == []
    return f"{caught.value.code}: {caught.value.message}"


def children() -> list[psutil.Process]:
    """Return the parsing children of this process, zombies included."""
    return [child for child in psutil.Process().children() if "extract.worker" in _command(child)]


def _command(process: psutil.Process) -> str:
    # A zombie has no command line any more, and counts as one that was left.
    if process.status() == psutil.STATUS_ZOMBIE:
        return "extract.worker"
    return " ".join(process.cmdline())


@contextmanager
def started(script: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_the_blocks_are_those_of_the_parser(tmp_path: Path) -> None:
    path = spanish_guide(tmp_path / "guía.pdf")
    assert [block async for block in extract_in_child(path, "guía.pdf")] == blocks_of(path)
    assert children() == []


async def test_a_failure_arrives_with_its_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"")
    assert await failure(path, Limits()) == "invalid_file: The file is empty."


async def test_blocks_before_a_failure_arrive_too(big: Path) -> None:
    seen = 0
    with pytest.raises(ExtractionFailed, match="more than 5,000,000 characters"):
        async for block in extract_in_child(big, "big.txt", Limits(text_chars=5_000_000)):
            seen += len(block.text)
    assert 4_000_000 < seen <= 5_000_000


async def test_time_is_limited(big: Path) -> None:
    message = await failure(big, Limits(time_s=0.01))
    assert message.startswith("invalid_file: Reading the file took more than 0.01 seconds")


async def test_memory_is_limited(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", "[" + "0.5," * 5_000_000 + "1]")
    message = await failure(path, Limits(memory_bytes=100 << 20))
    assert message.startswith("invalid_file: Reading the file took more than 100 MiB of memory")


async def test_long_text_needs_little_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "número;nota\n" + "1234;una nota cualquiera\n" * 400_000)
    chars = 0
    async for block in extract_in_child(path, "a.csv", Limits(memory_bytes=48 << 20)):
        chars += len(block.text)
    assert chars > 14_000_000


def test_the_system_limits_are_set() -> None:
    with started(_LIMITS) as process:
        output, _ = process.communicate(timeout=_PATIENCE_S)
    assert json.loads(output) == {
        "RLIMIT_CPU": [8, 8],
        "RLIMIT_DATA": [300 << 20] * 2,
        "RLIMIT_FSIZE": [0, 0],
        "RLIMIT_CORE": [0, 0],
        "RLIMIT_NOFILE": [64, 64],
    }


async def test_the_child_knows_no_secret(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-secret")
    monkeypatch.setenv("LANG", "es_ES.UTF-8")
    async with aclosing(extract_in_child(big, "big.txt")) as blocks:
        await anext(blocks)
        (child,) = children()
        environment = child.environ()
    assert environment["LANG"] == "es_ES.UTF-8"
    assert set(environment) <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP"}


async def test_leaving_early_ends_the_child(big: Path) -> None:
    async with aclosing(extract_in_child(big, "big.txt")) as blocks:
        await anext(blocks)
        assert len(children()) == 1
    assert children() == []


async def test_cancellation_ends_the_child(big: Path) -> None:
    with anyio.CancelScope() as scope:
        async with aclosing(extract_in_child(big, "big.txt")) as blocks:
            async for _ in blocks:
                scope.cancel()
                await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert children() == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
async def test_a_child_that_dies_is_a_failure_in_words(big: Path, how: signal.Signals) -> None:
    with pytest.raises(ExtractionFailed) as caught:
        async with aclosing(extract_in_child(big, "big.txt")) as blocks:
            await anext(blocks)
            children()[0].send_signal(how)
            await _drain(blocks)
    assert caught.value.code == "server_error"
    assert f"died (killed by signal {how.value})" in caught.value.message
    assert children() == []


async def _drain(blocks: AsyncIterator[Block]) -> None:
    async for _ in blocks:
        pass


def test_the_child_dies_with_a_killed_parent(big: Path) -> None:
    with started(_PARENT, str(big)) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(timeout=_PATIENCE_S)


def test_the_child_dies_when_its_input_ends(big: Path) -> None:
    with started("from understudy.retrieval.extract.worker import main; main()") as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(frames.job(big, "big.txt", Limits(), os.getpid()))
        child.stdin.flush()
        assert child.stdout.read(1)
        child.stdin.close()
        assert child.wait(timeout=_PATIENCE_S) == 3


def test_what_libraries_print_spoils_nothing(tmp_path: Path) -> None:
    job = frames.job(write(tmp_path / "a.txt", "hola"), "a.txt", Limits(), os.getpid())
    with started(_NOISY) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(job)
        child.stdin.flush()
        lines = [json.loads(line) for line in child.stdout]
    assert [block["text"] for block in lines[0]["blocks"]] == ["hola"]
    assert lines[1:] == [{"done": True}]


async def test_several_children_work_beside_each_other(big: Path) -> None:
    sizes = []
    whole = sum(len(block.text) for block in blocks_of(big))

    async def read() -> None:
        sizes.append(sum([len(block.text) async for block in extract_in_child(big, "big.txt")]))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(read)
    assert sizes == [whole] * 3
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0
