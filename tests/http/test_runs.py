"""Runs as clients drive them over HTTP: answers, calls, limits, refusals, texts of errors."""

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import httpx2
import openai
import pytest
from openai.types.beta import Assistant
from openai.types.beta.threads import Run
from tests.http.chunks import call_piece, calls_chunk, chunk
from tests.http.fixtures import ServeWith
from tests.http.serving import WAIT_S, LogLines, Served, error_of, provider_at
from tests.upstreams.http_server import Behaviour
from tests.upstreams.scripted import ScriptedUpstream, answer, break_off, stall, stream

# OpenAI switched Assistants off, and its client says so.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")

WEATHER = {"type": "function", "function": {"name": "get_weather"}}
BEGINNING = [
    "thread.run.created",
    "thread.run.queued",
    "thread.run.in_progress",
]
ANSWERING = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.message.created",
    "thread.message.in_progress",
    "thread.message.delta",
    "thread.message.completed",
    "thread.run.step.completed",
    "thread.run.completed",
    "done",
]
CALLING = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.run.step.delta",
    "thread.run.requires_action",
    "done",
]

Event = tuple[str, Any]


def says(*texts: str, finish: str = "stop") -> Behaviour:
    return stream([*(chunk({"content": text}) for text in texts), chunk({}, finish)])


def calls(*ids: str) -> Behaviour:
    pieces = [
        call_piece("{}", index=n, id=id_, name="get_weather", type="function")
        for n, id_ in enumerate(ids)
    ]
    return stream([calls_chunk(*pieces), chunk({}, "tool_calls")])


def as_event(value: object) -> bytes:
    return b"data: %b\n\n" % json.dumps(value).encode()


def events_in(text: str) -> list[Event]:
    """Return name and data of each event of a stream."""
    events = []
    for block in text.split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if lines:
            is_end = lines["event"] == "done"
            events.append((lines["event"], None if is_end else json.loads(lines["data"])))
    return events


def names_of(events: Sequence[Event]) -> list[str]:
    """Return the names of events, of several deltas in a row only one."""
    names = [name for name, _ in events]
    return [
        name
        for name, before in zip(names, ["", *names], strict=False)
        if not (name == before and name.endswith(".delta"))
    ]


def streamed(server: Served, path: str, **body: Any) -> list[Event]:
    response = server.client.post(f"/v1{path}", json={**body, "stream": True})
    assert response.status_code == 200, response.text
    return events_in(response.text)


def followed(server: Served, run: Run, after: int = 0) -> list[Event]:
    """Return the events of a run from the one after number `after`, when it is over."""
    path = f"/v1/threads/{run.thread_id}/runs/{run.id}?stream=true&starting_after={after}"
    return events_in(server.client.get(path).text)


@pytest.fixture
def assistant(client: openai.OpenAI) -> Assistant:
    return client.beta.assistants.create(model="up/echo", tools=[WEATHER])  # type: ignore[list-item]


def run_of(client: openai.OpenAI, assistant: Assistant, **options: Any) -> Run:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "hello"}])
    return client.beta.threads.runs.create(
        thread_id=thread.id, assistant_id=assistant.id, **options
    )


def ended(server: Served, client: openai.OpenAI, run: Run) -> Run:
    """Return a run when it is over or waits for outputs."""
    followed(server, run)
    return client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)


def submit(client: openai.OpenAI, run: Run, **outputs: str) -> Run:
    given: Any = [{"tool_call_id": id_, "output": text} for id_, text in outputs.items()]
    return client.beta.threads.runs.submit_tool_outputs(
        run.id, thread_id=run.thread_id, tool_outputs=given
    )


# --- streams ----------------------------------------------------------------------------------


def test_events_come_in_the_order_that_clients_expect(
    server: Served, upstream: ScriptedUpstream, assistant: Assistant, client: openai.OpenAI
) -> None:
    upstream.play(calls("call_1"), says("It is", " sunny."))
    thread = {"messages": [{"role": "user", "content": "hello"}]}
    asked = streamed(server, "/threads/runs", assistant_id=assistant.id, thread=thread)
    assert names_of(asked) == ["thread.created", *BEGINNING, *CALLING]
    run = asked[-2][1]
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
    outputs = [{"tool_call_id": "call_1", "output": "sunny"}]
    answered = streamed(server, path, tool_outputs=outputs)
    assert names_of(answered) == ["thread.run.step.completed", *BEGINNING[1:], *ANSWERING]
    assert answered[0][1]["step_details"]["tool_calls"][0]["function"]["output"] == "sunny"

    stored = client.beta.threads.runs.retrieve(run["id"], thread_id=run["thread_id"])
    whole = [*asked[:-1], *answered]
    assert followed(server, stored) == whole
    assert followed(server, stored, after=5) == whole[5:]


def test_a_refusal_that_comes_before_a_text_has_an_index_of_its_own(
    server: Served, upstream: ScriptedUpstream, assistant: Assistant, client: openai.OpenAI
) -> None:
    upstream.play(stream([chunk({"refusal": "No."}), chunk({"content": "But"}), chunk({}, "stop")]))
    events = followed(server, run_of(client, assistant))
    parts = [
        (part["index"], part["type"])
        for name, data in events
        if name == "thread.message.delta"
        for part in data["delta"]["content"]
    ]
    assert parts == [(0, "refusal"), (1, "text")]
    (whole,) = (data for name, data in events if name == "thread.message.completed")
    assert [part["type"] for part in whole["content"]] == ["refusal", "text"]


# --- calls ------------------------------------------------------------------------------------


def test_outputs_stay_with_their_calls_when_a_provider_repeats_its_ids(
    server: Served, upstream: ScriptedUpstream, assistant: Assistant, client: openai.OpenAI
) -> None:
    upstream.play(calls("call_0"), calls("call_0"))
    run = ended(server, client, run_of(client, assistant))
    run = ended(server, client, submit(client, run, call_0="first"))
    run = ended(server, client, submit(client, run, call_0="second"))
    assert run.status == "completed"
    shown = upstream.calls[-1].json["messages"]
    assert [m["content"] for m in shown if m["role"] == "tool"] == ["first", "second"]


def test_outputs_are_taken_all_together_and_once(
    server: Served, upstream: ScriptedUpstream, assistant: Assistant, client: openai.OpenAI
) -> None:
    upstream.play(calls("call_a", "call_b"))
    run = ended(server, client, run_of(client, assistant))
    for outputs, param in (
        ({}, "tool_outputs"),
        ({"call_a": "1"}, "tool_outputs"),
        ({"call_a": "1", "call_b": "2", "call_c": "3"}, "tool_outputs[2].tool_call_id"),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            submit(client, run, **outputs)
        assert refused.value.param == param
    submit(client, run, call_a="1", call_b="2")
    with pytest.raises(openai.BadRequestError, match="do not accept tool outputs"):
        submit(client, run, call_a="1", call_b="2")
    assert ended(server, client, run).status == "completed"


def test_a_run_that_only_calls_tools_fails_with_the_reason(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    upstream.play(calls("call_1"), calls("call_2"))
    providers = {"up": provider_at(upstream)}
    with (
        serve_with(providers=providers, runs={"tool_rounds": 2}) as server,
        openai.OpenAI(base_url=f"{server.root}/v1", api_key="any", max_retries=0) as client,
    ):
        assistant = client.beta.assistants.create(model="up/echo", tools=[WEATHER])  # type: ignore[list-item]
        run = ended(server, client, run_of(client, assistant))
        run = ended(server, client, submit(client, run, call_1="1"))
        run = ended(server, client, submit(client, run, call_2="2"))
    assert run.status == "failed"
    assert run.last_error is not None and "2 answers" in run.last_error.message


# --- ends -------------------------------------------------------------------------------------

BROKEN_TEXT = break_off([as_event(chunk({"content": "Half"}))])
BROKEN_REFUSAL = break_off([as_event(chunk({"refusal": "I can"}))])
FILTERED = says("Half", finish="content_filter")
ENDS = [
    ("cut off", says("Half", finish="length"), "incomplete", None, "max_tokens"),
    ("filtered", FILTERED, "failed", "invalid_prompt", "content_filter"),
    ("broken", BROKEN_TEXT, "failed", "server_error", "run_failed"),
    ("refusal", BROKEN_REFUSAL, "failed", "server_error", "run_failed"),
]


@pytest.mark.parametrize(
    ("step", "status", "code", "reason"), [end[1:] for end in ENDS], ids=[end[0] for end in ENDS]
)
def test_what_was_sent_of_an_unfinished_answer_is_kept_with_the_reason(
    step: Behaviour,
    status: str,
    code: str | None,
    reason: str,
    server: Served,
    upstream: ScriptedUpstream,
    assistant: Assistant,
    client: openai.OpenAI,
) -> None:
    upstream.play(step)
    run = ended(server, client, run_of(client, assistant))
    assert run.status == status
    assert (run.last_error.code if run.last_error else None) == code
    message = client.beta.threads.messages.list(run.thread_id).data[0]
    assert message.status == "incomplete"
    assert message.incomplete_details is not None and message.incomplete_details.reason == reason
    (part,) = message.content
    said = part.refusal if part.type == "refusal" else part.text.value  # type: ignore[union-attr]
    assert said == ("I can" if step is BROKEN_REFUSAL else "Half")


@pytest.mark.parametrize(
    ("status", "upstream_code", "code"),
    [
        (500, None, "server_error"),
        (429, "rate_limit_exceeded", "rate_limit_exceeded"),
        (400, "context_length_exceeded", "invalid_prompt"),
        (400, "data_inspection_failed", "invalid_prompt"),
        (400, "something_else", "server_error"),
    ],
)
def test_a_provider_that_refuses_fails_the_run_and_its_code_is_told_once(
    status: int,
    upstream_code: str | None,
    code: str,
    server: Served,
    upstream: ScriptedUpstream,
    assistant: Assistant,
    client: openai.OpenAI,
) -> None:
    upstream.play(answer({"error": {"message": "no", "code": upstream_code}}, status))
    run = ended(server, client, run_of(client, assistant))
    assert run.last_error is not None and run.last_error.code == code
    if upstream_code:
        assert run.last_error.message.count(upstream_code) == 1
    again = client.beta.threads.runs.create(run.thread_id, assistant_id=assistant.id)
    assert ended(server, client, again).status == "completed"


def test_a_run_that_has_nothing_to_show_the_model_says_so(
    server: Served, upstream: ScriptedUpstream, client: openai.OpenAI
) -> None:
    assistant = client.beta.assistants.create(model="up/echo")
    thread = client.beta.threads.create()
    run = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    run = ended(server, client, run)
    assert run.last_error is not None and run.last_error.code == "invalid_prompt"
    assert run.last_error.message == "The thread has no message, and the run no instructions."
    assert upstream.calls == []


# --- one at a time ----------------------------------------------------------------------------


def test_a_thread_that_is_busy_refuses_runs_and_messages_in_the_words_that_clients_look_for(
    server: Served, upstream: ScriptedUpstream, assistant: Assistant, client: openai.OpenAI
) -> None:
    upstream.play(calls("call_1"))
    run = ended(server, client, run_of(client, assistant))
    path = f"/v1/threads/{run.thread_id}"
    second = server.client.post(f"{path}/runs", json={"assistant_id": assistant.id})
    expected = f"Thread {run.thread_id} already has an active run {run.id}."
    assert error_of(second, 400)["message"] == expected
    message = server.client.post(f"{path}/messages", json={"role": "user", "content": "x"})
    expected = f"Can't add messages to {run.thread_id} while a run {run.id} is active."
    assert error_of(message, 400)["message"] == expected


def test_more_runs_than_allowed_are_refused_for_a_while(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    upstream.play(stall())
    providers = {"up": provider_at(upstream)}
    with (
        serve_with(providers=providers, runs={"max_active": 1}) as server,
        openai.OpenAI(base_url=f"{server.root}/v1", api_key="any", max_retries=0) as client,
    ):
        assistant = client.beta.assistants.create(model="up/echo")
        first = run_of(client, assistant)
        refused = server.client.post("/v1/threads/runs", json={"assistant_id": assistant.id})
        assert error_of(refused, 429)["code"] == "rate_limit_exceeded"
        assert int(refused.headers["retry-after"]) > 0
        client.beta.threads.runs.cancel(first.id, thread_id=first.thread_id)
        assert ended(server, client, first).status == "cancelled"
        assert ended(server, client, run_of(client, assistant)).status == "completed"


def test_a_run_is_cancelled_while_every_worker_is_busy(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    upstream.play(calls("call_1"), stall())
    providers = {"up": provider_at(upstream)}
    with (
        serve_with(providers=providers, runs={"workers": 1}) as server,
        openai.OpenAI(base_url=f"{server.root}/v1", api_key="any", max_retries=0) as client,
    ):
        assistant = client.beta.assistants.create(model="up/echo")
        waiting = ended(server, client, run_of(client, assistant, tools=[WEATHER]))
        run_of(client, assistant)
        upstream.wait_for_calls(2)
        for run in (waiting, run_of(client, assistant)):
            client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)
            assert ended(server, client, run).status == "cancelled"


# --- stop and start ---------------------------------------------------------------------------


def test_the_start_names_the_runs_that_a_stop_left_unfinished(
    serve_with: ServeWith, upstream: ScriptedUpstream, logs: LogLines
) -> None:
    upstream.play(stall([as_event(chunk({"content": "Half"}))]))
    settings = {"providers": {"up": provider_at(upstream)}, "shutdown_grace_s": 0}
    with (
        serve_with(**settings) as server,
        openai.OpenAI(base_url=f"{server.root}/v1", api_key="any") as client,
    ):
        run = run_of(client, client.beta.assistants.create(model="up/echo"))
        upstream.wait_for_calls(1)
    with (
        serve_with(**settings) as server,
        openai.OpenAI(base_url=f"{server.root}/v1", api_key="any") as client,
    ):
        assert ended(server, client, run).status == "completed"
    logs.wait_for(message=f"resuming 1 runs: {run.id}")


def test_a_stop_tells_readers_where_to_go_on(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    upstream.play(stall([as_event(chunk({"content": "Half"}))]))
    settings = {"providers": {"up": provider_at(upstream)}, "shutdown_grace_s": 0}
    with contextlib.ExitStack() as reading:
        with serve_with(**settings) as server:
            with openai.OpenAI(base_url=f"{server.root}/v1", api_key="any") as client:
                run = run_of(client, client.beta.assistants.create(model="up/echo"))
            path = f"/v1/threads/{run.thread_id}/runs/{run.id}?stream=true"
            reader = httpx2.Client(timeout=WAIT_S, trust_env=False)
            reading.enter_context(reader)
            answer = reading.enter_context(reader.stream("GET", server.root + path))
            pieces = answer.iter_text()
            text = ""
            while "thread.message.delta" not in text:
                text += next(pieces)
        events = events_in(text + "".join(pieces))
    assert [name for name, _ in events[-2:]] == ["error", "done"]
    told = events[-2][1]["error"]["message"]
    last = len(events) - 2
    assert f"starting_after={last}" in told
    with serve_with(**settings) as server:
        events = followed(server, run, after=last)
    assert names_of(events)[-2:] == ["thread.run.completed", "done"]


def test_a_fault_of_the_queue_does_not_stop_it_for_good(
    serve_with: ServeWith, upstream: ScriptedUpstream, logs: LogLines
) -> None:
    with (
        serve_with(providers={"up": provider_at(upstream)}) as server,
        openai.OpenAI(base_url=f"{server.root}/v1", api_key="any") as client,
        contextlib.closing(
            sqlite3.connect(server.settings.data_dir / "understudy.db", timeout=WAIT_S)
        ) as database,
    ):
        assistant = client.beta.assistants.create(model="up/echo")
        ended(server, client, run_of(client, assistant))
        database.execute("UPDATE runs SET status = 'queued', document = 'damaged'")
        database.commit()
        run = run_of(client, assistant)
        logs.wait_for(message="working on runs was interrupted by a fault, and begins again")
        assert client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id).status == "queued"
        database.execute("DELETE FROM runs WHERE document = 'damaged'")
        database.commit()
        assert ended(server, client, run).status == "completed"
