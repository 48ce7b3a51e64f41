"""A server of our own and what is asked of it: files sent and read, and chats meanwhile."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from bench.client import Endpoint, latencies_s
from bench.ingest.corpus import LAST_WORD
from bench.processes import free_port, running, wait_until_healthy

MODEL = "understudy-extractive"
_LIMIT_S = 900.0
_LOOK_EVERY_S = 0.05
_ON_CORES = "import os, sys; os.sched_setaffinity(0, {cores}); os.execv(sys.argv[1], sys.argv[1:])"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server with the embedded model."""

    pid: int
    endpoint: Endpoint
    client: httpx2.Client


@dataclass(frozen=True, slots=True)
class Read:
    """How long it took to send a file, and then until a search found its end or time was up."""

    upload_s: float
    ingest_s: float
    is_complete: bool
    stored_bytes: int
    """Of chunks, which overlap."""


@contextlib.contextmanager
def serving(folder: Path, cores: set[int]) -> Iterator[Server]:
    """Run `understudy serve` on these processor cores, with its own settings alone."""
    port = free_port()
    data = folder / f"data-{port}"
    command = [
        sys.executable, "-c", _ON_CORES.format(cores=cores),
        sys.executable, "-m", "understudy", "serve", f"--port={port}", f"--data-dir={data}",
    ]  # fmt: skip
    environ = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSTUDY_")}
    with running(command, folder, environ) as process:
        wait_until_healthy(process, port, "/health")
        url = f"http://127.0.0.1:{port}/v1"
        with httpx2.Client(base_url=url, timeout=_LIMIT_S, trust_env=False) as client:
            yield Server(process.pid, Endpoint(port, MODEL), client)


def read_file(server: Server, path: Path, limit_s: float = _LIMIT_S) -> Read:
    """Send a file, add it to a vector store, and wait until a search finds its last word."""
    store_id = _answer(server.client.post("/vector_stores", json={}))["id"]
    began_s = time.perf_counter()
    with path.open("rb") as file:
        form = {"files": {"file": (path.name, file)}, "data": {"purpose": "assistants"}}
        file_id = _answer(server.client.post("/files", **form))["id"]
    sent_s = time.perf_counter()
    files = f"/vector_stores/{store_id}/files"
    state = _answer(server.client.post(files, json={"file_id": file_id}))
    while state["status"] == "in_progress" and time.perf_counter() < sent_s + limit_s:
        time.sleep(_LOOK_EVERY_S)
        state = _answer(server.client.get(f"{files}/{file_id}"))
    is_complete = state["status"] == "completed"
    if is_complete:
        _find_the_end(server, store_id)
    else:
        assert state["status"] == "in_progress", state
    ingest_s = time.perf_counter() - sent_s
    return Read(sent_s - began_s, ingest_s, is_complete, state["usage_bytes"])


def _find_the_end(server: Server, store_id: str) -> None:
    query = {"query": LAST_WORD, "max_num_results": 1}
    found = _answer(server.client.post(f"/vector_stores/{store_id}/search", json=query))["data"]
    assert LAST_WORD in found[0]["content"][0]["text"]


class ChatsBeside:
    """Plain chats one after another on one connection, from `with` to its end."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._chat)
        self.latencies_s: list[float] = []

    def __enter__(self) -> "ChatsBeside":
        """Begin to chat."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End with the chat that is going on."""
        self._stop.set()
        self._thread.join()

    def _chat(self) -> None:
        while not self._stop.is_set():
            self.latencies_s += latencies_s(self._endpoint, 10)


def _answer(response: httpx2.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()
