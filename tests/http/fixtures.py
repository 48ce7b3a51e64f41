"""Fixtures of a whole server for one test, for every folder whose tests speak HTTP to one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from tests.http.serving import LogLines, Served, recorded_logs, serve, settings_for

ServeWith = Callable[..., AbstractContextManager[Served]]


@pytest.fixture
def serve_with(tmp_path: Path) -> ServeWith:
    """Serve with these settings, for one test."""

    def start(**fields: Any) -> AbstractContextManager[Served]:
        return serve(settings_for(tmp_path / "data", **fields))

    return start


@pytest.fixture
def logs() -> Iterator[LogLines]:
    """What the server logs while the test runs."""
    with recorded_logs() as lines:
        yield lines
