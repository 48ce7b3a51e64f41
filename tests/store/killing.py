"""Kills a process at its n-th step, for every n; steps are what it does to disk and database.

`python -m tests.store.killing SCENARIO URL DATA_DIR` forks a child for each n, prints what the
child said and whether it was killed, and ends with the first child that comes to its end.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from sqlalchemy import Engine, event

from understudy.store import blobs as blobs_module
from understudy.store.blobs import Blobs, keep, release, sweep
from understudy.store.db import open_store
from understudy.store.files import Files, NewFile
from understudy.store.idempotency import Creation
from understudy.store.keys import project_id
from understudy.store.storage import Storage
from understudy.store.uploads import Uploads

CONTENTS = 2
Say = Callable[..., None]
_AUDITED = frozenset({"open", "os.link", "os.mkdir", "os.remove"})


@dataclass(frozen=True)
class Death:
    """What a child had said when it was killed, or came to its end."""

    was_killed: bool
    said: list[list[Any]]


def deaths(scenario: str, url: str | None, data_dir: Path) -> Iterator[Death]:
    """Yield the death of a child at every step of the scenario; the last one lives."""
    command = [sys.executable, "-m", __name__, scenario, url or "", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield Death(**json.loads(line))
    assert process.returncode == 0


def content_of(number: int) -> bytes:
    """Return the content of the child that dies at this step: few, so that sweeps stay short."""
    return b"content %d" % (number % CONTENTS)


class Steps:
    """Counts steps from `begin` on and dies at the one that was chosen."""

    def __init__(self, fatal: int) -> None:
        self._left: int | None = None
        self._fatal = fatal

    def begin(self) -> None:
        self._left = self._fatal

    def step(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._left is not None:
            self._left -= 1

    def watch(self, data_dir: str) -> None:
        def audit(name: str, arguments: tuple[Any, ...]) -> None:
            if name in _AUDITED and str(arguments[0]).startswith(data_dir):
                self.step()

        def executed(*_: Any) -> None:
            self.step()

        sys.addaudithook(audit)
        for name in ("before_cursor_execute", "after_cursor_execute", "commit", "checkin"):
            event.listen(_event_target(name), name, executed)
        real = os.fsync

        def fsync(file: int) -> None:
            self.step()
            real(file)
            self.step()

        blobs_module.os.fsync = fsync


def _event_target(name: str) -> Any:
    from sqlalchemy.pool import Pool

    return Pool if name == "checkin" else Engine


async def _blob(storage: Storage, content: bytes, steps: Steps, say: Say) -> None:
    """Keep a content twice, release it once, sweep."""
    steps.begin()
    for _ in range(2):
        async with storage.blobs.writing() as writer:
            await writer.write(content)
            blob = await writer.finish()
            await storage.blobs.place(blob)
            async with storage.database.write() as connection:
                await keep(connection, storage.blobs, blob)
        say("kept")
    say("releasing")
    async with storage.database.write() as connection:
        await release(connection, [blob.sha256])
    say("released")
    await sweep(storage.database, storage.blobs)


async def _upload(storage: Storage, content: bytes, steps: Steps, say: Say) -> None:
    """Complete an upload of two parts."""
    uploads = Uploads(storage, await project_id(storage.database))
    upload = await uploads.create(NewFile("a.txt", "vision"), 2 * len(content), 3600)
    parts = []
    for data in (content, content[::-1]):
        async with storage.blobs.writing() as writer:
            await writer.write(data)
            parts.append((await uploads.add_part(upload.id, await writer.finish())).id)
    say("pending", upload.id, parts)
    steps.begin()
    completed = await uploads.complete(upload.id, parts, None)
    assert completed.file is not None
    say("completed", completed.file.id)


async def _file(storage: Storage, content: bytes, steps: Steps, say: Say) -> None:
    """Create a file."""
    files = Files(storage, await project_id(storage.database))
    steps.begin()
    async with storage.blobs.writing() as writer:
        await writer.write(content)
        file = await files.create(NewFile("a.txt", "vision"), await writer.finish())
    say("created", file.id)


async def _keyed_file(storage: Storage, content: bytes, steps: Steps, say: Say) -> None:
    """Create a file by a request that every child of this content repeats."""
    project = await project_id(storage.database)
    creation = Creation(project, content.decode(), content)
    steps.begin()
    async with storage.blobs.writing() as writer:
        await writer.write(content)
        blob = await writer.finish()
        file = await Files(storage, project).create(NewFile("a.txt", "vision"), blob, creation)
    say("created", file.id)


Scenario = Callable[[Storage, bytes, Steps, Say], Awaitable[None]]
_SCENARIOS: dict[str, Scenario] = {
    "blob": _blob,
    "upload": _upload,
    "file": _file,
    "keyed_file": _keyed_file,
}


async def _run(scenario: Scenario, url: str, data_dir: str, n: int, say: Say) -> None:
    steps = Steps(n)
    steps.watch(data_dir)
    async with open_store(url or None, Path(data_dir)) as store:
        storage = Storage()
        storage.open(store, Blobs(Path(data_dir) / "blobs"))
        await scenario(storage, content_of(n), steps, say)


def _child(scenario: str, url: str, data_dir: str, n: int) -> Death:
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:

        def say(*words: Any) -> None:
            os.write(writing, json.dumps(words).encode() + b"\n")

        anyio.run(_run, _SCENARIOS[scenario], url, data_dir, n, say)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        words = [json.loads(line) for line in said]
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return Death(was_killed=status != 0, said=words)


def main(scenario: str, url: str, data_dir: str) -> None:
    for n in itertools.count():
        death = _child(scenario, url, data_dir, n)
        print(json.dumps({"was_killed": death.was_killed, "said": death.said}), flush=True)
        if not death.was_killed:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
