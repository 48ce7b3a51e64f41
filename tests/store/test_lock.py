import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from understudy.errors import StartupError
from understudy.store.lock import ServeLock, running_url

URL = "http://127.0.0.1:8000"

SERVE = """
import pathlib, sys
from understudy.store.lock import ServeLock

with ServeLock(pathlib.Path(sys.argv[1])) as lock:
    if sys.argv[2]:
        lock.announce(sys.argv[2])
    print("serving", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_server(data_dir: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SERVE, str(data_dir), url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        yield process
        process.kill()


def test_a_second_server_is_told_who_was_first(tmp_path: Path) -> None:
    with another_server(tmp_path, URL) as first:
        assert running_url(tmp_path) == URL
        with pytest.raises(StartupError) as refusal, ServeLock(tmp_path):
            pass
    assert URL in refusal.value.message
    assert f"process {first.pid}" in refusal.value.message
    assert "--data-dir" in refusal.value.message


def test_a_refused_server_leaves_the_first_ones_url(tmp_path: Path) -> None:
    with another_server(tmp_path, URL):
        with pytest.raises(StartupError), ServeLock(tmp_path):
            pass
        assert running_url(tmp_path) == URL


def test_a_server_that_is_starting_has_the_lock_and_no_url(tmp_path: Path) -> None:
    with another_server(tmp_path, "") as first:
        assert running_url(tmp_path) is None
        with pytest.raises(StartupError, match=rf"still starting \(process {first.pid}\)"):
            ServeLock(tmp_path).__enter__()


def test_a_killed_server_leaves_neither_lock_nor_url(tmp_path: Path) -> None:
    with another_server(tmp_path, URL) as first:
        first.kill()
        first.wait()
        assert URL in (tmp_path / "serve.lock").read_text()
        assert running_url(tmp_path) is None
        with ServeLock(tmp_path) as lock:
            assert running_url(tmp_path) is None
            lock.announce("http://127.0.0.1:9000")
            assert running_url(tmp_path) == "http://127.0.0.1:9000"


def test_a_server_that_ended_lets_the_next_one_start(tmp_path: Path) -> None:
    for _ in range(2):
        with ServeLock(tmp_path) as lock:
            lock.announce(URL)
        assert running_url(tmp_path) is None


def test_a_child_process_does_not_keep_the_lock(tmp_path: Path) -> None:
    with ServeLock(tmp_path):
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
        )
    try:
        with ServeLock(tmp_path):
            pass
    finally:
        child.communicate(b"\n")


def test_a_command_that_looks_does_not_refuse_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = os.open(tmp_path / "serve.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_EX)
    monkeypatch.setattr(
        "understudy.store.lock.time.sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN)
    )
    with ServeLock(tmp_path) as lock:
        lock.announce(URL)
        assert running_url(tmp_path) == URL
    os.close(looking)


def test_nothing_runs_where_there_is_no_data_directory(tmp_path: Path) -> None:
    assert running_url(tmp_path / "missing") is None
    assert running_url(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_lock_creates_the_data_directory_for_its_owner_alone(tmp_path: Path) -> None:
    with ServeLock(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "data" / "serve.lock").stat().st_mode & 0o777 == 0o600


def test_a_data_directory_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StartupError, match="Not a directory"),
        ServeLock(tmp_path / "file" / "data"),
    ):
        pass
