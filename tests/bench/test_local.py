"""The bench of the local engine runs and prints every figure. What they are is never judged."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench.local.measure import Figures
from bench.local.report import table

_ROOT = Path(__file__).resolve().parents[2]
_RATE = r"\d+\.\d"
_TIME = r"\d+\.\d ms"
_FIGURES = {
    "prefill, tokens/s": _RATE,
    "decode, tokens/s": _RATE,
    "8 streams together, tokens/s": _RATE,
    "first token after a known beginning": _TIME,
    "first token of a short prompt": _TIME,
}


def cells_of(text: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return {line[0]: line[1:] for line in lines[2:]}


@pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="the local engine is not installed"
)
@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="starts servers as the other benches do"
)
def test_every_figure_comes_out() -> None:
    short = ("--rounds=1", "--requests=1", "--tokens=8", "--prompt-words=10")
    run = subprocess.run(
        [sys.executable, "-m", "bench.local", "--tiny", *short],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = cells_of(run.stdout)
    assert list(found) == list(_FIGURES)
    for figure, form in _FIGURES.items():
        assert re.fullmatch(form, found[figure][0]), (figure, found[figure])
        assert re.fullmatch(form, found[figure][1]), (figure, found[figure])


def test_figures_are_compared_with_their_neighbours() -> None:
    # A machine that slows to a third on its way does so for both.
    direct = Figures([100.0], [30.0, 20.0, 10.0], [80.0], [0.2], [0.050, 0.010, 0.020])
    ours = Figures([97.0], [27.0, 19.0, 9.8], [84.0], [0.25], [0.054, 0.020, 0.021])
    slow = Figures([40.0], [10.0, 10.0, 5.0], [10.0])
    found = cells_of(table(direct, ours, {"transformers": slow}, 8))
    assert found["prefill, tokens/s"][:3] == ["100.0", "97.0", "0.970 x"]
    assert found["decode, tokens/s"][2] == "0.950 x"
    assert found["decode, tokens/s"][4] == "10.0 (we: 1.96 x)"
    assert found["8 streams together, tokens/s"][2] == "1.050 x"
    assert found["first token after a known beginning"][2] == "0.800 x, 50.0 ms added"
    assert found["first token of a short prompt"][2] == "0.926 x, 4.0 ms added"
