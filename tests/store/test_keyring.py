import subprocess
import sys

import anyio
import pytest
from sqlalchemy import event, text
from tests.databases import Database

from understudy.errors import NotReady
from understudy.store.db import Store
from understudy.store.keys import KeyOwner, KeyRing, create_key, project_id, revoke_key

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that moves when told."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def count_reads(store: Store) -> list[str]:
    """Return a list that grows by every statement which asks for keys."""
    statements: list[str] = []

    @event.listens_for(store.reader.sync_engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_rest) -> None:
        if "api_keys" in statement:
            statements.append(statement)

    return statements


async def rename_table(store: Store, old: str, new: str) -> None:
    async with store.write() as connection:
        await connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


async def test_a_key_leads_to_its_owner(store: Store) -> None:
    shop = await create_key(store, project="shop")
    other = await create_key(store)
    ring = KeyRing(store)
    assert await ring.lookup(shop.secret) == KeyOwner(shop.id, await project_id(store, "shop"))
    assert await ring.lookup(other.secret) == KeyOwner(other.id, await project_id(store))
    for wrong in ("", shop.secret[:-1], shop.secret + "x", shop.id, "contraseña", "\udce9"):
        assert await ring.lookup(wrong) is None


async def test_a_revoked_key_still_counts_as_created(store: Store) -> None:
    ring = KeyRing(store, refresh_s=0)
    assert await ring.is_empty()
    key = await create_key(store)
    assert not await ring.is_empty()
    await revoke_key(store, key.id)
    assert await ring.lookup(key.secret) is None
    assert not await ring.is_empty()


async def test_the_database_is_asked_again_only_after_the_refresh_time(store: Store) -> None:
    clock, reads = Clock(), count_reads(store)
    ring = KeyRing(store, refresh_s=2, clock=clock)
    assert await ring.is_empty()
    key = await create_key(store)
    clock.now_s += 1.9
    assert await ring.lookup(key.secret) is None
    assert len(reads) == 1
    clock.now_s += 0.1
    assert await ring.lookup(key.secret) is not None
    assert len(reads) == 2


async def test_many_questions_at_once_are_one_read(store: Store) -> None:
    reads = count_reads(store)
    key = await create_key(store)
    ring = KeyRing(store, clock=Clock())
    found: list[KeyOwner | None] = []

    async def ask() -> None:
        found.append(await ring.lookup(key.secret))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(ask)
    assert [owner.key_id for owner in found if owner] == [key.id] * 20
    assert len(reads) == 1


async def test_a_cancelled_question_does_not_stop_the_others(store: Store) -> None:
    key = await create_key(store)
    ring = KeyRing(store)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await ring.lookup(key.secret)
    assert await ring.lookup(key.secret) is not None


async def test_invalidate_makes_the_next_question_read(store: Store) -> None:
    ring = KeyRing(store, clock=Clock())
    assert await ring.is_empty()
    key = await create_key(store)
    assert await ring.lookup(key.secret) is None
    ring.invalidate()
    assert await ring.lookup(key.secret) is not None


async def test_invalidate_during_a_read_is_not_lost(store: Store) -> None:
    """The read under way may have begun before the change, so it must not count as fresh."""
    reads = count_reads(store)
    ring = KeyRing(store, clock=Clock())
    event.listen(
        store.reader.sync_engine, "before_cursor_execute", lambda *_: ring.invalidate(), once=True
    )
    await ring.is_empty()
    await ring.is_empty()
    await ring.is_empty()
    assert len(reads) == 2


async def test_a_database_error_keeps_the_last_known_keys(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    key = await create_key(store)
    ring = KeyRing(store, refresh_s=2, clock=clock)
    assert await ring.lookup(key.secret) is not None
    await rename_table(store, "api_keys", "away")
    reads = count_reads(store)
    clock.now_s += 2
    for _ in range(3):
        assert await ring.lookup(key.secret) is not None
        assert not await ring.is_empty()
    assert len(reads) == 1
    assert "last known ones stay in force" in caplog.text
    await rename_table(store, "away", "api_keys")
    await revoke_key(store, key.id)
    clock.now_s += 2
    assert await ring.lookup(key.secret) is None


async def test_without_any_known_keys_a_database_error_is_not_ready(store: Store) -> None:
    await rename_table(store, "api_keys", "away")
    ring = KeyRing(store)
    with pytest.raises(NotReady):
        await ring.lookup("sk-anything")
    with pytest.raises(NotReady):
        await ring.is_empty()
    await rename_table(store, "away", "api_keys")
    assert await ring.is_empty()


ANOTHER_PROCESS = """
import pathlib, sys
import anyio
from understudy.store.db import open_store
from understudy.store.keys import create_key, revoke_key

async def main(url, data_dir, action, argument):
    async with open_store(url or None, pathlib.Path(data_dir)) as store:
        if action == "create":
            await create_key(store, value=argument)
        else:
            await revoke_key(store, argument)

anyio.run(main, *sys.argv[1:])
"""


async def test_changes_by_another_process_are_seen(database: Database) -> None:
    async def elsewhere(action: str, argument: str) -> None:
        arguments = [database.url or "", str(database.data_dir), action, argument]
        command = [sys.executable, "-c", ANOTHER_PROCESS, *arguments]
        await anyio.run_process(command, stdout=None, stderr=subprocess.STDOUT)

    clock = Clock()
    async with database.open() as store:
        ring = KeyRing(store, refresh_s=2, clock=clock)
        assert await ring.is_empty()
        await elsewhere("create", "made elsewhere")
        clock.now_s += 2
        owner = await ring.lookup("made elsewhere")
        assert owner is not None
        await elsewhere("revoke", owner.key_id)
        assert await ring.lookup("made elsewhere") == owner
        clock.now_s += 2
        assert await ring.lookup("made elsewhere") is None
