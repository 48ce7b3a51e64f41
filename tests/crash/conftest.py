"""Every test of this folder runs once for each seed, on SQLite and on PostgreSQL.

`CRASH_POINTS` says how many seeds there are, `CRASH_SEED` which is the first; a seed stands in the
name of its test.
"""

import os

import pytest
from tests.store.conftest import database, postgres_database, postgres_server

__all__ = ["database", "postgres_database", "postgres_server"]

_POINTS = int(os.environ.get("CRASH_POINTS", "10"))
_FIRST_SEED = int(os.environ.get("CRASH_SEED", "0"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        seeds = range(_FIRST_SEED, _FIRST_SEED + _POINTS)
        metafunc.parametrize("seed", seeds, ids=[f"seed{seed}" for seed in seeds])
