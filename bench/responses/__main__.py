"""`python -m bench.responses`: what a response costs, stored and not, beside a chat completion.

All of them are asked in turn on one connection, so that a slow moment of the machine falls on all.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.processes import cpu_s
from bench.servers import Server, understudy, upstream

_WARM_UP = 20
_CHUNKS = 20
_QUESTION = "What does the quick brown fox do?"
_INPUT = {"input": _QUESTION}
_MESSAGES = [{"role": "user", "content": _QUESTION}]
_IN_CONVERSATION = "response in a new conversation"


def main() -> None:
    """Measure and print one line a kind of request."""
    parser = argparse.ArgumentParser(prog="python -m bench.responses", description=__doc__)
    parser.add_argument("--requests", type=int, default=400, help="requests of each kind")
    requests = parser.parse_args().requests
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before the run\n")
    print("| request | p50 | p95 | CPU | target |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="understudy-responses-") as name:
        folder = Path(name)
        with (
            upstream(folder, _CHUNKS, 0.0) as model,
            understudy(folder, model.endpoint.port) as server,
        ):
            for row in _rows(server, requests):
                print(row, flush=True)


def _rows(server: Server, requests: int) -> Iterator[str]:
    client = _Client(server)
    kinds: dict[str, tuple[str, dict[str, Any], str]] = {
        "chat completion": ("/chat/completions", {"messages": _MESSAGES}, ""),
        "response, store: false": ("/responses", {**_INPUT, "store": False}, "< 4 ms"),
        "response": ("/responses", _INPUT, "< 12 ms"),
        _IN_CONVERSATION: ("/responses", _INPUT, ""),
        "response, streamed": ("/responses", {**_INPUT, "stream": True}, ""),
    }
    taken_s: dict[str, list[float]] = {name: [] for name in kinds}
    spent_s = dict.fromkeys(kinds, 0.0)
    for number in range(_WARM_UP + requests):
        for name, (path, body, _) in kinds.items():
            if name == _IN_CONVERSATION:
                body = {**body, "conversation": client.post("/conversations", {})["id"]}
            before_s, began = cpu_s(server.pid), time.perf_counter()
            client.send(path, body)
            if number >= _WARM_UP:
                taken_s[name].append(time.perf_counter() - began)
                spent_s[name] += cpu_s(server.pid) - before_s
    for name, (_, _, target) in kinds.items():
        p50, p95 = statistics.median(taken_s[name]), statistics.quantiles(taken_s[name], n=20)[-1]
        used = f"{spent_s[name] / requests * 1000:.1f} ms"
        yield f"| {name} | {p50 * 1000:.1f} ms | {p95 * 1000:.1f} ms | {used} | {target} |"


class _Client:
    """A client with one kept connection, which does little itself."""

    def __init__(self, server: Server) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.endpoint.port, timeout=30)
        self._model = server.endpoint.model

    def send(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Return the answer to a request, whole."""
        sent = json.dumps({**body, "model": self._model})
        head = {"content-type": "application/json"}
        self._connection.request("POST", f"/v1{path}", sent, head)
        with self._connection.getresponse() as answer:
            content = answer.read()
            if answer.status != 200:
                raise ValueError(f"{path} was answered with {answer.status}: {content!r}")
        return content

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON of the answer to a request."""
        return json.loads(self.send(path, body))


if __name__ == "__main__":
    main()
