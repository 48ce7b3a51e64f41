"""The bench of speech runs and prints every figure. What they are is never judged here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SPEECH = r"\d+ s of speech"
_FIGURES = {
    "resident memory, idle after start": r"\d+ MB",
    "first byte, pcm, p50": r"[\d.]+ ms",
    "first byte, mp3, p50": r"[\d.]+ ms",
    **{
        f"real-time factor, {name}, {_SPEECH}": r"\d+\.\d{3}"
        for name in ("pcm", "mp3", "opus", "aac", "flac", "wav")
    },
    "resident memory, after each format, without workers": r"\d+ MB",
    "2 speeches side by side, failed": "0",
    "their first byte, p50": r"[\d.]+ ms",
    "their last byte, p50": r"[\d.]+ ms",
    "their CPU in the server": r"\d+ ms a speech",
    "resident memory, after 2 side by side, without workers": r"\d+ MB",
}


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads CPU time and memory as Linux shows them"
)
def test_every_figure_comes_out() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench.speech", "--requests=2", "--sentences=2", "--streams=2"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = [line.strip("| ").split(" | ") for line in run.stdout.splitlines() if "|" in line]
    found = [(cells[0], cells[1].rstrip("| ")) for cells in lines[2:]]
    assert len(found) == len(_FIGURES), run.stdout
    for (figure, value), (name, form) in zip(found, _FIGURES.items(), strict=True):
        assert re.fullmatch(name, figure) and re.fullmatch(form, value), (figure, value)
