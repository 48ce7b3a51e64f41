import os
import sqlite3
import stat
from pathlib import Path

import anyio
import pytest
from sqlalchemy import event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from tests.databases import Database, PostgresServer

from understudy.errors import NotReady
from understudy.store.db import Store, open_store
from understudy.store.schema import projects
from understudy.store.sqlite import enter_wal

pytestmark = pytest.mark.anyio


async def add_project(store: Store, name: str) -> None:
    async with store.write() as connection:
        await connection.execute(
            insert(projects).values(id=f"proj_{name}", name=name, created_at=0)
        )


async def project_names(store: Store) -> set[str]:
    async with store.read() as connection:
        return set(await connection.scalars(select(projects.c.name)))


async def test_what_is_written_is_there_after_a_new_start(database: Database) -> None:
    async with database.open() as store:
        assert await project_names(store) == {"default"}
        await add_project(store, "shop")
    async with database.open() as store:
        assert await project_names(store) == {"default", "shop"}


async def test_an_exception_undoes_the_whole_transaction(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.write() as connection:
            await connection.execute(insert(projects).values(id="proj_a", name="a", created_at=0))
            raise ZeroDivisionError
    assert await project_names(store) == {"default"}


async def test_a_reading_transaction_refuses_to_write(store: Store) -> None:
    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        async with store.read() as connection:
            await connection.execute(insert(projects).values(id="proj_a", name="a", created_at=0))


async def test_a_reading_transaction_sees_one_snapshot(store: Store) -> None:
    count = select(func.count()).select_from(projects)
    async with store.read() as connection:
        before = await connection.scalar(count)
        await add_project(store, "shop")
        assert await connection.scalar(count) == before
    assert await project_names(store) == {"default", "shop"}


async def test_a_reference_to_nothing_is_refused(store: Store) -> None:
    statement = text(
        "INSERT INTO api_keys (id, project_id, name, sha256, hint, created_at)"
        " VALUES ('key_a', 'proj_missing', '', :sha256, '', 0)"
    )
    with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
        async with store.write() as connection:
            await connection.execute(statement, {"sha256": bytes(32)})


async def test_concurrent_read_then_write_loses_nothing(database: Database) -> None:
    """Four stores stand for four processes; each adds to a number that it has read before."""
    rounds = 25
    number = select(projects.c.created_at).where(projects.c.name == "counter")

    async def add_one(store: Store) -> None:
        async with store.write() as connection:
            seen = await connection.scalar(number.with_for_update())
            assert seen is not None
            await connection.execute(
                update(projects).where(projects.c.name == "counter").values(created_at=seen + 1)
            )

    async def add_many(store: Store) -> None:
        for _ in range(rounds):
            await add_one(store)

    async with (
        database.open() as a,
        database.open() as b,
        database.open() as c,
        database.open() as d,
    ):
        await add_project(a, "counter")
        async with anyio.create_task_group() as tasks:
            for store in (a, b, c, d, a, b, c, d):
                tasks.start_soon(add_many, store)
        async with a.read() as connection:
            assert await connection.scalar(number) == 8 * rounds


async def test_a_cancelled_writer_leaves_no_lock(store: Store) -> None:
    entered = anyio.Event()

    async def hold() -> None:
        async with store.write() as connection:
            await connection.execute(insert(projects).values(id="proj_a", name="a", created_at=0))
            entered.set()
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hold)
        await entered.wait()
        tasks.cancel_scope.cancel()
    await add_project(store, "b")
    assert await project_names(store) == {"default", "b"}


async def test_first_starts_at_the_same_time_migrate_once(database: Database) -> None:
    seen: list[set[str]] = []

    async def start() -> None:
        async with database.open() as store:
            seen.append(await project_names(store))

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(start)
    assert seen == [{"default"}] * 6


class TestSqlite:
    @pytest.mark.parametrize(("synchronous", "number"), [("NORMAL", 1), ("FULL", 2)])
    async def test_connections_are_set_for_durability(
        self, tmp_path: Path, synchronous: str, number: int
    ) -> None:
        async with open_store(None, tmp_path, synchronous=synchronous) as store:
            for engine in (store.reader, store.writer):
                async with engine.connect() as connection:
                    pragma = {
                        name: await connection.scalar(text(f"PRAGMA {name}"))
                        for name in ("journal_mode", "synchronous", "busy_timeout")
                    }
                assert pragma == {
                    "journal_mode": "wal",
                    "synchronous": number,
                    "busy_timeout": 30_000,
                }

    def test_the_switch_to_wal_waits_for_a_writer_of_the_old_mode(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SQLite itself does not wait here, as the first start of several processes showed."""
        path = tmp_path / "understudy.db"
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(
            "understudy.store.sqlite.time.sleep", lambda _: writer.execute("COMMIT")
        )
        enter_wal(path)
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        writer.close()

    async def test_only_the_owner_can_read_what_is_created(self, tmp_path: Path) -> None:
        async with open_store(None, tmp_path / "new" / "data") as store:
            await add_project(store, "shop")
            modes = {
                path.name: stat.S_IMODE(path.stat().st_mode)
                for path in (tmp_path / "new" / "data").iterdir()
            }
            assert stat.S_IMODE((tmp_path / "new" / "data").stat().st_mode) == 0o700
            assert modes["understudy.db"] == modes["understudy.db-wal"] == 0o600

    async def test_a_url_may_name_another_file(self, tmp_path: Path) -> None:
        async with open_store(f"sqlite:///{tmp_path}/other.db", tmp_path / "data"):
            pass
        assert os.listdir(tmp_path) == ["other.db"]

    async def test_a_writer_holds_the_lock_though_it_only_reads(self, tmp_path: Path) -> None:
        async with open_store(None, tmp_path) as store, store.write() as connection:
            await connection.execute(text("SELECT 1"))
            other = sqlite3.connect(tmp_path / "understudy.db", timeout=0)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            other.close()

    async def test_writers_of_a_process_queue_for_one_connection(self, tmp_path: Path) -> None:
        opened: list[object] = []
        async with open_store(None, tmp_path) as store:
            event.listen(store.writer.sync_engine, "connect", lambda *_: opened.append(1))
            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(add_project, store, f"p{number}")
            assert len(await project_names(store)) == 21
        assert len(opened) == 1

    @pytest.mark.parametrize("same_process", [True, False])
    async def test_a_busy_database_is_not_ready(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_process: bool
    ) -> None:
        monkeypatch.setattr("understudy.store.sqlite.BUSY_TIMEOUT_S", 0)
        async with open_store(None, tmp_path) as one, open_store(None, tmp_path) as two:
            async with one.write() as connection:
                await connection.execute(text("SELECT 1"))
                with pytest.raises(NotReady):
                    await add_project(one if same_process else two, "shop")
            assert await project_names(two) == {"default"}


@pytest.mark.xdist_group("postgresql")
class TestPostgres:
    async def test_a_restart_of_the_server_costs_no_transaction(
        self, postgres_database: Database, postgres_server: PostgresServer
    ) -> None:
        async with postgres_database.open() as store:
            await add_project(store, "before")
            await anyio.to_thread.run_sync(
                postgres_server.run,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'understudy'",
            )
            await add_project(store, "after")
            assert await project_names(store) == {"default", "before", "after"}

    @pytest.mark.parametrize("accident", ["pg_terminate_backend", "pg_cancel_backend"])
    async def test_a_transaction_that_the_server_ends_is_not_ready(
        self, postgres_database: Database, accident: str
    ) -> None:
        async with postgres_database.open() as store:
            with pytest.raises(NotReady):
                async with store.write() as connection:
                    await connection.execute(text(f"SELECT {accident}(pg_backend_pid())"))
            assert await project_names(store) == {"default"}

    async def test_a_statement_without_an_answer_is_not_ready(
        self, postgres_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("understudy.store.postgres.COMMAND_TIMEOUT_S", 0.1)
        async with postgres_database.open() as store:
            with pytest.raises(NotReady):
                async with store.read() as connection:
                    await connection.execute(text("SELECT pg_sleep(60)"))
            assert await project_names(store) == {"default"}
