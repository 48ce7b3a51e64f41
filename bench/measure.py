"""Takes the figures of one run. The servers take turns in short rounds, so that a slow moment of
the machine falls on all of them.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.client import latencies_s, read_streams, send_requests
from bench.processes import cpu_s, resident_mb
from bench.servers import Server

_T = TypeVar("_T")
_HELP_RUNS = 5
_SETTLED_AFTER = 100


@dataclass(frozen=True, slots=True)
class Load:
    """How much one run sends; each number is a total over the rounds, per server."""

    requests: int
    latency_requests: int
    streams: int
    rounds: int


@dataclass(slots=True)
class Figures:
    """What a run found, by the server's name where several were measured."""

    cpu_plain_s: dict[tuple[str, int], float] = field(default_factory=dict)
    """CPU per plain request, by server and number of connections."""
    cpu_chunk_s: dict[str, float] = field(default_factory=dict)
    latency_s: dict[str, list[float]] = field(default_factory=dict)
    start_s: float = 0.0
    idle_mb: float = 0.0
    settled_mb: float = 0.0
    help_s: float = 0.0


async def measure(servers: list[Server], load: Load) -> Figures:
    """Measure every server, the last of which is Understudy."""
    ours = servers[-1]
    figures = Figures(start_s=ours.start_s, idle_mb=resident_mb(ours.pid))
    _progress("warming up")
    for server in servers:
        await send_requests(server.endpoint, _SETTLED_AFTER, 1)
    figures.settled_mb = resident_mb(ours.pid)
    proxies = servers[1:]
    for connections in (1, 16):
        _progress(f"plain requests over {connections} connections")
        used_s = await _cpu_per_request(proxies, load, connections)
        figures.cpu_plain_s |= {(name, connections): each for name, each in used_s.items()}
    _progress("latency at one connection")
    for server in _turns(servers, load.rounds):
        taken = latencies_s(server.endpoint, max(1, load.latency_requests // load.rounds))
        figures.latency_s.setdefault(server.name, []).extend(taken)
    _progress("paced streams")
    figures.cpu_chunk_s = await _cpu_per_chunk(proxies, load)
    _progress("understudy --help")
    figures.help_s = _help_s()
    return figures


async def _cpu_per_request(servers: list[Server], load: Load, connections: int) -> dict[str, float]:
    each = max(1, load.requests // load.rounds)
    used_s: dict[str, float] = {}
    for server in _turns(servers, load.rounds):
        spent_s, _ = await _cpu_of(server, lambda s: send_requests(s.endpoint, each, connections))
        used_s[server.name] = used_s.get(server.name, 0.0) + spent_s
    return {name: spent_s / (each * load.rounds) for name, spent_s in used_s.items()}


async def _cpu_per_chunk(servers: list[Server], load: Load) -> dict[str, float]:
    used_s: dict[str, float] = {}
    chunks: dict[str, int] = {}
    for server in _turns(servers, load.rounds):
        spent_s, count = await _cpu_of(server, lambda s: read_streams(s.endpoint, load.streams))
        used_s[server.name] = used_s.get(server.name, 0.0) + spent_s
        chunks[server.name] = chunks.get(server.name, 0) + count
    return {name: spent_s / chunks[name] for name, spent_s in used_s.items()}


async def _cpu_of(server: Server, work: Callable[[Server], Awaitable[_T]]) -> tuple[float, _T]:
    """Return the CPU time that `work` costs `server`, and what it returned."""
    before_s = cpu_s(server.pid)
    result = await work(server)
    return cpu_s(server.pid) - before_s, result


def _turns(servers: list[Server], rounds: int) -> Iterator[Server]:
    for _ in range(rounds):
        yield from servers


def _help_s() -> float:
    """Return the median time that `understudy --help` takes."""
    script = Path(sys.executable).with_name("understudy")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "understudy"]
    taken = []
    for _ in range(_HELP_RUNS):
        began = time.perf_counter()
        subprocess.run([*command, "--help"], check=True, stdout=subprocess.DEVNULL, env=os.environ)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _progress(step: str) -> None:
    print(f"  {step} ...", file=sys.stderr, flush=True)
