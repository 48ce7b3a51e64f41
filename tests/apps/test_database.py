"""Databases are created, migrated once, written by one at a time, and explained when they fail."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from sqlalchemy import text
from tests.databases import PostgresServer

from understudy_apps.database import Database
from understudy_apps.errors import CannotStart

pytestmark = pytest.mark.anyio

_ENVIRONMENT = """
from alembic import context
context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
"""
_STEP = """
from alembic import op
revision = "0001"
down_revision = None
def upgrade():
    op.execute("CREATE TABLE counters (id INTEGER PRIMARY KEY, value INTEGER)")
    op.execute("INSERT INTO counters VALUES (1, 0)")
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "100% migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(_ENVIRONMENT)
    (folder / "versions" / "r0001.py").write_text(_STEP)
    return folder


@pytest.fixture
async def database(database_url: str, migrations: Path) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.migrate(migrations)
    yield database
    await database.close()


async def value_of(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text("SELECT value FROM counters"))).scalar_one())


async def test_migrating_again_keeps_what_is_stored(database: Database, migrations: Path) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE counters SET value = 7"))
    await database.migrate(migrations)
    assert await value_of(database) == 7


async def test_what_fails_is_undone(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.write() as connection:
            await connection.execute(text("UPDATE counters SET value = 7"))
            _ = 1 / 0
    assert await value_of(database) == 0


async def test_changes_at_once_all_count(database: Database, database_url: str) -> None:
    lock = " FOR UPDATE" if database_url.startswith("postgresql") else ""
    other = Database(database_url)

    async def count(database: Database) -> None:
        for _ in range(5):
            async with database.write() as connection:
                found = await connection.execute(text(f"SELECT value FROM counters{lock}"))
                value = found.scalar_one() + 1
                await anyio.lowlevel.checkpoint()
                await connection.execute(text("UPDATE counters SET value = :v"), {"v": value})

    async with anyio.create_task_group() as tasks:
        for one in (database, database, other):
            tasks.start_soon(count, one)
    await other.close()
    assert await value_of(database) == 15


async def test_a_database_of_a_newer_release_is_refused(
    database: Database, migrations: Path
) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CannotStart, match="newer release"):
        await database.migrate(migrations)


@pytest.mark.parametrize(
    "url", ["secret", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "postgresql://h"]
)
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(CannotStart, match="postgresql://user:password") as refused:
        Database(url)
    assert "secret" not in str(refused.value)


async def test_a_file_that_is_no_database_is_named(tmp_path: Path, migrations: Path) -> None:
    path = tmp_path / "photo.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(CannotStart, match=r"photo\.db cannot be used"):
        await Database(f"sqlite:///{path}").migrate(migrations)


@pytest.mark.xdist_group("postgresql")
async def test_a_server_that_refuses_is_explained_without_the_password(
    postgres_server: PostgresServer, migrations: Path
) -> None:
    await anyio.to_thread.run_sync(postgres_server.demand_password, "applicant", "right")
    refusing = postgres_server.url("postgres", "applicant:wr0ng")
    for url in (refusing, "postgresql://u:wr0ng@127.0.0.1:9/d"):
        database = Database(url)
        with pytest.raises(CannotStart, match=r"\*\*\*@.* cannot be used") as refused:
            await database.migrate(migrations)
        await database.close()
        assert "wr0ng" not in str(refused.value)
