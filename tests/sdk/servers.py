"""Understudy as a process of its own, on a free port and in a data directory of its own."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from understudy.store.lock import running_url

ANY_KEY = "any"
_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 20
_POLL_S = 0.05
_PREFIXES = ("UNDERSTUDY_", "OPENAI_", "DASHSCOPE_", "VLLM_", "LLAMA_", "LANGSMITH_", "LANGCHAIN_")


@dataclass(frozen=True)
class RunningServer:
    """What a client must know of a server."""

    base_url: str
    key: str
    log: Path
    """What the server printed and logged."""

    @property
    def address(self) -> str:
        return self.base_url.removesuffix("/v1")


def clean_environ(**variables: str) -> dict[str, str]:
    """Return this process's environment without anything that clients or the server would read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIXES)}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_PROXY": "127.0.0.1,localhost", **variables}


@contextmanager
def running_server(
    folder: Path, settings: str = "", environ: Mapping[str, str] | None = None, key: str = ANY_KEY
) -> Iterator[RunningServer]:
    """Run `understudy serve` in `folder`, with `settings` as its understudy.toml.

    A `key` other than ANY_KEY is created first, so that requests need it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "understudy.toml").write_text(settings, encoding="utf-8")
    variables = clean_environ(**(environ or {}))
    data_dir = folder / "data"
    if key != ANY_KEY:
        create = _understudy("keys", "create", "--value", key, "--data-dir", str(data_dir))
        subprocess.run(create, cwd=folder, env=variables, check=True, capture_output=True)
    log = folder / "serve.log"
    command = _understudy("serve", "--port", "0", "--data-dir", str(data_dir))
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=folder, env=variables, stdout=output, stderr=output
        ) as server,
    ):
        try:
            yield RunningServer(_wait_until_healthy(server, data_dir, log), key, log)
        finally:
            _end(server)


def _understudy(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "understudy", *arguments]


def _wait_until_healthy(server: subprocess.Popen[bytes], data_dir: Path, log: Path) -> str:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        base_url = running_url(data_dir)
        if base_url and _is_healthy(base_url.removesuffix("/v1")):
            return base_url
        time.sleep(_POLL_S)
    raise AssertionError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


def _is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
