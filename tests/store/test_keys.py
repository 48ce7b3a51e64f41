import hashlib
import re
from pathlib import Path

import anyio
import pytest
from sqlalchemy import select, text
from tests.databases import Database, PostgresServer

from understudy.errors import Conflict, InvalidRequest, NotFound
from understudy.store.db import Store
from understudy.store.keys import create_key, digest, hint, list_keys, project_id, revoke_key
from understudy.store.schema import api_keys

pytestmark = pytest.mark.anyio


def files_holding(directory: Path, needle: bytes) -> list[str]:
    paths = (path for path in directory.rglob("*") if path.is_file())
    return [path.name for path in paths if needle in path.read_bytes()]


async def test_a_key_is_made_as_openai_makes_them(store: Store) -> None:
    key = await create_key(store, name="laptop")
    assert re.fullmatch(r"sk-[A-Za-z0-9]{48}", key.secret)
    assert re.fullmatch(r"key_[A-Za-z0-9]{24}", key.id)
    assert (key.project, key.name, key.hint) == ("default", "laptop", f"sk-…{key.secret[-4:]}")
    assert key.secret not in repr(key)


async def test_the_list_is_oldest_first_and_holds_revoked_keys(store: Store) -> None:
    created = [await create_key(store, name=f"key {number}") for number in range(5)]
    revoked = await revoke_key(store, created[2].id)
    listed = await list_keys(store)
    assert [key.id for key in listed] == [key.id for key in created]
    assert [key.revoked_at for key in listed] == [None, None, revoked.revoked_at, None, None]
    assert revoked.revoked_at is not None


@pytest.mark.parametrize(
    "value", ["12345678", "correct horse battery", "sk-" + "x" * 48, '~!"#$%&/()=?', "x" * 2000]
)
async def test_a_key_may_be_given_any_text_that_a_header_can_hold(store: Store, value: str) -> None:
    key = await create_key(store, value=value)
    assert key.secret == value
    async with store.read() as connection:
        stored = await connection.scalar(select(api_keys.c.sha256))
    assert stored == hashlib.sha256(value.encode()).digest()


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("value", "", "at least 8 characters"),
        ("value", "1234567", "at least 8 characters"),
        ("value", " 12345678", "white space"),
        ("value", "12345678\n", "white space"),
        ("value", "1234\t5678", "printable ASCII"),
        ("value", "1234\x005678", "printable ASCII"),
        ("value", "contraseña", "printable ASCII"),
        ("value", "密密密密密密密密", "printable ASCII"),
        ("name", "x" * 101, "0 to 100 characters"),
        ("name", "two\nlines", "control characters"),
        ("project", "", "1 to 100 characters"),
        ("project", " shop", "white space"),
    ],
)
async def test_text_that_cannot_work_is_refused_by_name(
    store: Store, field: str, text: str, reason: str
) -> None:
    with pytest.raises(InvalidRequest, match=reason) as refusal:
        await create_key(store, **{field: text})
    assert refusal.value.param == field
    assert await list_keys(store) == []


async def test_a_value_is_a_key_only_once_even_when_revoked(store: Store) -> None:
    first = await create_key(store, value="the same value")
    with pytest.raises(Conflict):
        await create_key(store, value="the same value", project="shop")
    await revoke_key(store, first.id)
    with pytest.raises(Conflict):
        await create_key(store, value="the same value")
    assert len(await list_keys(store)) == 1
    with pytest.raises(NotFound):
        await project_id(store, "shop")


async def test_a_project_is_created_once_on_demand(database: Database) -> None:
    async with database.open() as one, database.open() as two:
        async with anyio.create_task_group() as tasks:
            for store in (one, two, one, two):
                tasks.start_soon(lambda store=store: create_key(store, project="shop"))
        assert [key.project for key in await list_keys(one)] == ["shop"] * 4
        async with one.read() as connection:
            owners = set(await connection.scalars(select(api_keys.c.project_id)))
        assert owners == {await project_id(two, "shop")}
        assert re.fullmatch(r"proj_[A-Za-z0-9]{24}", owners.pop())


async def test_a_key_is_revoked_by_id_hint_or_name(store: Store) -> None:
    by_id = await create_key(store, name="a")
    by_hint = await create_key(store, name="b", value="sk-" + "x" * 44 + "abcd")
    by_typed_hint = await create_key(store, name="c", value="sk-" + "x" * 44 + "efgh")
    by_name = await create_key(store, name="old laptop")
    for key, reference in (
        (by_id, by_id.id),
        (by_hint, "sk-…abcd"),
        (by_typed_hint, "sk-...efgh"),
        (by_name, "old laptop"),
    ):
        assert (await revoke_key(store, reference)).id == key.id


async def test_a_name_of_several_active_keys_revokes_none(store: Store) -> None:
    first, second = [await create_key(store, name="laptop") for _ in range(2)]
    with pytest.raises(Conflict, match=f"{first.id}, {second.id}"):
        await revoke_key(store, "laptop")
    await revoke_key(store, first.id)
    assert (await revoke_key(store, "laptop")).id == second.id
    with pytest.raises(NotFound, match="revoked already"):
        await revoke_key(store, "laptop")


@pytest.mark.parametrize("reference", ["", "key_missing", "sk-a-pasted-secret"])
async def test_an_unknown_reference_is_not_found_and_not_quoted(
    store: Store, reference: str
) -> None:
    await create_key(store, value="sk-a-pasted-secret")
    with pytest.raises(NotFound, match="understudy keys list") as refusal:
        await revoke_key(store, reference)
    assert "pasted" not in refusal.value.message


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("sk-" + "x" * 44 + "abcd", "sk-…abcd"),
        ("my-long-secret-text", "…text"),
        ("12345678", "…78"),
        ("123456789012", "…012"),
    ],
)
def test_a_hint_shows_little(secret: str, expected: str) -> None:
    assert hint(secret) == expected


async def test_a_key_is_never_stored_in_clear_by_sqlite(tmp_path: Path) -> None:
    database = Database("sqlite", None, tmp_path)
    async with database.open() as store:
        key = await create_key(store, value="sk-never-to-be-found")
        with pytest.raises(Conflict):
            await create_key(store, value="sk-never-to-be-found")
    assert files_holding(tmp_path, digest(key.secret)) == ["understudy.db"]
    assert files_holding(tmp_path, b"never-to-be-found") == []


@pytest.mark.xdist_group("postgresql")
async def test_a_key_is_never_stored_in_clear_by_postgres(
    postgres_database: Database, postgres_server: PostgresServer
) -> None:
    async with postgres_database.open() as store:
        key = await create_key(store, value="sk-never-to-be-found")
        with pytest.raises(Conflict):
            await create_key(store, value="sk-never-to-be-found")
    await anyio.to_thread.run_sync(postgres_server.run, "CHECKPOINT")
    assert files_holding(postgres_server.socket_dir / "base", digest(key.secret))
    assert files_holding(postgres_server.socket_dir, b"never-to-be-found") == []


async def test_a_database_error_does_not_quote_a_key(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("DROP TABLE api_keys"))
    with pytest.raises(Exception, match="api_keys") as error:
        await create_key(store, value="sk-never-to-be-found")
    assert "never-to-be-found" not in str(error.value)
