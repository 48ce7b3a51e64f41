"""The bench runs and prints every figure. What the figures are is never judged here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench.client import UnexpectedAnswer, is_complete
from bench.measure import Figures
from bench.report import NO_NGINX, rows, table
from bench.servers import nginx_executable

_ROOT = Path(__file__).resolve().parents[2]
_FIGURES = {
    "CPU per plain request, 1 connection": "us",
    "CPU per plain request, 16 connections": "us",
    "CPU per paced streamed chunk": "us",
    "p50, 1 connection": "ms",
    "p95, 1 connection": "ms",
    "start to first healthy answer": "s",
    "resident memory, idle after start": "MB",
    "resident memory after 100 requests": "MB",
    "understudy --help": "s",
}
_TINY = ("--quick", "--requests=5", "--streams=2", "--chunks=3", "--pace-ms=5")
_NEEDS_LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads CPU time and memory as Linux shows them"
)


def run_bench(path: str) -> dict[str, list[str]]:
    """Run a tiny bench and return the table's cells by the first of each line."""
    run = subprocess.run(
        [sys.executable, "-m", "bench", *_TINY],
        cwd=_ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    return {line[0].partition(" (")[0]: line[1:] for line in cells}


@_NEEDS_LINUX
def test_every_figure_comes_out_with_its_unit() -> None:
    found = run_bench(os.environ["PATH"])
    assert list(found) == list(_FIGURES)
    for figure, unit in _FIGURES.items():
        value = re.fullmatch(rf"(\d+(?:\.\d+)?) {unit}", found[figure][1])
        assert value, found[figure]
        assert float(value[1]) > 0


@_NEEDS_LINUX
@pytest.mark.skipif(nginx_executable() is None, reason="nginx is not installed")
def test_nginx_is_compared_with() -> None:
    found = run_bench(os.environ["PATH"])
    assert re.fullmatch(r"\d+\.\d x nginx", found["CPU per paced streamed chunk"][2])
    assert found["p50, 1 connection"][2].endswith(" added")


def test_rows_say_so_where_nginx_is_missing() -> None:
    figures = Figures(
        cpu_plain_s={("understudy", 1): 0.001, ("understudy", 16): 0.002},
        cpu_chunk_s={"understudy": 0.0001},
        latency_s={"direct": [0.001, 0.001], "understudy": [0.003, 0.003]},
    )
    lines = rows(figures)
    assert [row.nginx for row in lines[:5]] == [NO_NGINX] * 5
    assert lines[0].understudy == "1000 us"
    assert lines[3].compared == "2.00 ms added"
    assert NO_NGINX in table(lines)


def test_ratios_and_percentiles_are_those_of_the_figures() -> None:
    figures = Figures(
        cpu_plain_s={
            ("nginx", 1): 0.0001,
            ("understudy", 1): 0.0025,
            ("nginx", 16): 0.0001,
            ("understudy", 16): 0.0031,
        },
        cpu_chunk_s={"nginx": 0.00002, "understudy": 0.00007},
        latency_s={
            "direct": [0.0] * 99 + [0.5],
            "nginx": [0.001] * 100,
            "understudy": [milliseconds / 1000 for milliseconds in range(101)],
        },
    )
    compared = [row.compared for row in rows(figures)[:5]]
    expected = ["25.0 x nginx", "31.0 x nginx", "3.5 x nginx", "50.00 ms added", "95.00 ms added"]
    assert compared == expected


def test_nginx_is_found_outside_the_path_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "nginx"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nginx_executable() == str(fake)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert nginx_executable() == shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (_HEAD[:-2], False),
        (_HEAD + b"abc", False),
        (_HEAD + b"abcd", True),
        (_CHUNKED + b"4\r\nabcd\r\n", False),
        (_CHUNKED + b"4\r\nabcd\r\n0\r\n\r\n", True),
    ],
)
def test_the_client_knows_when_an_answer_is_whole(answer: bytes, whole: bool) -> None:
    assert is_complete(answer) is whole


def test_the_client_refuses_to_measure_errors() -> None:
    with pytest.raises(UnexpectedAnswer, match="503"):
        is_complete(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
