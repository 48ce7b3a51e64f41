"""A call of an MCP server's tool that was under way when the server was killed is not repeated."""

import time
from pathlib import Path
from typing import Any

import httpx2
from tests.cli.running import WAIT_S, Workplace
from tests.crash.nursery import Nursery
from tests.crash.reading import answer
from tests.http.chunks import call_piece, calls_chunk, chunk
from tests.responses.mcp.playing import real_server
from tests.upstreams.scripted import ScriptedUpstream, stream

_SETTINGS = """
default_model = "up/m"
[providers.up]
base_url = "{base_url}"
enabled = true
[mcp]
allow_private_networks = true
"""
_LOOK_EVERY_S = 0.05


def test_a_call_under_way_is_lost_and_the_next_one_made(nursery: Nursery, tmp_path: Path) -> None:
    both = [_called(0, "slow", "{}"), _called(1, "add", '{"a": 1, "b": 2}')]
    workplace = Workplace(tmp_path)
    with ScriptedUpstream() as upstream, real_server() as mcp:
        workplace.write_settings(_SETTINGS.format(base_url=upstream.base_url))
        upstream.play(
            stream([calls_chunk(*both), chunk({}, "tool_calls")]),
            stream([chunk({"content": "three"}), chunk({}, "stop")]),
        )
        tool = {"type": "mcp", "server_label": "tests", "server_url": mcp.url}
        tool |= {"require_approval": "never", "authorization": "a-secret"}
        body = {"input": "1 + 2?", "background": True, "stream": True, "tools": [tool]}
        with nursery.life(workplace) as server, server.client() as client:
            with client.stream("POST", "/responses", json=body) as response:
                id_ = _id_in(response)
                assert mcp.called.wait(WAIT_S), server.log
                assert server.kill() == []
        before = len(mcp.headers)
        with nursery.life(workplace) as server, server.client() as client:
            made = _over(client, id_)
            told = client.get(f"/responses/{id_}", params={"stream": "true"}).text
    assert made["status"] == "completed", made
    _, slow, add, message = made["output"]
    assert (slow["name"], slow["status"]) == ("slow", "failed")
    assert "not repeated" in slow["error"]["message"]
    assert (add["name"], add["output"]) == ("add", "3")
    assert message["content"][0]["text"] == "three"
    assert [name for name, _ in mcp.calls] == ["slow", "add"]
    assert {headers["authorization"] for headers in mcp.headers[before:]} == {"Bearer a-secret"}
    assert told.count("event: response.mcp_call.failed") == 1
    assert told.count("event: response.mcp_call.completed") == 1
    assert told.count("event: response.output_item.done") == len(made["output"])


def _called(index: int, name: str, arguments: str) -> dict[str, Any]:
    return call_piece(arguments, index=index, id=f"call_{index}", name=name, type="function")


def _id_in(response: httpx2.Response) -> str:
    """Return the id of the response of which a stream tells."""
    for line in response.iter_lines():
        if '"id":"resp_' in line:
            return "resp_" + line.partition('"id":"resp_')[2].partition('"')[0]
    raise AssertionError("the stream tells of no response")


def _over(client: httpx2.Client, id_: str) -> dict[str, Any]:
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        made: dict[str, Any] = answer(client.get(f"/responses/{id_}"))
        if made["status"] not in ("queued", "in_progress"):
            return made
        time.sleep(_LOOK_EVERY_S)
    raise AssertionError(f"{id_} does not end")
