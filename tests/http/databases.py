"""A whole server on each database: import `served` and the fixtures that it stands on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.http.serving import Served, serve, settings_for
from tests.store.conftest import Database, PostgresServer, postgres_database, postgres_server

__all__ = ["PostgresServer", "postgres_database", "postgres_server", "served"]


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A server with an empty database for each test."""
    url = None
    if request.param == "postgresql":
        database: Database = request.getfixturevalue("postgres_database")
        url = database.url
    with serve(settings_for(tmp_path / "data", database_url=url)) as served:
        yield served
