"""The bench of responses runs and prints every figure. What they are is never judged here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_REQUESTS = [
    "chat completion",
    "response, store: false",
    "response",
    "response in a new conversation",
    "response, streamed",
]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads CPU time as Linux shows it")
def test_every_figure_comes_out() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench.responses", "--requests=2"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = [line.strip("| ").split(" | ") for line in run.stdout.splitlines() if "|" in line]
    assert [cells[0] for cells in lines[2:]] == _REQUESTS
    for cells in lines[2:]:
        assert all(re.fullmatch(r"\d+\.\d ms", value.rstrip("| ")) for value in cells[1:4]), cells
