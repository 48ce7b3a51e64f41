"""Databases that do not exist yet, for the applications."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.databases import PostgresServer

_NUMBERS = count()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that nobody has created."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new folder' / 'apps.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"Apps {next(_NUMBERS)}"
    yield server.url(name.replace(" ", "%20"))
    server.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
