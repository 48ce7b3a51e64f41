"""Kills a backup or a restore at its n-th step; steps are what it does to the disk and to
PostgreSQL, of which there are so many that only some of them are chosen.

`python -m tests.store.killing_copies WORK URL DATA_DIR ARCHIVE` forks a child for each n, tells of
its death on a line of its own, waits for an answer, and ends with the first child that lives.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from understudy.store.backup import back_up
from understudy.store.location import locate
from understudy.store.restore import restore

_AUDITED = frozenset(
    {
        "open",
        "os.chmod",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "sqlite3.connect",
    }
)
_STATEMENTS = ("before_cursor_execute", "after_cursor_execute", "commit")
_EVERY_POSTGRES_STEP = 11
Work = Callable[..., object]
_WORKS: dict[str, Work] = {"backup": back_up, "restore": restore}


@contextmanager
def deaths(work: str, url: str | None, data_dir: Path, archive: Path) -> Iterator[Iterator[bool]]:
    """Give an iterator that runs the work to its next death, and tells whether it was killed.

    Whoever iterates may look at what is left, and change it, before the next one begins.
    """
    command = [sys.executable, "-m", __name__, work, url or "", str(data_dir), str(archive)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        yield _deaths(process)
        process.stdin.close()
    assert process.returncode == 0


def _deaths(process: "subprocess.Popen[str]") -> Iterator[bool]:
    assert process.stdin is not None and process.stdout is not None
    was_killed = True
    while was_killed:
        process.stdin.write("next\n")
        process.stdin.flush()
        was_killed = json.loads(process.stdout.readline())
        yield was_killed


def _watch(fatal: int, places: tuple[str, ...]) -> None:
    """Kill this process at the step of this number."""
    steps = itertools.count()

    def step() -> None:
        if next(steps) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, arguments: tuple[Any, ...]) -> None:
        if name in _AUDITED and str(arguments[0]).startswith(places):
            step()

    sys.addaudithook(audit)
    for name in _STATEMENTS:
        event.listen(Engine, name, lambda *_: step())


def _silent(what: str, done_bytes: int, total_bytes: int) -> None:
    """Take a report of progress."""


def _child(work: Work, url: str, data_dir: str, archive: str, n: int) -> bool:
    """Run the work in a child that dies at its n-th step; tell whether it did."""
    if (pid := os.fork()) == 0:
        _watch(n, (data_dir, str(Path(archive).parent), f"file://{data_dir}"))
        work(locate(url or None, Path(data_dir)), Path(data_dir), Path(archive), _silent)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return status != 0


def main(work: str, url: str, data_dir: str, archive: str) -> None:
    for n in itertools.count(step=_EVERY_POSTGRES_STEP if url else 1):
        if not sys.stdin.readline():
            return
        was_killed = _child(_WORKS[work], url, data_dir, archive, n)
        print(json.dumps(was_killed), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
