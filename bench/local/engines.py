"""The two ways to the same engine: through `understudy serve`, and its child asked directly."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.processes import StartFailed, free_port, running, wait_until_healthy
from understudy import children
from understudy.engines.llama.child import ENVIRONMENT, Launch, Report
from understudy.engines.llama.launches import launch
from understudy.engines.llama.models import LocalModel
from understudy.settings.local import LocalModelSettings, LocalSettings

_NAME = "bench"
_MODULE = "understudy.engines.llama.child"
_LOAD_LIMIT_S = 300.0
_POLL_S = 0.5
_LOADING = 503
_CACHE_BYTES = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class Shape:
    """How the model is run, the same on both ways."""

    slots: int
    context_length: int


@dataclass(frozen=True, slots=True)
class Target:
    """Where the model is asked."""

    name: str
    base_url: str
    model: str
    key: str


@contextlib.contextmanager
def through_understudy(model: Path, shape: Shape, folder: Path) -> Iterator[Target]:
    """Run `understudy serve` with the model loaded."""
    port = free_port()
    config = folder / "understudy.toml"
    config.write_text(
        f"[local.models.{_NAME}]\npath = {json.dumps(str(model))}\npreload = true\n"
        f"slots = {shape.slots}\ncontext_length = {shape.context_length}\n"
        f"prompt_cache_bytes = {_CACHE_BYTES}\n"
    )
    command = [
        sys.executable, "-m", "understudy", "serve",
        f"--port={port}", f"--data-dir={folder / 'data'}", f"--config={config}",
    ]  # fmt: skip
    environ = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSTUDY_")}
    with running(command, folder, environ) as process:
        wait_until_healthy(process, port, "/health")
        _wait_until_loaded(port)
        yield Target("Understudy", f"http://127.0.0.1:{port}/v1", f"local/{_NAME}", "")


@contextlib.contextmanager
def directly(model: Path, shape: Shape) -> Iterator[Target]:
    """Run the engine's child alone, with what the server would tell it."""
    told = _launch(model, shape)
    with subprocess.Popen(
        children.command(_MODULE),
        env=children.environment() | ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(told) + b"\n")
        process.stdin.flush()
        try:
            report = msgspec.json.decode(process.stdout.readline(), type=Report)
            yield Target("direct", f"{report.url}/v1", told.name, told.key)
        finally:
            process.kill()


def _launch(model: Path, shape: Shape) -> Launch:
    own = LocalModelSettings(
        path=model,
        slots=shape.slots,
        context_length=shape.context_length,
        prompt_cache_bytes=_CACHE_BYTES,
    )
    return launch(LocalModel(_NAME, model, own), LocalSettings())


def _wait_until_loaded(port: int) -> None:
    """Return when a first, short answer came; until then the model is loading."""
    deadline = time.monotonic() + _LOAD_LIMIT_S
    while (answer := _short_answer(port))[0] == _LOADING and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    if answer[0] != 200:
        raise StartFailed(f"the model was not loaded: {answer[1].decode()}")


def _short_answer(port: int) -> tuple[int, bytes]:
    asked = [{"role": "user", "content": "Hi"}]
    body = {"model": f"local/{_NAME}", "messages": asked, "max_tokens": 1}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LOAD_LIMIT_S)
    with contextlib.closing(connection):
        connection.request(
            "POST",
            "/v1/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
