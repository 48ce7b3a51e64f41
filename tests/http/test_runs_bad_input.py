"""Bad requests about runs: each is an error that names the field, and changes nothing."""

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from tests.http.serving import WAIT_S, Served, error_of
from tests.http.threads_and_assistants import Api
from tests.upstreams.scripted import ScriptedUpstream, stall

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CALLING = "What is the weather in Paris"


@pytest.fixture
def api(server: Served) -> Api:
    return Api(server)


@dataclass(frozen=True)
class Talk:
    """A thread with one message, and an assistant for it."""

    api: Api
    thread_id: str
    assistant_id: str

    @property
    def path(self) -> str:
        return f"/threads/{self.thread_id}"

    def run(self, **fields: Any) -> httpx2.Response:
        return self.api.post(f"{self.path}/runs", **{"assistant_id": self.assistant_id, **fields})

    def submit(self, run: Any, *outputs: Any) -> httpx2.Response:
        return self.api.post(
            f"{self.path}/runs/{run['id']}/submit_tool_outputs", tool_outputs=list(outputs)
        )

    def snapshot(self) -> Any:
        """Return everything that a refused request could have changed."""
        runs = self.api.get(f"{self.path}/runs").json()
        parts = [self.api.get(self.path), self.api.get(f"{self.path}/messages")]
        parts += [self.api.get(f"{self.path}/runs/{run['id']}/steps") for run in runs["data"]]
        return runs, [part.json() for part in parts]

    def waiting_run(self) -> Any:
        """Return a run that waits for the output of one call."""
        stream = self.run(stream=True)
        assert "event: thread.run.requires_action" in stream.text, stream.text
        return self.api.get(f"{self.path}/runs").json()["data"][0]


def call_of(run: Any) -> str:
    (call,) = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    return str(call["id"])


def begin(api: Api, text: str = "Hello") -> Talk:
    thread = api.thread(messages=[{"role": "user", "content": text}])
    assistant = api.assistant(tools=[WEATHER])
    return Talk(api, thread["id"], assistant["id"])


def function(**fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **fields}}


PAIRS = {str(number): "" for number in range(17)}
LONG = "x" * 256_001
NO_FILE = {"file_id": "file-unknown", "tools": [{"type": "file_search"}]}
BAD_FIELDS = {
    "no assistant": ({"assistant_id": None}, 400, "assistant_id"),
    "unknown assistant": ({"assistant_id": "asst_unknown"}, 404, "assistant_id"),
    "instructions": ({"instructions": LONG}, 400, "instructions"),
    "more instructions": ({"additional_instructions": LONG}, 400, "additional_instructions"),
    "129 tools": (
        {"tools": [function(name=f"f{number}") for number in range(129)]},
        400,
        "tools",
    ),
    "a name with spaces": ({"tools": [function(name="a b")]}, 400, "tools[0].function.name"),
    "no schema": (
        {"tools": [function(parameters={"type": "thing"})]},
        400,
        "tools[0].function.parameters",
    ),
    "an unknown tool": ({"tools": [{"type": "hammer"}]}, 400, "tools[0].type"),
    "a tool that is not there": (
        {"tool_choice": {"type": "function", "function": {"name": "other"}}},
        400,
        "tool_choice",
    ),
    "17 pairs": ({"metadata": PAIRS}, 400, "metadata"),
    "a long key": ({"metadata": {"k" * 65: "v"}}, 400, "metadata"),
    "a long value": ({"metadata": {"k": "v" * 513}}, 400, "metadata"),
    "temperature": ({"temperature": 2.1}, 400, "temperature"),
    "few tokens": ({"max_completion_tokens": 255}, 400, "max_completion_tokens"),
    "truncation": (
        {"truncation_strategy": {"type": "last_messages"}},
        400,
        "truncation_strategy.last_messages",
    ),
    "a long message": (
        {"additional_messages": [{"role": "user", "content": LONG}]},
        400,
        "additional_messages[0].content",
    ),
    "an unknown file": (
        {"additional_messages": [{"role": "user", "content": "a", "attachments": [NO_FILE]}]},
        404,
        "additional_messages[0].attachments[0].file_id",
    ),
}


@pytest.mark.parametrize(("fields", "status", "param"), BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_a_run_that_cannot_be(api: Api, fields: Any, status: int, param: str) -> None:
    talk = begin(api)
    before = talk.snapshot()
    assert error_of(talk.run(**fields), status)["param"] == param
    assert talk.snapshot() == before


STORES = {"file_search": {"vector_store_ids": ["vs_unknown"]}}
FILES = {"file_search": {"vector_stores": [{"file_ids": ["file-unknown"]}]}}
BAD_THREADS = {
    "unknown assistant": ({"assistant_id": "asst_unknown"}, 404, "assistant_id"),
    "a long message": (
        {"thread": {"messages": [{"role": "user", "content": LONG}]}},
        400,
        "thread.messages[0].content",
    ),
    "unknown store": (
        {"thread": {"tool_resources": STORES}},
        404,
        "thread.tool_resources.file_search.vector_store_ids[0]",
    ),
    "unknown file": (
        {"thread": {"tool_resources": FILES}},
        404,
        "thread.tool_resources.file_search.vector_stores[0].file_ids[0]",
    ),
}


@pytest.mark.parametrize(("fields", "status", "param"), BAD_THREADS.values(), ids=BAD_THREADS)
def test_a_thread_and_run_that_cannot_be(
    api: Api, upstream: ScriptedUpstream, fields: Any, status: int, param: str
) -> None:
    body = {"assistant_id": begin(api).assistant_id, **fields}
    assert error_of(api.post("/threads/runs", **body), status)["param"] == param
    assert upstream.calls == []


def test_a_thread_and_a_run_that_nobody_has(api: Api) -> None:
    talk = begin(api)
    nowhere = Talk(api, "thread_unknown", talk.assistant_id)
    assert "thread_unknown" in error_of(nowhere.run(), 404)["message"]
    for path in ("", "/cancel", "/submit_tool_outputs"):
        answer = api.post(f"{talk.path}/runs/run_unknown{path}", tool_outputs=[])
        assert "run_unknown" in error_of(answer, 404)["message"]
    assert error_of(api.get(f"{talk.path}/runs/run_unknown/steps"), 404)


def test_outputs_that_are_not_those_that_the_run_waits_for(api: Api) -> None:
    talk, other = begin(api, CALLING), begin(api, "What is the weather in Rome")
    run, of_other = talk.waiting_run(), other.waiting_run()
    mine, foreign = call_of(run), call_of(of_other)
    before = talk.snapshot(), other.snapshot()
    first = "tool_outputs[0].tool_call_id"
    refused: list[tuple[list[str], str]] = [
        ([foreign], first),
        (["call_unknown"], first),
        ([mine, foreign], "tool_outputs[1].tool_call_id"),
        ([mine, mine], "tool_outputs[1].tool_call_id"),
        ([], "tool_outputs"),
    ]
    for ids, param in refused:
        outputs = [{"tool_call_id": id_, "output": "sunny"} for id_ in ids]
        assert error_of(talk.submit(run, *outputs), 400)["param"] == param
    no_text = {"tool_call_id": mine, "output": 7}
    assert error_of(talk.submit(run, no_text), 400)["param"] == "tool_outputs[0].output"
    elsewhere = Talk(api, other.thread_id, other.assistant_id)
    output = {"tool_call_id": mine, "output": "sunny"}
    assert run["id"] in error_of(elsewhere.submit(run, output), 404)["message"]
    assert (talk.snapshot(), other.snapshot()) == before
    assert talk.submit(run, output).status_code == 200


def test_outputs_are_taken_once(api: Api, upstream: ScriptedUpstream) -> None:
    talk = begin(api, CALLING)
    run = talk.waiting_run()
    output = {"tool_call_id": call_of(run), "output": "sunny"}
    path = f"{talk.path}/runs/{run['id']}"
    ended = api.post(f"{path}/submit_tool_outputs", tool_outputs=[output], stream=True)
    assert "event: thread.run.completed" in ended.text
    before, asked = talk.snapshot(), len(upstream.calls)
    other = {**output, "output": "rain"}
    for again in (output, other):
        message = error_of(talk.submit(run, again), 400)["message"]
        assert message == "Runs in status 'completed' do not accept tool outputs."
    assert talk.snapshot() == before
    assert len(upstream.calls) == asked


def test_a_thread_that_is_deleted_while_its_run_is_worked_on(
    api: Api, upstream: ScriptedUpstream
) -> None:
    talk = begin(api)
    upstream.play(stall())
    path = f"{talk.path}/runs/{talk.run().json()['id']}"
    (call,) = upstream.wait_for_calls(1)
    with api.served.client.stream("GET", f"/v1{path}", params={"stream": "true"}) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "id: 1"
        assert api.delete(talk.path).status_code == 200
        told = "\n".join(lines)
    assert "event: thread.run.failed" in told
    assert "The thread was deleted while the run was active." in told
    assert told.endswith("event: done\ndata: [DONE]\n")
    assert call.disconnected.wait(WAIT_S)
    assert error_of(api.get(path), 404)


def test_a_thread_that_is_deleted_while_its_run_waits(api: Api) -> None:
    talk = begin(api, CALLING)
    run = talk.waiting_run()
    output = {"tool_call_id": call_of(run), "output": "sunny"}
    assert api.delete(talk.path).status_code == 200
    assert talk.thread_id in error_of(talk.submit(run, output), 404)["message"]
    assert error_of(api.get(f"{talk.path}/runs/{run['id']}"), 404)
