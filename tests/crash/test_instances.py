"""A turn with an instance that is interrupted by `kill -9` loses neither its message nor what was
learned from it, and is answered when the server runs again.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.cli.running import WAIT_S, Workplace
from tests.crash.nursery import Nursery
from tests.upstreams.chat_echo import Draft, stream_chunks
from tests.upstreams.http_server import Call, Reply
from tests.upstreams.scripted import Behaviour, ScriptedUpstream, hang

SAID = "My name is Ana and I like tea."
_LOOK_EVERY_S = 0.05


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as one:
        yield one


def remembers(*lines: str) -> Behaviour:
    """Call `remember` for each line."""
    calls: list[dict[str, Any]] = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": "remember",
                "arguments": json.dumps({"block": "human", "text": line}),
            },
        }
        for number, line in enumerate(lines)
    ]

    async def step(call: Call, reply: Reply) -> None:
        await reply.events(stream_chunks(call.json, [Draft(calls=calls, finish="tool_calls")]))

    return step


@pytest.mark.parametrize("calls_functions", [True, False], ids=["functions", "rules"])
def test_a_killed_turn_keeps_message_and_memory(
    nursery: Nursery, upstream: ScriptedUpstream, tmp_path: Path, *, calls_functions: bool
) -> None:
    workplace = Workplace(tmp_path)
    workplace.write_settings(
        f'default_model = "up/m"\n[providers.up]\nbase_url = "{upstream.base_url}"\n'
        f"[providers.up.capabilities]\ntools = {str(calls_functions).lower()}\n"
    )
    learned = remembers("Name: Ana", "Likes: tea")
    # The model learns, and the server is killed while it waits for what the model says next.
    upstream.play(*([learned, hang()] if calls_functions else [hang()]))
    with nursery.life(workplace) as server, server.client() as client:
        character = client.post("characters", json={"name": "Rosa"}).json()["id"]
        client.post(f"characters/{character}/instances", json={"name": "rosa"})
        sent = {"message": SAID, "stream": True}
        with client.stream("POST", "instances/rosa/chat", json=sent) as streamed:
            assert streamed.status_code == 200
            upstream.wait_for_calls(2 if calls_functions else 1, WAIT_S)
            server.kill()

    if calls_functions:
        upstream.play(learned)  # the model is asked again, and says again what it has learned
    with nursery.life(workplace) as again, again.client() as client:
        instance = _when_answered(client)
        assert instance["memory"][0]["text"] == ("Name: Ana\nLikes: tea")
        path = f"threads/{instance['thread_id']}/messages?order=asc"
        question, answered = client.get(path).json()["data"]
        assert question["content"][0]["text"]["value"] == SAID
        told = "The tool says: " if calls_functions else f"You said: {SAID}"
        assert answered["content"][0]["text"]["value"].startswith(told)
        changes = client.get("instances/rosa/memory/changes").json()["data"]
        assert [(change["added"], change["message_id"]) for change in changes] == [
            (["Likes: tea"], question["id"]),
            (["Name: Ana"], question["id"]),
        ]


def _when_answered(client: httpx2.Client) -> dict[str, Any]:
    """Return the instance once the run on its thread is over."""
    instance: dict[str, Any] = client.get("instances/rosa").json()
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        (run,) = client.get(f"threads/{instance['thread_id']}/runs").json()["data"]
        if run["status"] == "completed":
            return dict(client.get("instances/rosa").json())
        assert run["status"] in ("queued", "in_progress"), run
        time.sleep(_LOOK_EVERY_S)
    raise AssertionError(f"the run was not resumed: {run}")
