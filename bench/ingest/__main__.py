"""`python -m bench.ingest`: how fast files are read, in how much memory, and who waits for it."""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.client import latencies_s
from bench.ingest.client import ChatsBeside, Read, read_file, serving
from bench.ingest.corpus import (
    write_csv,
    write_picture_pdf,
    write_table_pdf,
    write_text,
    write_text_pdf,
)
from bench.ingest.watch import MemoryWatch, cpu_with_children_s

_MB = 10**6
_CHATS = 300
_PAGES_TARGET = ">= 20"
_MEMORY_TARGET = "< 300 MB"


@dataclass(frozen=True, slots=True)
class Row:
    """A figure, and what it should be."""

    figure: str
    value: str
    target: str = ""


_SPEED: dict[str, Callable[[Path, int], None]] = {
    "text": write_text_pdf,
    "tables": write_table_pdf,
}
_LARGE: dict[str, Callable[[Path, int], None]] = {
    "txt": write_text,
    "csv": write_csv,
    "pdf": write_picture_pdf,
}


def main() -> None:
    """Measure and print one figure a line as soon as it is known."""
    options = _options()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before the run\n")
    print("| figure | value | target |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="understudy-ingest-") as name:
        for row in _rows(Path(name), options):
            print(f"| {row.figure} | {row.value} | {row.target} |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--pages", type=int, default=400, help="pages of the PDFs timed")
    parser.add_argument("--size-mb", type=float, default=200, help="size of the large files")
    parser.add_argument(
        "--watch-s", type=float, default=120, help="how long a large file may be read at most"
    )
    parser.add_argument(
        "--large", nargs="*", choices=[*_LARGE], default=[*_LARGE], help="large files to read"
    )
    return parser.parse_args()


def _rows(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    for kind in _SPEED:
        yield from _speed(folder, kind, options.pages)
    yield from _beside(folder, options.pages)
    for suffix in options.large:
        yield from _large(folder, suffix, options.size_mb, options.watch_s)


def _speed(folder: Path, kind: str, pages: int) -> Iterator[Row]:
    """Time a PDF on one core: the server's and its child's work together."""
    path = folder / f"{kind}.pdf"
    _SPEED[kind](path, pages)
    with serving(folder, {0}) as server:
        read_file(server, path)  # loads what is loaded once
        before_s = cpu_with_children_s(server.pid)
        read = read_file(server, path)
        used_s = cpu_with_children_s(server.pid) - before_s
    yield Row(f"PDF of {kind}, pages/s on one core", f"{pages / read.ingest_s:.0f}", _PAGES_TARGET)
    yield Row(f"PDF of {kind}, pages per CPU second", f"{pages / used_s:.0f}", _PAGES_TARGET)
    yield Row(f"PDF of {kind}, {pages} pages, until found", f"{read.ingest_s:.1f} s")


def _beside(folder: Path, pages: int) -> Iterator[Row]:
    """Measure chats alone, and while a file is read."""
    path = folder / "text.pdf"
    with serving(folder, set(range(os.cpu_count() or 1))) as server:
        latencies_s(server.endpoint, 20)
        yield _latency("chat, nothing else going on", latencies_s(server.endpoint, _CHATS))
        with ChatsBeside(server.endpoint) as chats:
            read_file(server, path)
        yield _latency("chat, while a PDF is read", chats.latencies_s)


def _large(folder: Path, suffix: str, size_mb: float, watch_s: float) -> Iterator[Row]:
    """Read one large file under watch, to its end or as long as is asked for."""
    path = folder / f"large.{suffix}"
    _LARGE[suffix](path, int(size_mb * _MB))
    with serving(folder, set(range(os.cpu_count() or 1))) as server:
        time.sleep(1)  # what a start leaves behind is not the file's
        with MemoryWatch(server.pid) as watch, ChatsBeside(server.endpoint) as chats:
            read = read_file(server, path, watch_s)
    peak, what = watch.peak, f"{suffix} of {path.stat().st_size / _MB:.1f} MB"
    yield Row(
        f"{what}, most memory, server and child", f"{peak.together_mb:.0f} MB", _MEMORY_TARGET
    )
    yield Row(
        f"{what}, of the server / of the child", f"{peak.server_mb:.0f} / {peak.children_mb:.0f} MB"
    )
    yield Row(f"{what}, upload / until found", f"{read.upload_s:.1f} / {_found_after(read)}")
    yield _latency(f"chat, while {what} is sent and read", chats.latencies_s)
    path.unlink()


def _found_after(read: Read) -> str:
    if read.is_complete:
        return f"{read.ingest_s:.1f} s"
    return f"more than {read.ingest_s:.0f} s ({read.stored_bytes / _MB:.0f} MB of chunks stored)"


def _latency(figure: str, taken_s: list[float]) -> Row:
    cuts = statistics.quantiles(taken_s, n=100, method="inclusive")
    worst = max(taken_s)
    return Row(
        f"{figure}, p50 / p99 / worst",
        f"{cuts[49] * 1e3:.1f} / {cuts[98] * 1e3:.1f} / {worst * 1e3:.0f} ms",
    )


if __name__ == "__main__":
    main()
