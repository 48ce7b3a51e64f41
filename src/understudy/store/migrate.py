"""Brings a database to this release's schema. Alembic is imported only when a step is due, since a
start must not wait for it.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from understudy.errors import StartupError
from understudy.store.migrations import REVISIONS

SCRIPTS = Path(__file__).parent / "migrations"

# Any number will do, as long as every release uses the same one.
_ADVISORY_LOCK = 7_215_020_826


async def migrate(
    engine: AsyncEngine, *, revisions: tuple[str, ...] = REVISIONS, scripts: Path = SCRIPTS
) -> None:
    """Run the steps that are due; of several processes one runs them and the others wait for it.

    Raises a StartupError for a database that is newer than this release.
    """
    async with engine.connect() as connection:
        current = await connection.run_sync(_current_revision)
    if not _is_due(current, revisions):
        return
    async with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        await connection.run_sync(_wait_for_turn)
        current = await connection.run_sync(_current_revision)
        if _is_due(current, revisions):
            await connection.run_sync(_upgrade, revisions[-1], scripts)


def _is_due(current: str | None, revisions: tuple[str, ...]) -> bool:
    if current is None:
        return True
    if current not in revisions:
        raise StartupError(
            f"A newer release of Understudy wrote the database: its schema is '{current}', this "
            f"release knows up to '{revisions[-1]}'. Install that release, or restore a backup "
            "from before the upgrade."
        )
    return current != revisions[-1]


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _wait_for_turn(connection: Connection) -> None:
    """Serialise migrations; on SQLite the transaction itself holds the write lock."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _upgrade(connection: Connection, revision: str, scripts: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    command.upgrade(config, revision)
    if connection.dialect.name == "sqlite":
        _check_references(connection)


def _check_references(connection: Connection) -> None:
    """Raise when a step left a row whose parent is gone; SQLite does not look while it migrates."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StartupError(
            f"The upgrade of the database was undone: a row of '{broken[0]}' would have lost its "
            f"'{broken[2]}'. Restore a backup, or report this."
        )
