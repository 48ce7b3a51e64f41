"""The bench of reading files runs and prints every figure. What they are is never judged here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_FIGURES = {
    "PDF of text, pages/s on one core": r"\d+",
    "PDF of text, pages per CPU second": r"\d+",
    "PDF of text, 2 pages, until found": r"\d+\.\d s",
    "PDF of tables, pages/s on one core": r"\d+",
    "PDF of tables, pages per CPU second": r"\d+",
    "PDF of tables, 2 pages, until found": r"\d+\.\d s",
    "chat, nothing else going on, p50 / p99 / worst": r"[\d.]+ / [\d.]+ / \d+ ms",
    "chat, while a PDF is read, p50 / p99 / worst": r"[\d.]+ / [\d.]+ / \d+ ms",
    "csv of 0.3 MB, most memory, server and child": r"\d+ MB",
    "csv of 0.3 MB, of the server / of the child": r"\d+ / \d+ MB",
    "csv of 0.3 MB, upload / until found": r"[\d.]+ / [\d.]+ s",
    "chat, while csv of 0.3 MB is sent and read, p50 / p99 / worst": r"[\d.]+ / [\d.]+ / \d+ ms",
}


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads CPU time and memory as Linux shows them"
)
def test_every_figure_comes_out() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench.ingest", "--pages=2", "--size-mb=0.3", "--large", "csv"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = [line.strip("| ").split(" | ") for line in run.stdout.splitlines() if "|" in line]
    found = {cells[0]: cells[1] for cells in lines[2:]}
    assert list(found) == list(_FIGURES)
    for figure, form in _FIGURES.items():
        assert re.fullmatch(form, found[figure].rstrip("| ")), (figure, found[figure])
