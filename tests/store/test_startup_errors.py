"""Whatever keeps the database from opening is one StartupError that names cause and remedy."""

import os
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
from sqlalchemy import text
from tests.databases import Database, PostgresServer

from understudy.errors import StartupError
from understudy.store import postgres
from understudy.store.db import open_store
from understudy.store.location import PostgresDatabase, locate

pytestmark = pytest.mark.anyio
NOBODY = 65534


async def refusal(url: str | None, data_dir: Path) -> str:
    with pytest.raises(StartupError) as error:
        async with open_store(url, data_dir):
            pass
    return error.value.message


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that other users can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Take the right to write away from this process, even when the tests run as root."""
    privileged = os.geteuid() == 0
    for path in directory.iterdir():
        path.chmod(0o444)
    directory.chmod(0o555)
    if privileged:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if privileged:
            os.seteuid(0)
        directory.chmod(0o755)


async def test_a_read_only_directory(directory: Path) -> None:
    with read_only(directory):
        message = await refusal(None, directory)
    assert f"{directory / 'understudy.db'} cannot be created (Permission denied)" in message
    assert "must exist and be writable for the user that runs Understudy" in message


async def test_a_read_only_database(directory: Path) -> None:
    async with open_store(None, directory):
        pass
    with read_only(directory):
        message = await refusal(None, directory)
    assert f"{directory / 'understudy.db'} is not writable for the user that runs" in message
    assert "change its owner" in message


async def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    message = await refusal(None, tmp_path / "data" / "store")
    assert "cannot be created (Not a directory)" in message
    assert "--data-dir" in message


async def test_a_missing_directory_of_a_url(tmp_path: Path) -> None:
    message = await refusal(f"sqlite:///{tmp_path}/missing/store.db", tmp_path)
    assert "cannot be created (No such file or directory)" in message


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    garbage = b"Dear diary, today I overwrote the database.\n" * 200
    (tmp_path / "understudy.db").write_bytes(garbage)
    message = await refusal(None, tmp_path)
    assert str(tmp_path / "understudy.db") in message
    assert "file is not a database" in message
    assert "Restore a backup, or move it away" in message
    assert (tmp_path / "understudy.db").read_bytes() == garbage


async def test_a_database_with_damaged_pages(tmp_path: Path) -> None:
    async with open_store(None, tmp_path):
        pass
    with (tmp_path / "understudy.db").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 8000)
    message = await refusal(None, tmp_path)
    assert "malformed" in message
    assert "Restore a backup, or move it away" in message


async def test_a_database_of_a_newer_release(database: Database) -> None:
    async with database.open() as store, store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    message = await refusal(database.url, database.data_dir)
    assert "newer release" in message
    assert "'9999'" in message
    assert "restore a backup" in message


async def test_another_programs_tables(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "understudy.db")
    other.execute("CREATE TABLE projects (title TEXT)")
    other.close()
    message = await refusal(None, tmp_path)
    assert "table projects already exists" in message
    assert "move the file away" in message


async def test_a_missing_postgres_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    message = await refusal("postgresql://ann:secret@localhost/chat", tmp_path)
    assert "pip install 'understudy[postgres]'" in message
    assert "secret" not in message


async def test_a_postgres_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        message = await refusal(f"postgresql://ann:secret@127.0.0.1:{port}/chat", tmp_path)
    assert f"Cannot reach the PostgreSQL database 'chat' at 127.0.0.1:{port}" in message
    assert "check that the server runs" in message
    assert "secret" not in message


async def test_a_postgres_server_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("understudy.store.postgres.CONNECT_TIMEOUT_S", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        message = await refusal(
            f"postgresql://ann:secret@127.0.0.1:{silent.getsockname()[1]}/chat", tmp_path
        )
    assert "no answer within 0.05 s" in message


async def test_a_bad_option_in_a_postgres_url(tmp_path: Path) -> None:
    message = await refusal("postgresql://ann:secret@127.0.0.1/chat?sslmode=maybe", tmp_path)
    assert "`sslmode` parameter must be one of" in message
    assert "check the database URL" in message
    assert "secret" not in message


def test_a_password_in_the_drivers_own_text_is_hidden() -> None:
    database = locate("postgresql://ann:p%40ss-word@127.0.0.1/chat", Path())
    assert isinstance(database, PostgresDatabase)
    message = postgres.explain(database, RuntimeError("odd login: p@ss-word"))
    assert "odd login: ***" in message
    assert "ss-word" not in message


@pytest.mark.xdist_group("postgresql")
class TestPostgres:
    async def test_a_wrong_password(self, postgres_server: PostgresServer, tmp_path: Path) -> None:
        await anyio.to_thread.run_sync(postgres_server.demand_password, "ann", "right-one")
        url = postgres_server.url("postgres", "ann:wrong-one")
        message = await refusal(url, tmp_path)
        assert 'password authentication failed for user "ann"' in message
        assert "check user and password" in message
        assert "wrong-one" not in message

    async def test_a_missing_database(
        self, postgres_server: PostgresServer, tmp_path: Path
    ) -> None:
        message = await refusal(postgres_server.url("nowhere"), tmp_path)
        assert "create it with: createdb nowhere" in message

    async def test_another_programs_tables(
        self, postgres_database: Database, postgres_server: PostgresServer
    ) -> None:
        name = str(postgres_database.url).partition("@/")[2].partition("?")[0]
        await anyio.to_thread.run_sync(
            postgres_server.run, "CREATE TABLE projects (title text)", name
        )
        message = await refusal(postgres_database.url, postgres_database.data_dir)
        assert "holds another program's tables" in message

    async def test_a_user_who_may_not_create_tables(
        self, postgres_database: Database, postgres_server: PostgresServer
    ) -> None:
        name = str(postgres_database.url).partition("@/")[2].partition("?")[0]
        await anyio.to_thread.run_sync(postgres_server.run, "CREATE ROLE reader LOGIN")
        message = await refusal(postgres_server.url(name, "reader"), postgres_database.data_dir)
        assert "must be allowed to create tables" in message
