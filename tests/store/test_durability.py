"""What a process has acknowledged is there after it was killed."""

import subprocess
import sys

import pytest
from tests.databases import Database

from understudy.store.keys import KeyRing, digest, list_keys

pytestmark = pytest.mark.anyio

# Three tasks create keys for ever, and say so after each.
CREATE_FOREVER = """
import pathlib, sys
import anyio
from understudy.store.db import open_store
from understudy.store.keys import create_key

async def create(store):
    while True:
        key = await create_key(store, project="shop")
        print(key.secret, flush=True)

async def main(url, data_dir):
    async with open_store(url or None, pathlib.Path(data_dir)) as store:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(create, store)

anyio.run(main, *sys.argv[1:])
"""


def acknowledged_before_a_kill(database: Database, count: int) -> list[str]:
    arguments = [database.url or "", str(database.data_dir)]
    command = [sys.executable, "-c", CREATE_FOREVER, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        secrets = [process.stdout.readline().strip() for _ in range(count)]
        process.kill()
        # What it said between the last line read and the kill counts too, except a torn last line.
        secrets += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -9
    return secrets


async def test_acknowledged_keys_survive_kill_9(database: Database) -> None:
    for attempt in range(1, 4):
        secrets = acknowledged_before_a_kill(database, count=30)
        if database.kind == "sqlite":
            kept = b"".join(path.read_bytes() for path in database.data_dir.iterdir())
            assert all(digest(secret) in kept for secret in secrets)
            assert not any(secret.encode() in kept for secret in secrets)
        async with database.open() as store:
            ring = KeyRing(store)
            assert [secret for secret in secrets if await ring.lookup(secret) is None] == []
            assert len(await list_keys(store)) >= 30 * attempt
