"""`python -m bench.runs`: what runs cost on a model that answers at once."""

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from bench.processes import cpu_s
from bench.runs.client import Client, Streamed, together
from bench.servers import Server, understudy, upstream

_WARM_UP = 10
_CHUNKS = 20
_PACE_MS = 20.0
_MESSAGES = 100


def main() -> None:
    """Measure and print one figure a line as soon as it is known."""
    options = _options()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before the run\n")
    print("| figure | value | target |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="understudy-runs-") as name:
        asyncio.run(_measure(Path(name), options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.runs", description=__doc__)
    parser.add_argument("--runs", type=int, default=400, help="runs one after another")
    parser.add_argument("--streams", type=int, default=200, help="streams at the same time")
    return parser.parse_args()


async def _measure(folder: Path, options: argparse.Namespace) -> None:
    with _served(folder / "fast", 2, 0.0) as server:
        async with Client(server.endpoint.port, server.endpoint.model) as client:
            async for row in _fast(client, server, options.runs):
                _print(*row)
    with _served(folder / "paced", _CHUNKS, _PACE_MS) as server:
        async with Client(server.endpoint.port, server.endpoint.model) as client:
            async for row in _side_by_side(client, server, options.streams):
                _print(*row)


async def _fast(client: Client, server: Server, runs: int) -> AsyncIterator[tuple[str, str, str]]:
    for _ in range(_WARM_UP):
        await client.run(await client.thread())
    threads = [await client.thread() for _ in range(runs)]
    alone = [await client.run(thread) for thread in threads[: runs // 4]]
    yield "created to first token, p50", _ms(_first_tokens(alone)), "< 25 ms"
    yield "created to end, p50", _ms([each.end_s for each in alone]), ""

    left = iter(threads[runs // 4 :])
    before_s, began = cpu_s(server.pid), time.perf_counter()
    await together([_run_all(client, left) for _ in range(8)])
    spent_s = cpu_s(server.pid) - before_s
    done = runs - runs // 4
    yield "complete runs a second of CPU", f"{done / spent_s:.0f}", ">= 60"
    yield (
        "complete runs a second, 8 side by side",
        f"{done / (time.perf_counter() - began):.0f}",
        "",
    )

    path = f"/threads/{await client.thread(_MESSAGES)}/messages?limit={_MESSAGES}"
    reads = [await client.get(path) for _ in range(100)]
    yield f"reading a thread of {_MESSAGES} messages, p50", _ms(reads), "< 8 ms"


async def _run_all(client: Client, threads: Iterator[str]) -> None:
    for thread in threads:
        await client.run(thread)


async def _side_by_side(
    client: Client, server: Server, streams: int
) -> AsyncIterator[tuple[str, str, str]]:
    threads = [await client.thread() for _ in range(streams)]
    before_s = cpu_s(server.pid)
    done = await together([client.run(thread) for thread in threads])
    spent_s = cpu_s(server.pid) - before_s
    for thread in threads:
        await client.check_numbers(thread)
    paced_s = _CHUNKS * _PACE_MS / 1000
    yield f"{streams} streams side by side, events lost", "0", "0"
    yield "their first token, p50", _ms(_first_tokens(done)), ""
    yield "their end later than the model's, p50", _ms([d.end_s - paced_s for d in done]), ""
    yield "their CPU", f"{spent_s / streams * 1000:.0f} ms a run", ""


def _first_tokens(runs: list[Streamed]) -> list[float]:
    return [each.first_token_s for each in runs]


@contextlib.contextmanager
def _served(folder: Path, chunks: int, pace_ms: float) -> Iterator[Server]:
    """Run the server on a model whose streams have `chunks` chunks `pace_ms` apart."""
    folder.mkdir()
    with (
        upstream(folder, chunks, pace_ms) as model,
        understudy(folder, model.endpoint.port) as server,
    ):
        yield server


def _ms(times_s: list[float]) -> str:
    return f"{statistics.median(times_s) * 1000:.1f} ms"


def _print(figure: str, value: str, target: str) -> None:
    print(f"| {figure} | {value} | {target} |", flush=True)


if __name__ == "__main__":
    main()
