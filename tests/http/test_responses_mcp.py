"""Tools of MCP servers in responses: listed, approved, called, and refused where they must be."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from tests.docs.pages import ROOT, snippets
from tests.http.chunks import call_piece, calls_chunk, chunk
from tests.http.serving import Served, error_of, provider_at, serve, settings_for
from tests.responses.mcp.playing import RealServer, real_server, result, speaking, tool
from tests.sdk.validation import errors_of_object
from tests.upstreams.http_server import Behaviour, Call, Reply
from tests.upstreams.scripted import ScriptedUpstream, answer

SECRET = "a-secret-token"
PATH = "/v1/responses"


@pytest.fixture(scope="module")
def mcp() -> Iterator[RealServer]:
    with real_server() as server:
        yield server


@pytest.fixture(scope="module")
def server(
    module_upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        default_model="up/echo",
        upstream_retries=0,
        providers={"up": provider_at(module_upstream)},
        mcp={"allow_private_networks": True},
    )
    with serve(settings) as served:
        yield served


def tool_at(url: str, **fields: Any) -> dict[str, Any]:
    return {"type": "mcp", "server_label": "tests", "server_url": url, **fields}


def open_to_all(mcp: RealServer, **fields: Any) -> dict[str, Any]:
    return tool_at(mcp.url, require_approval="never", authorization=SECRET, **fields)


def calls(name: str, arguments: str = "{}") -> Behaviour:
    piece = call_piece(arguments, index=0, id="call_1", name=name, type="function")
    return answers([calls_chunk(piece), chunk({}, "tool_calls")], tool_calls=[piece])


def says(text: str) -> Behaviour:
    return answers([chunk({"content": text}), chunk({}, "stop")], content=text)


def answers(chunks: list[dict[str, Any]], **message: Any) -> Behaviour:
    """Answer in chunks where a stream is wanted, else with the message."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}

    async def step(call: Call, reply: Reply) -> None:
        if call.json.get("stream"):
            await reply.events(chunks)
        else:
            await reply.json({**whole, "choices": [choice]})

    return step


def create(server: Served, **body: Any) -> dict[str, Any]:
    response = server.client.post(PATH, json={"input": "1 + 2?", "stream": True, **body})
    assert response.status_code == 200, response.text
    assert SECRET not in response.text
    events = [event for _, event in events_in(response.text)]
    assert not [one for event in events for one in errors_of_object("ResponseStreamEvent", event)]
    return events[-1]["response"]


def events_in(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return name and data of each event, `name` being what follows `response.`."""
    found = []
    for block in text.split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        found.append((lines["event"].removeprefix("response."), json.loads(lines["data"])))
    return found


def types_of(response: dict[str, Any]) -> list[str]:
    return [item["type"] for item in response["output"]]


def test_tools_are_listed_called_and_shown_to_the_model(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.play(calls("add", '{"a": 1, "b": 2}'), says("three"))
    body = {"input": "1 + 2?", "stream": True, "tools": [open_to_all(mcp)]}
    response = server.client.post(PATH, json=body)
    events = events_in(response.text)
    assert [name for name, _ in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "output_item.done",
        "output_item.added",
        "mcp_call.in_progress",
        "mcp_call_arguments.delta",
        "mcp_call_arguments.done",
        "mcp_call.completed",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert not [
        one for _, event in events for one in errors_of_object("ResponseStreamEvent", event)
    ]
    final = events[-1][1]["response"]
    listing, call, message = final["output"]
    done = [event["item"] for name, event in events if name == "output_item.done"]
    assert done == final["output"]
    assert [one["name"] for one in listing["tools"]] == ["add", "delete.all", "slow"]
    assert call == {
        "type": "mcp_call",
        "id": call["id"],
        "status": "completed",
        "server_label": "tests",
        "name": "add",
        "arguments": '{"a": 1, "b": 2}',
        "output": "3",
        "error": None,
        "approval_request_id": None,
    }
    assert message["content"][0]["text"] == "three"
    told = upstream.calls[-1].json["messages"][-1]
    assert (told["role"], told["content"]) == ("tool", "3")
    assert SECRET not in response.text
    echoed = final["tools"][0]
    assert (
        echoed["server_url"].startswith("http://127.0.0.1") and "/mcp" not in echoed["server_url"]
    )
    assert SECRET not in server.client.get(f"{PATH}/{final['id']}").text


def test_names_that_no_model_can_call_and_names_that_clash_are_offered_apart(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.play(calls("delete_all"), says("no"))
    function = {"type": "function", "name": "add", "parameters": None, "strict": False}
    final = create(server, tools=[function, open_to_all(mcp)])
    offered = [one["function"]["name"] for one in upstream.calls[0].json["tools"]]
    assert offered == ["add", "tests_add", "delete_all", "slow"]
    _, call, _ = final["output"]
    assert (call["name"], call["status"], call["output"]) == ("delete.all", "failed", None)
    assert call["error"]["type"] == "mcp_tool_execution_error"
    assert "nothing is deleted here" in upstream.calls[-1].json["messages"][-1]["content"]


def test_a_listing_is_kept_while_it_is_of_the_same_server_and_tools(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.play(says("one"), says("two"), says("three"))
    wanted = open_to_all(mcp, allowed_tools=["add"])
    first = create(server, tools=[wanted])
    assert [one["name"] for one in first["output"][0]["tools"]] == ["add"]
    second = create(server, tools=[wanted], previous_response_id=first["id"])
    assert types_of(second) == ["message"]
    assert [one["function"]["name"] for one in upstream.calls[-1].json["tools"]] == ["add"]
    third = create(server, tools=[open_to_all(mcp)], previous_response_id=second["id"])
    assert types_of(third) == ["mcp_list_tools", "message"]


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_call_waits_for_approval_and_is_made_with_it(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream, is_stored: bool
) -> None:
    upstream.play(calls("add", '{"a": 20, "b": 22}'), says("forty-two"))
    wanted = tool_at(mcp.url, authorization=SECRET)
    first = create(server, tools=[wanted], store=is_stored)
    request = first["output"][-1]
    assert first["status"] == "completed"
    assert types_of(first) == ["mcp_list_tools", "mcp_approval_request"]
    assert (request["name"], request["arguments"]) == ("add", '{"a": 20, "b": 22}')
    before = len(mcp.calls)

    given = [
        {"type": "mcp_approval_response", "approval_request_id": request["id"], "approve": True}
    ]
    if is_stored:
        body = {"input": given, "previous_response_id": first["id"]}
    else:
        asked = {"role": "user", "content": "20 + 22?"}
        body = {"input": [asked, *first["output"], *given], "store": False}
    second = create(server, tools=[wanted], **body)
    assert types_of(second) == ["mcp_call", "message"]
    call = second["output"][0]
    assert (call["output"], call["approval_request_id"]) == ("42", request["id"])
    assert mcp.calls[before:] == [("add", {"a": 20, "b": 22})]
    _, asking, told = upstream.calls[-1].json["messages"]
    assert asking["tool_calls"][0]["function"]["name"] == "add"
    assert told["content"] == "42"


def test_a_call_that_is_not_approved_is_not_made_and_the_model_is_told(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.play(calls("add", '{"a": 1, "b": 1}'), says("then not"))
    first = create(server, tools=[tool_at(mcp.url)])
    before = len(mcp.calls)
    refusal = {
        "type": "mcp_approval_response",
        "approval_request_id": first["output"][-1]["id"],
        "approve": False,
        "reason": "too dear",
    }
    second = create(server, input=[refusal], previous_response_id=first["id"])
    assert types_of(second) == ["message"]
    assert mcp.calls[before:] == []
    told = upstream.calls[-1].json["messages"][-1]
    assert told["role"] == "tool"
    assert "not approve it: too dear" in told["content"]


def test_an_approval_of_nothing_is_refused(server: Served) -> None:
    given = [{"type": "mcp_approval_response", "approval_request_id": "mcpr_none", "approve": True}]
    error = error_of(server.client.post(PATH, json={"input": given}), 400)
    assert error["param"] == "input[0].approval_request_id"


def test_a_tool_that_its_server_does_not_have_is_not_called(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.play(says("well"))
    before = len(mcp.calls)
    request = {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "tests"}
    request |= {"name": "gone", "arguments": "{}"}
    given = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    asked = {"role": "user", "content": "Go on."}
    final = create(server, input=[asked, request, given], tools=[open_to_all(mcp)])
    call = final["output"][1]
    assert (call["status"], call["error"]["code"]) == ("failed", -32602)
    assert mcp.calls[before:] == []


LIARS: dict[str, tuple[Behaviour, str]] = {
    "refuses": (answer({}, 401), "HTTP 401"),
    "lies": (speaking({"tools/list": result({"tools": [tool(), tool()]})}), "several tools"),
}


@pytest.mark.parametrize("kind", LIARS)
def test_a_server_that_does_not_give_its_tools_fails_the_response(
    server: Served, upstream: ScriptedUpstream, kind: str
) -> None:
    behaviour, words = LIARS[kind]
    with ScriptedUpstream(behaviour) as liar:
        body = {"input": "hello", "tools": [tool_at(liar.base_url)]}
        plain = server.client.post(PATH, json=body)
        events = events_in(server.client.post(PATH, json={**body, "stream": True}).text)
    error = error_of(plain, 424)
    assert words in error["message"]
    assert (error["type"], error["code"]) == ("external_connector_error", "mcp_server_failed")
    names = [name for name, _ in events]
    assert names[2:] == [
        "output_item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.failed",
        "output_item.done",
        "failed",
    ]
    failed = events[-1][1]["response"]
    assert words in failed["error"]["message"]
    assert words in failed["output"][0]["error"]
    assert not upstream.calls


def test_the_sdk_puts_the_stream_together(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream, client: OpenAI
) -> None:
    upstream.play(calls("add", '{"a": 1, "b": 2}'), says("three"))
    tools: Any = [open_to_all(mcp)]
    with client.responses.stream(model="up/echo", input="1 + 2?", tools=tools) as made:
        final = made.get_final_response()
    assert [item.type for item in final.output] == ["mcp_list_tools", "mcp_call", "message"]
    assert final.output_text == "three"


def test_a_conversation_keeps_and_shows_what_was_called(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.play(calls("add", '{"a": 1, "b": 2}'), says("three"))
    conversation = server.client.post("/v1/conversations", json={}).json()["id"]
    create(server, tools=[open_to_all(mcp)], conversation=conversation)
    shown = server.client.get(f"/v1/conversations/{conversation}/items", params={"order": "asc"})
    kept = shown.json()["data"]
    assert [item["type"] for item in kept] == ["message", "mcp_list_tools", "mcp_call", "message"]
    assert not [one for item in kept for one in errors_of_object("ConversationItem", item)]


def test_the_page_about_mcp_works_as_it_is_written(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.play(calls("add", '{"a": 20, "b": 22}'), says("It is 42."))
    (program,) = [one for one in snippets(ROOT / "docs/mcp.md") if one.language == "python"]
    here = program.text.replace("http://127.0.0.1:8000", server.root)
    here = here.replace("https://mcp.example.com/mcp", mcp.url)
    command = [sys.executable, "-c", here]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        'May shop do add with {"a": 20, "b": 22}?',
        "It is 42.",
    ]


def test_a_private_address_is_refused_unless_the_setting_allows_it(
    tmp_path: Path, mcp: RealServer
) -> None:
    with serve(settings_for(tmp_path)) as careful:
        for url in (mcp.url, mcp.url.replace("http:", "https:"), "https://[::ffff:7f00:1]/"):
            body = {"input": "hello", "tools": [tool_at(url)]}
            error = error_of(careful.client.post(PATH, json=body), 400)
            assert error["param"] == "tools[0].server_url"
            assert "mcp.allow_private_networks" in error["message"]


def test_secrets_of_the_background_are_sealed_while_it_works_and_gone_at_its_end(
    server: Served, upstream: ScriptedUpstream
) -> None:
    with real_server() as mcp:
        upstream.play(calls("slow"))
        body = {"input": "wait", "background": True, "tools": [open_to_all(mcp)]}
        made = server.client.post(PATH, json=body).json()
        assert mcp.called.wait(10)
        assert "sealed" in stored(server, made["id"])
        assert SECRET not in everything_of(server)
        assert server.client.post(f"{PATH}/{made['id']}/cancel").json()["status"] == "cancelled"
    assert "sealed" not in stored(server, made["id"])
    assert SECRET not in everything_of(server)
    assert {headers["authorization"] for headers in mcp.headers} == {f"Bearer {SECRET}"}


def test_secrets_of_the_background_are_gone_when_it_has_done_its_work(
    server: Served, mcp: RealServer, upstream: ScriptedUpstream
) -> None:
    upstream.play(calls("add", '{"a": 1, "b": 2}'), says("three"))
    body = {"input": "1 + 2?", "background": True, "stream": True, "tools": [open_to_all(mcp)]}
    events = events_in(server.client.post(PATH, json=body).text)
    final = events[-1][1]["response"]
    assert (final["status"], types_of(final)[-1]) == ("completed", "message")
    assert "sealed" not in stored(server, final["id"])


def stored(server: Served, id_: str) -> str:
    """Return the document of a response's row."""
    with sqlite3.connect(server.settings.data_dir / "understudy.db") as database:
        rows = database.execute("SELECT document FROM runs WHERE id = ?", (id_,)).fetchall()
    return str(rows[0][0])


def everything_of(server: Served) -> str:
    """Return every byte in the data directory."""
    files = (path for path in server.settings.data_dir.rglob("*") if path.is_file())
    return b"\n".join(path.read_bytes() for path in files).decode("latin-1")
