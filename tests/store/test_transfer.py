"""Backups between databases of both kinds: every table comes back, whichever way it goes."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    Table,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.databases import Database, PostgresServer

from understudy.errors import StartupError
from understudy.store.archive import MANIFEST
from understudy.store.backup import back_up
from understudy.store.blobs import Blobs, keep
from understudy.store.chunks import NewChunk, insert_chunks
from understudy.store.db import Store, open_store
from understudy.store.keys import create_key, list_keys, project_id
from understudy.store.location import locate
from understudy.store.restore import is_occupied, restore
from understudy.store.schema import (
    chunk_terms,
    chunks,
    metadata,
    runs,
    vector_spaces,
    vector_store_files,
)

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgresql")]

CONTENT = b"what a file holds"
ROWS = 600
"""More than are copied at a time."""
CHUNKS_A_FILE = 100
KINDS = ("sqlite", "postgresql")


def silent(what: str, done_bytes: int, total_bytes: int) -> None:
    """Take a report of progress."""


@pytest.fixture
def other(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path: Path
) -> Iterator[Database]:
    """The database that is restored into, of the kind that the test asks for."""
    if request.param == "sqlite":
        yield Database("sqlite", None, tmp_path / "other")
        return
    postgres_server.run("CREATE DATABASE moved")
    yield Database("postgresql", postgres_server.url("moved"), tmp_path / "other")
    postgres_server.run("DROP DATABASE moved WITH (FORCE)")


async def copied(source: Database, target: Database, archive: Path) -> None:
    """Back one database up and restore it as the other."""
    target.data_dir.mkdir(mode=0o700, exist_ok=True)
    for work, database in ((back_up, source), (restore, target)):
        location = locate(database.url, database.data_dir)
        await anyio.to_thread.run_sync(work, location, database.data_dir, archive, silent)


async def fill(database: Database) -> None:
    """Put rows into every table, and a content that one of them names."""
    database.data_dir.mkdir(mode=0o700, exist_ok=True)
    async with database.open() as store:
        project = await project_id(store)
        async with store.write() as connection:
            for table in metadata.sorted_tables:
                if table.name not in ("projects", "blobs", "chunks", "chunk_terms"):
                    rows = [_row(table, number, project) for number in range(1, ROWS + 1)]
                    await connection.execute(insert(table), rows)
            for file in range(0, ROWS, CHUNKS_A_FILE):
                made = [_chunk(number) for number in range(file, file + CHUNKS_A_FILE)]
                await insert_chunks(connection, f"vs_{file % 3}", file, made)
        blobs = Blobs(database.data_dir / "blobs")
        async with blobs.writing() as writer:
            await writer.write(CONTENT)
            blob = await writer.finish()
            async with store.write() as connection:
                await keep(connection, blobs, blob)


def _row(table: Table, number: int, project: str) -> dict[str, Any]:
    made = {column.name: _value(column, number) for column in table.columns}
    if "project_id" in made:
        made["project_id"] = project
    if "seq" in made:
        made["seq"] = 10 * number  # numbers have gaps
    return made


def _value(column: Column[Any], number: int) -> Any:
    if column.nullable and number % 2:
        return None
    match column.type:
        case JSON():
            return {"number": number, "words": ["ñandú", None, 1.5]}
        case LargeBinary():
            return number.to_bytes(32)
        case BigInteger() | Integer():
            return number
    return f'{{"{column.name}": "{number} \\u0000 é 中"}}'


def _chunk(number: int) -> NewChunk:
    return NewChunk(number, f"text {number} é\n", number % 5 or None, None, 3, f"word{number} all")


async def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table, without the numbers that are made anew."""
    async with store.read() as connection:
        return {table.name: await _rows(connection, table) for table in metadata.sorted_tables}


async def _rows(connection: AsyncConnection, table: Table) -> list[tuple[Any, ...]]:
    made_anew = [
        chunks.c.seq,
        vector_spaces.c.generation,
        runs.c.lease_until,
        vector_store_files.c.lease_until,
    ]
    columns = [column for column in table.columns if not any(column is new for new in made_anew)]
    order = [table.c.file_seq] if table is chunks else list(table.primary_key)
    found = [tuple(row) for row in await connection.execute(select(*columns).order_by(*order))]
    return sorted(found) if table is chunk_terms else found


@pytest.mark.parametrize("other", KINDS, indirect=True)
async def test_every_table_comes_back(database: Database, other: Database, tmp_path: Path) -> None:
    await fill(database)
    async with database.open() as store:
        filled = await contents(store)
    await copied(database, other, tmp_path / "backup.zip")
    async with other.open() as store:
        assert await contents(store) == filled
        async with store.read() as connection:
            for leased in (runs, vector_store_files):
                ends = await connection.execute(select(leased.c.lease_until).distinct())
                assert set(ends.scalars()) - {None} == {0}  # up to whoever comes first
    empty = [name for name, rows in filled.items() if not rows]
    assert empty == []
    stored = [path for path in (other.data_dir / "blobs").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in stored] == [CONTENT]
    assert not list(database.data_dir.glob("backup-*")) + list(other.data_dir.glob("restore-*"))


@pytest.mark.parametrize("other", KINDS, indirect=True)
async def test_what_was_there_is_replaced_and_new_rows_follow(
    database: Database, other: Database, tmp_path: Path
) -> None:
    await fill(database)
    async with other.open() as store:
        await create_key(store, name="old")
        async with store.write() as connection:
            await insert_chunks(connection, "vs_1", 999, [_chunk(1)])
    await copied(database, other, tmp_path / "backup.zip")
    async with database.open() as store:
        names = [key.name for key in await list_keys(store)]
    async with other.open() as store:
        await create_key(store, name="new")
        assert [key.name for key in await list_keys(store)] == [*names, "new"]
        async with store.write() as connection:
            await insert_chunks(connection, "vs_1", 999, [_chunk(1)])


async def test_a_backup_is_of_one_moment(postgres_database: Database, tmp_path: Path) -> None:
    database, archive = postgres_database, tmp_path / "backup.zip"
    await fill(database)
    written: list[int] = []

    async def write_chunks() -> None:
        async with database.open() as store, store.write() as connection:
            await insert_chunks(connection, "vs_later", 999, [_chunk(1)])
        written.append(999)

    def write_meanwhile(what: str, done_bytes: int, total_bytes: int) -> None:
        # Chunks are copied last: without a snapshot, these would be among them.
        if not written and 0 < done_bytes < total_bytes:
            anyio.from_thread.run(write_chunks)

    location = locate(database.url, database.data_dir)
    await anyio.to_thread.run_sync(back_up, location, database.data_dir, archive, write_meanwhile)
    assert written == [999]
    with zipfile.ZipFile(archive) as made:
        assert json.loads(made.read(MANIFEST))["rows"]["chunks"] == ROWS


async def test_a_database_in_use_is_not_replaced(
    postgres_database: Database, tmp_path: Path
) -> None:
    database, archive = postgres_database, tmp_path / "backup.zip"
    await fill(database)
    location = locate(database.url, database.data_dir)
    await anyio.to_thread.run_sync(back_up, location, database.data_dir, archive, silent)
    async with database.open() as store:
        before = await contents(store)
        with pytest.raises(StartupError, match="uses the PostgreSQL database"):
            await anyio.to_thread.run_sync(restore, location, database.data_dir, archive, silent)
        assert await contents(store) == before


async def test_only_the_schema_of_this_release_is_backed_up(
    postgres_database: Database, tmp_path: Path
) -> None:
    database, archive = postgres_database, tmp_path / "backup.zip"
    database.data_dir.mkdir()
    location = locate(database.url, database.data_dir)

    async def refused() -> str:
        with pytest.raises(StartupError) as caught:
            await anyio.to_thread.run_sync(back_up, location, database.data_dir, archive, silent)
        return caught.value.message

    assert "no server has used it" in await refused()
    async with database.open() as store, store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert "The schema of the PostgreSQL database" in await refused()
    assert not archive.exists()


async def test_a_database_is_occupied_once_a_server_used_it(postgres_database: Database) -> None:
    database = postgres_database
    location = locate(database.url, database.data_dir)

    async def occupied() -> bool:
        return await anyio.to_thread.run_sync(is_occupied, location, database.data_dir)

    assert not await occupied()
    async with open_store(database.url, database.data_dir):
        pass
    assert await occupied()


async def test_messages_name_no_password(tmp_path: Path) -> None:
    location = locate("postgresql://ana:secret@127.0.0.1:1/shop", tmp_path)
    with pytest.raises(StartupError) as caught:
        await anyio.to_thread.run_sync(back_up, location, tmp_path, tmp_path / "b.zip", silent)
    assert "Cannot reach" in caught.value.message
    assert "secret" not in caught.value.message
