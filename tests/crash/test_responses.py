"""Whenever the server is killed, each background response goes on: nothing lost, stuck or twice.

`CRASH_RESPONSE_POINTS` says how often the server is killed on SQLite; on PostgreSQL it is half as
often. All lives of a chain share one database.
"""

import contextlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.cli.running import WAIT_S, Workplace
from tests.crash.asking_responses import Asker, faults_of
from tests.crash.conversing import Moments, events_in, living
from tests.crash.nursery import Life, Nursery
from tests.crash.reading import answer, upload
from tests.crash.run_model import RunModel
from tests.databases import Database
from tests.upstreams.scripted import ScriptedUpstream

_POINTS = int(os.environ.get("CRASH_RESPONSE_POINTS", "2"))
_SEED = int(os.environ.get("CRASH_SEED", "0"))
_ASKERS = 6
_MOMENTS = (
    "creation",
    "response.queued",
    "response.in_progress",
    "response.output_item.added",
    "response.output_text.delta",
    "response.function_call_arguments.delta",
    "response.file_search_call.in_progress",
    "response.output_item.done",
    "response.completed",
    "graceful stop",
)
_MOMENT_COMES_WITHIN_S = 6.0
_KILLED_WITHIN_S = 0.05
_LOOK_EVERY_S = 0.02
_READ_TIMEOUT_S = 20.0
_SETTINGS = """
shutdown_grace_s = 1
[providers.p]
base_url = "{base_url}"
enabled = true
[runs]
workers = 3
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("sqlite", _POINTS),
        pytest.param("postgresql", _POINTS // 2, marks=pytest.mark.xdist_group("postgresql")),
    ],
)
def test_background_responses_survive_every_kill(
    kind: str,
    kills: int,
    tmp_path: Path,
    nursery: Nursery,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    database = Database("sqlite", None, tmp_path / "data")
    if kind == "postgresql":
        database = request.getfixturevalue("postgres_database")
    chosen = random.Random(_SEED)
    with ScriptedUpstream(RunModel()) as upstream:
        chain = _Chain(database, nursery, upstream, chosen)
        chain.prepare()
        moments = [_MOMENTS[number % len(_MOMENTS)] for number in range(kills)]
        chosen.shuffle(moments)
        for moment in moments:
            chain.kill_at(moment)
        faults, responses = chain.conclude()
    record_property("responses_crash", {"database": kind, "kills": kills, "made": responses})
    assert responses >= _ASKERS
    assert faults == []


def test_what_a_killed_server_was_answering_fails_at_the_next_start(
    tmp_path: Path, nursery: Nursery
) -> None:
    workplace = Workplace(tmp_path)
    with ScriptedUpstream(RunModel()) as upstream:
        workplace.write_settings(_SETTINGS.format(base_url=upstream.base_url))
        with _client(nursery, workplace, "first") as (life, client):
            conversation = answer(client.post("/conversations", json={}))["id"]
            asked: dict[str, Any] = {"model": "p/m", "input": "t say", "stream": True}
            asked["conversation"] = conversation
            with client.stream("POST", "/responses", json=asked) as response:
                events = events_in(response.iter_lines())
                id_ = json.loads(next(events)[1])["response"]["id"]
                next(name for name, _ in events if name == "response.output_text.delta")
                life.kill()
        with _client(nursery, workplace, "second") as (_, client):
            failed = _ended(client, id_)
            assert failed["status"] == "failed"
            assert "server stopped" in failed["error"]["message"]
            listed = answer(client.get(f"/conversations/{conversation}/items"))
            assert listed["data"] == []
            with client.stream("POST", "/responses", json=asked) as response:
                names = [name for name, _ in events_in(response.iter_lines())]
            assert names[-1] == "response.completed"


@contextlib.contextmanager
def _client(
    nursery: Nursery, workplace: Workplace, name: str
) -> Iterator[tuple[Life, httpx2.Client]]:
    life = nursery.start(workplace, workplace.folder / f"{name}.log")
    try:
        with httpx2.Client(base_url=life.url(), timeout=WAIT_S, trust_env=False) as client:
            yield life, client
    finally:
        life.close()


def _ended(client: httpx2.Client, id_: str) -> dict[str, Any]:
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        response: dict[str, Any] = answer(client.get(f"/responses/{id_}"))
        if response["status"] != "in_progress":
            return response
        time.sleep(_LOOK_EVERY_S)
    raise AssertionError(f"{id_} did not end")


class _Chain:
    """One database, and the lives of servers on it."""

    def __init__(
        self,
        database: Database,
        nursery: Nursery,
        upstream: ScriptedUpstream,
        chosen: random.Random,
    ) -> None:
        self._nursery = nursery
        self._chosen = chosen
        self._moments = Moments()
        self._askers: list[Asker] = []
        self._lives = 0
        self._workplace = Workplace(database.data_dir.parent)
        if database.url is not None:
            self._workplace.environment["UNDERSTUDY_DATABASE_URL"] = database.url
        self._workplace.write_settings(_SETTINGS.format(base_url=upstream.base_url))

    def prepare(self) -> None:
        """Make a store to search, and those who ask."""
        life = self._begin_life()
        try:
            with httpx2.Client(base_url=life.url(), timeout=WAIT_S, trust_env=False) as client:
                file = upload(client, "facts.txt", b"Every conversation has a token.")
                store = answer(client.post("/vector_stores", json={"file_ids": [file]}))["id"]
        finally:
            life.close()
        for number in range(_ASKERS):
            chosen = random.Random(self._chosen.random())
            has_log = number % 2 == 0
            self._askers.append(Asker(f"a{number}", chosen, self._moments, store, has_log))

    def kill_at(self, moment: str) -> None:
        """Let a server live until this moment, or a while if it does not come, and kill it."""
        life = self._begin_life()
        try:
            with living(self._askers, life.url(), _READ_TIMEOUT_S):
                try:
                    self._await(life, moment)
                finally:
                    life.kill()
        finally:
            life.close()

    def conclude(self) -> tuple[list[str], int]:
        """Let all come to their end; return what is wrong, and how many responses there were."""
        for asker in self._askers:
            asker.is_closing.set()
        life = self._begin_life()
        try:
            with living(self._askers, life.url(), _READ_TIMEOUT_S):
                pass
            with httpx2.Client(base_url=life.url(), timeout=WAIT_S, trust_env=False) as client:
                faults = [fault for asker in self._askers for fault in faults_of(client, asker)]
        finally:
            life.close()
        return faults, sum(len(asker.journals) for asker in self._askers)

    def _begin_life(self) -> Life:
        self._lives += 1
        log_file = self._workplace.folder / f"life-{self._lives}.log"
        return self._nursery.start(self._workplace, log_file)

    def _await(self, life: Life, moment: str) -> None:
        if moment == "graceful stop":
            self._moments.wait("response.output_text.delta", _MOMENT_COMES_WITHIN_S)
            life.terminate()
        else:
            self._moments.wait(moment, _MOMENT_COMES_WITHIN_S)
        time.sleep(self._chosen.uniform(0, _KILLED_WITHIN_S))
