"""Tests of this folder run once for each seed, on SQLite and on PostgreSQL.

`CRASH_POINTS` says how many seeds there are, `CRASH_SEED` which is the first; a seed stands in the
name of its test. A test that asks for `rare_seed` gets a fifth of them.
"""

import os

import pytest
from tests.store.conftest import database, postgres_database, postgres_server

__all__ = ["database", "postgres_database", "postgres_server"]

_POINTS = int(os.environ.get("CRASH_POINTS", "10"))
_FIRST_SEED = int(os.environ.get("CRASH_SEED", "0"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, points in {"seed": _POINTS, "rare_seed": max(1, _POINTS // 5)}.items():
        if name in metafunc.fixturenames:
            seeds = range(_FIRST_SEED, _FIRST_SEED + points)
            metafunc.parametrize(name, seeds, ids=[f"seed{seed}" for seed in seeds])
