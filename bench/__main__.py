"""`python -m bench`: one run, one table."""

import argparse
import contextlib
import os
import tempfile
from pathlib import Path

import uvloop

from bench.measure import Figures, Load, measure
from bench.report import rows, table
from bench.servers import nginx, nginx_executable, understudy, upstream

_FULL = Load(requests=3000, latency_requests=1500, streams=50, rounds=3)
_QUICK = Load(requests=600, latency_requests=300, streams=20, rounds=2)
_FULL_CHUNKS = 200
_QUICK_CHUNKS = 50


def main() -> None:
    """Start the servers, measure them, print the table."""
    options = _options()
    load = _load(options)
    if nginx_executable() is None:
        print("nginx is not installed; its column stays empty: apt-get install nginx-light")
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before the run\n")
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        figures = _run(Path(folder), load, options)
    print(table(rows(figures)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a rough figure in under 40 s")
    parser.add_argument("--requests", type=int, help="plain requests per server and concurrency")
    parser.add_argument("--streams", type=int, help="streams side by side, per server")
    parser.add_argument("--chunks", type=int, help="chunks of a stream")
    parser.add_argument("--pace-ms", type=float, default=20.0, help="time between two chunks")
    return parser.parse_args()


def _load(options: argparse.Namespace) -> Load:
    base = _QUICK if options.quick else _FULL
    requests = options.requests or base.requests
    return Load(
        requests=requests,
        latency_requests=min(requests, base.latency_requests),
        streams=options.streams or base.streams,
        rounds=min(base.rounds, requests),
    )


def _run(folder: Path, load: Load, options: argparse.Namespace) -> Figures:
    chunks = options.chunks or (_QUICK_CHUNKS if options.quick else _FULL_CHUNKS)
    with contextlib.ExitStack() as stack:
        direct = stack.enter_context(upstream(folder, chunks, options.pace_ms))
        port = direct.endpoint.port
        between = stack.enter_context(nginx(folder, port))
        ours = stack.enter_context(understudy(folder, port))
        servers = [direct, between, ours] if between else [direct, ours]
        return uvloop.run(measure(servers, load))


if __name__ == "__main__":
    main()
