"""Tests of this folder run once for each seed, on SQLite and on PostgreSQL.

`CRASH_POINTS` says how many seeds there are, `CRASH_SEED` which is the first; a seed stands in the
name of its test. A test that asks for `rare_seed` gets a fifth of them.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.crash.nursery import Nursery

_POINTS = int(os.environ.get("CRASH_POINTS", "5"))
_FIRST_SEED = int(os.environ.get("CRASH_SEED", "0"))


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where the servers of this process come from."""
    with Nursery() as made:
        yield made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, points in {"seed": _POINTS, "rare_seed": max(1, _POINTS // 5)}.items():
        if name in metafunc.fixturenames:
            seeds = range(_FIRST_SEED, _FIRST_SEED + points)
            metafunc.parametrize(name, seeds, ids=[f"seed{seed}" for seed in seeds])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up what the tests of runs found, and at what their servers were killed."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    found = [
        dict(value)
        for report in reports
        for name, value in report.user_properties
        if name == "runs_crash"
    ]
    for kind in ("sqlite", "postgresql"):
        if chains := [chain for chain in found if chain["database"] == kind]:
            _tell_kills(terminalreporter, kind, chains)


def _tell_kills(terminal: pytest.TerminalReporter, kind: str, chains: list[dict[str, Any]]) -> None:
    terminal.section(f"runs on {kind}")
    for title, name in (("killed in status", "statuses"), ("killed at", "moments")):
        total: Counter[str] = sum((Counter(chain[name]) for chain in chains), Counter())
        counts = ", ".join(f"{what} {count}" for what, count in sorted(total.items()))
        terminal.write_line(f"{title}: {counts}")
    numbers = {
        name: sum(chain[name] for chain in chains)
        for name in ("points", "lost", "stuck", "doubled")
    }
    terminal.write_line(", ".join(f"{number} {name}" for name, number in numbers.items()))
