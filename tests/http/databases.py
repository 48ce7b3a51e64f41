"""A whole server on each database: import `served`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.http.serving import Served, serve, settings_for

if TYPE_CHECKING:
    from tests.databases import Database


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A server with an empty database for each test."""
    url = None
    if request.param == "postgresql":
        database: Database = request.getfixturevalue("migrated_postgres_database")
        url = database.url
    with serve(settings_for(tmp_path / "data", database_url=url)) as served:
        yield served
