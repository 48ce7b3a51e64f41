import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.databases import Database

from understudy.errors import NotFound, StartupError
from understudy.store import postgres, runs, sqlite
from understudy.store.data_dir import create_data_dir
from understudy.store.keys import KeyRing, create_key, digest, list_keys, project_id
from understudy.store.location import PostgresDatabase, locate
from understudy.store.migrate import SCRIPTS, migrate
from understudy.store.migrations import REVISIONS
from understudy.store.schema import metadata

pytestmark = pytest.mark.anyio

# A parent of references gets a column and a constraint: SQLite can only rebuild the whole table.
REBUILD = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{previous}"


def upgrade():
    with op.batch_alter_table("projects") as projects:
        projects.add_column(sa.Column("title", sa.String, nullable=False, server_default="none"))
        projects.create_check_constraint("ck_projects_name", sa.text("name <> ''"))
"""

ORPHANING = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{previous}"


def upgrade():
    op.add_column("projects", sa.Column("title", sa.String))
    op.execute("DELETE FROM projects")
"""


NEXT = (*REVISIONS, "9999")
FULL_TEXT = ("chunks_fts", "chunks_vocabulary", "terms", "ix_chunks_terms")
"""What `schema` does not describe, since the two databases do it each in their own way."""


def migrating_engine(database: Database) -> AsyncEngine:
    location = locate(database.url, database.data_dir)
    if isinstance(location, PostgresDatabase):
        return postgres.migrating_engine(location)
    return sqlite.migrating_engine(location.path)


def next_release(tmp_path: Path, step: str) -> Path:
    scripts = tmp_path / "100% next"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "r9999_next.py").write_text(step.format(previous=REVISIONS[-1]))
    return scripts


async def test_the_steps_lead_to_the_tables_that_the_code_expects(database: Database) -> None:
    def is_described(_: object, name: str | None, *__: object) -> bool:
        return not (name or "").startswith(FULL_TEXT)

    options = {"include_object": is_described}
    async with database.open() as store, store.read() as connection:
        difference = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts=options), metadata)
        )
        version = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    assert difference == []
    assert version == REVISIONS[-1]


async def test_an_upgrade_keeps_the_data(database: Database, tmp_path: Path) -> None:
    async with database.open() as store:
        created = [await create_key(store, project=project) for project in ("default", "shop")]
    engine = migrating_engine(database)
    await migrate(engine, revisions=NEXT, scripts=next_release(tmp_path, REBUILD))
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT api_keys.id, projects.name, projects.title FROM api_keys"
                " JOIN projects ON projects.id = api_keys.project_id ORDER BY api_keys.seq"
            )
        )
        assert rows.all() == [(key.id, key.project, "none") for key in created]
    await engine.dispose()


async def test_a_database_of_the_first_release_keeps_its_keys(database: Database) -> None:
    create_data_dir(database.data_dir)
    if database.kind == "sqlite":
        sqlite.create_file(database.data_dir / "understudy.db")
    engine = migrating_engine(database)
    await migrate(engine, revisions=REVISIONS[:1])
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO api_keys (id, project_id, name, sha256, hint, created_at)"
                " SELECT 'key_old', id, 'old', :sha256, '…', 1 FROM projects"
            ),
            {"sha256": digest("sk-of-the-first-release")},
        )
    await engine.dispose()
    async with database.open() as store:
        owner = await KeyRing(store).lookup("sk-of-the-first-release")
        assert owner is not None
        assert owner.key_id == "key_old"


async def test_runs_from_before_there_were_responses_are_runs(database: Database) -> None:
    create_data_dir(database.data_dir)
    if database.kind == "sqlite":
        sqlite.create_file(database.data_dir / "understudy.db")
    engine = migrating_engine(database)
    await migrate(engine, revisions=REVISIONS[:3])
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO runs"
                " (project_id, id, thread_id, assistant_id, status, created_at, document)"
                " SELECT id, 'run_old', 'thread_old', 'asst_old', 'queued', 1, '{}' FROM projects"
            )
        )
    await engine.dispose()
    async with database.open() as store, store.read() as connection:
        project = await project_id(store)
        run = await runs.find(connection, project, "thread_old", "run_old")
        assert (run.kind, run.status) == ("run", "queued")
        with pytest.raises(NotFound):
            await runs.find_response(connection, project, "run_old")


async def test_a_step_that_would_lose_references_is_undone(
    database: Database, tmp_path: Path
) -> None:
    async with database.open() as store:
        key = await create_key(store)
    engine = migrating_engine(database)
    with pytest.raises((StartupError, DBAPIError), match=r"would have lost|foreign key"):
        await migrate(engine, revisions=NEXT, scripts=next_release(tmp_path, ORPHANING))
    async with engine.connect() as connection:
        columns = await connection.run_sync(
            lambda sync: {column["name"] for column in inspect(sync).get_columns("projects")}
        )
        assert "title" not in columns
    await engine.dispose()
    async with database.open() as store:
        assert [found.id for found in await list_keys(store)] == [key.id]


async def test_the_previous_release_refuses_an_upgraded_database(
    database: Database, tmp_path: Path
) -> None:
    async with database.open():
        pass
    engine = migrating_engine(database)
    await migrate(engine, revisions=NEXT, scripts=next_release(tmp_path, REBUILD))
    await engine.dispose()
    with pytest.raises(StartupError, match="newer release"):
        async with database.open():
            pass


def test_the_list_of_revisions_is_the_one_that_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    steps = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(reversed([step.revision for step in steps])) == REVISIONS


def test_a_start_without_due_steps_does_not_import_alembic(tmp_path: Path) -> None:
    code = (
        "import anyio, pathlib, sys\n"
        "from understudy.store.db import open_store\n"
        "async def main():\n"
        "    async with open_store(None, pathlib.Path(sys.argv[1])):\n"
        "        print('alembic' in sys.modules)\n"
        "anyio.run(main)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    starts = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in "12"]
    assert [start.stdout.strip() for start in starts] == ["True", "False"]
