"""Whenever the server is killed, each run goes on: nothing lost, nothing stuck, nothing twice.

`CRASH_RUN_POINTS` says how often the server is killed on SQLite; on PostgreSQL it is half as often.
A chain of so many lives shares one database, and a few conversations go on through all of them.
"""

import asyncio
import contextlib
import itertools
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from _pytest.mark.structures import ParameterSet
from tests.cli.running import WAIT_S, Workplace
from tests.crash.conversing import Conversation, Moments, Shared, living
from tests.crash.nursery import Life, Nursery
from tests.crash.reading import answer, upload
from tests.crash.run_judge import Verdict
from tests.crash.run_model import FUNCTION, RunModel
from tests.databases import Database
from tests.upstreams.scripted import ScriptedUpstream

_POINTS = int(os.environ.get("CRASH_RUN_POINTS", "15"))
_SEED = int(os.environ.get("CRASH_SEED", "0"))
_KILLS = 15
"""Points in a chain of lives."""
_CONVERSATIONS = 8
_WORKERS = 3
"""Fewer than conversations, so that some runs wait in the queue, and some for their cancelling."""
_MOMENTS = (
    "creation",
    "creation",
    "first token",
    "mid-stream",
    "tool calls",
    "requires_action",
    "submit",
    "second round",
    "cancel",
    "cancelling",
    "cancelling",
    "completion",
    "file search",
    "graceful stop",
    "anywhen",
)
_MOMENT_COMES_WITHIN_S = 6.0
_KILLED_WITHIN_S = 0.05
_ANYWHEN_S = 0.8
_READ_TIMEOUT_S = 20.0
_SETTINGS = """
shutdown_grace_s = 1
[providers.p]
base_url = "{base_url}"
enabled = true
[runs]
workers = {workers}
"""


def _chains(kind: str, points: int) -> list[ParameterSet]:
    """Return chains that have so many points together."""
    marks = [pytest.mark.xdist_group(kind)] if kind == "postgresql" else []
    return [
        pytest.param(
            kind,
            min(_KILLS, points - begun),
            _SEED + number,
            id=f"{kind}-seed{_SEED + number}",
            marks=marks,
        )
        for number, begun in enumerate(range(0, points, _KILLS))
    ]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "kills", "chain_seed"),
    [*_chains("sqlite", _POINTS), *_chains("postgresql", _POINTS // 2)],
)
def test_runs_survive_every_kill(
    kind: str,
    kills: int,
    chain_seed: int,
    tmp_path: Path,
    nursery: Nursery,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    if kind == "sqlite":
        database = Database("sqlite", None, tmp_path / "data")
    else:
        database = request.getfixturevalue("postgres_database")
    with ScriptedUpstream(RunModel()) as upstream:
        chain = _Chain(database, nursery, upstream, random.Random(chain_seed))
        chain.prepare()
        for moment in chain.moments(kills):
            chain.kill_at(moment)
        verdict = chain.conclude()
    record_property("runs_crash", {"database": kind, **verdict.summary()})
    assert verdict.lost == []
    assert verdict.stuck == []
    assert verdict.doubled == []


class _Chain:
    """One database, and the lives of servers on it."""

    def __init__(
        self,
        database: Database,
        nursery: Nursery,
        upstream: ScriptedUpstream,
        chosen: random.Random,
    ) -> None:
        self._database = database
        self._nursery = nursery
        self._upstream = upstream
        self._chosen = chosen
        self._verdict = Verdict()
        self._numbers = itertools.count()
        self._moments = Moments()
        self._conversations: list[Conversation] = []
        self._workplace = Workplace(database.data_dir.parent)
        if database.url is not None:
            self._workplace.environment["UNDERSTUDY_DATABASE_URL"] = database.url
        self._workplace.write_settings(
            _SETTINGS.format(base_url=upstream.base_url, workers=_WORKERS)
        )

    def prepare(self) -> None:
        """Make the assistant, with a file to search, and the conversations."""
        with self._life() as life, _client(life) as client:
            file = upload(client, "facts.txt", b"Every conversation has a token.")
            store = {"file_ids": [file]}
            made = answer(
                client.post(
                    "/assistants",
                    json={
                        "model": "p/m",
                        "tools": [FUNCTION, {"type": "file_search"}],
                        "tool_resources": {"file_search": {"vector_stores": [store]}},
                    },
                )
            )
        self._shared = Shared(made["id"], self._moments)
        for number in range(_CONVERSATIONS):
            chosen = random.Random(self._chosen.random())
            self._conversations.append(Conversation(f"c{number}", chosen, self._shared))

    def moments(self, kills: int) -> list[str]:
        """Return at which moments the server is to be killed."""
        moments = list(itertools.islice(itertools.cycle(_MOMENTS), kills))
        self._chosen.shuffle(moments)
        return moments

    def kill_at(self, moment: str) -> None:
        """Let a server live until this moment, or a while if it does not come, and kill it."""
        with self._life() as life, living(self._conversations, life.url(), _READ_TIMEOUT_S):
            try:
                self._await(life, moment)
            finally:
                life.kill()
        self._verdict.look_at_the_dead(self._database, moment)
        for conversation in self._conversations:
            if (run_id := conversation.expires()) is not None:
                _expire(self._database, run_id)

    def conclude(self) -> Verdict:
        """Let the conversations come to their end, and judge them."""
        self._shared.is_closing.set()
        with self._life() as life:
            with living(self._conversations, life.url(), _READ_TIMEOUT_S):
                pass
            self._verdict.check_steps(self._database)
            with _client(life) as client:
                self._verdict.judge(client, self._conversations, self._upstream.calls)
        return self._verdict

    def _await(self, life: Life, moment: str) -> None:
        if moment == "anywhen":
            time.sleep(self._chosen.uniform(0, _ANYWHEN_S))
        elif moment == "graceful stop":
            self._moments.wait("mid-stream", _MOMENT_COMES_WITHIN_S)
            life.terminate()
            time.sleep(self._chosen.uniform(0, _KILLED_WITHIN_S))
        else:
            self._moments.wait(moment, _MOMENT_COMES_WITHIN_S)
            time.sleep(self._chosen.uniform(0, _KILLED_WITHIN_S))

    @contextlib.contextmanager
    def _life(self) -> Iterator[Life]:
        log_file = self._workplace.folder / f"life-{next(self._numbers)}.log"
        life = self._nursery.start(self._workplace, log_file)
        try:
            yield life
        finally:
            life.close()


def _client(life: Life) -> httpx2.Client:
    return httpx2.Client(base_url=life.url(), timeout=WAIT_S, trust_env=False)


def _expire(database: Database, run_id: str) -> None:
    """Let the time of a run be over, while no server lives."""
    statement = (
        f"UPDATE runs SET expires_at = 1 WHERE id = '{run_id}' AND status = 'requires_action'"
    )
    if database.url is not None:
        asyncio.run(_execute(database.url, statement))
        return
    with contextlib.closing(sqlite3.connect(database.data_dir / "understudy.db")) as connection:
        connection.execute(statement)
        connection.commit()


async def _execute(url: str, statement: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
