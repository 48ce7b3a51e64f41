"""Clients poll, stream and cancel runs with their own helpers, unmodified.

Each answer and each event is judged by the models of the client's release and by OpenAI's API
description.
"""

from collections.abc import Callable
from typing import Any

import pytest
from tests.sdk.clients import Client, Report, node_client, python_client
from tests.sdk.servers import RunningServer
from tests.sdk.validation import IS_PRESENT, errors_of_answer, errors_of_answer_in_v1
from tests.wire import descriptions

from understudy.wire.dialect import Dialect

NODE = "openai-node-6.49.0"
V1 = "openai-1.14.3"
PYTHON = ("openai-1.35.3", "openai-2.54.0", "openai-3.52.0")
ALL = ("handled", "text_deltas", "polled", "cancelled", "streams")
SECTIONS = {NODE: ALL[:-1], V1: ("text_deltas", "streams")}
"""Of clients that lack something: node shows no raw streams, and 1.14 does not poll by itself."""
CALLED = ["run.created", "run.queued", "run.in_progress"]
BEGUN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
OF_CALLS = ["thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta"]
OF_TEXT = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.message.created",
    "thread.message.in_progress",
    "thread.message.delta",
    "thread.message.completed",
    "thread.run.step.completed",
    "thread.run.completed",
]
SCHEMAS = {
    "thread.created": "ThreadObject",
    "thread.run.step.delta": "RunStepDeltaObject",
    "thread.message.delta": "MessageDeltaObject",
}
"""Of events whose first two words do not tell what they carry."""


def _clients(*names: str) -> Any:
    """The clients of these names; one process tests a client."""
    marked = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]
    return pytest.mark.parametrize("client_name", marked, indirect=True)


@pytest.fixture(scope="module")
def client_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def report(
    client_name: str, echoing: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    sections = SECTIONS.get(client_name, ALL)
    return _client(client_name, tmp_path_factory).report(echoing, *sections, MODEL="echo")


def _client(name: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    if name == NODE:
        return node_client(tmp_path_factory.mktemp("node"), "assistant_runs.mjs")
    return python_client(name, "assistant_runs.py")


def seen(report: Report, section: str, client_name: str) -> Any:
    """Return what a section saw, once all its answers are found to be valid."""
    saw = report[section]
    assert saw["answers"]
    describe = errors_of_answer_in_v1 if client_name == V1 else errors_of_answer
    assert [fault for answer in saw["answers"] for fault in _faults(answer, describe)] == []
    return saw


def _faults(judged: Any, describe: Callable[[str, str, int, Any], list[str]]) -> list[str]:
    route, status, answer = judged["route"], judged["status"], judged["answer"]
    if status >= 400:
        return [] if set(answer) == {"error"} else [f"{route}: no error of ours: {answer}"]
    method, path = route.split(" ")
    found = [*judged["faults"], *describe(method, path, status, answer)]
    return [f"{route}: {fault}" for fault in found]


def _faults_of_event(event: Any, dialect: Dialect) -> list[str]:
    name = event["event"]
    kinds = {"thread.run.step": "RunStepObject", "thread.message": "MessageObject"}
    of_run = "RunStepObject" if name.startswith("thread.run.step.") else "RunObject"
    schema = SCHEMAS.get(name) or kinds.get(name.rpartition(".")[0], of_run)
    described = descriptions.errors_of(schema, event["data"], dialect) if IS_PRESENT else []
    found = [*event["faults"], *described]
    return [f"{name}: {fault}" for fault in found]


@_clients(*PYTHON, NODE)
def test_event_handlers(report: Report, client_name: str) -> None:
    saw = seen(report, "handled", client_name)
    assert saw["first"] == [
        *CALLED,
        "step created: tool_calls",
        "call created: get_weather",
        "step delta",
        "run.requires_action",
        'call done: {"city": "Madrid"}',
        "end",
    ]
    assert saw["second"] == [
        "step completed: tool_calls",
        "run.queued",
        "run.in_progress",
        "step created: message_creation",
        "message created",
        "text created",
        "message delta",
        "text done: The tool says: sunny",
        "message completed",
        "step completed: message_creation",
        "run.completed",
        "end",
    ]
    assert saw["arguments"] == '{"city": "Madrid"}'
    assert saw["text"] == "The tool says: sunny"
    assert saw["final_messages"] == ["The tool says: sunny"]
    # Python keeps the steps that were created in the stream, node those that ended in it too.
    also = ["tool_calls"] if client_name == NODE else []
    assert saw["final_steps"] == [*also, "message_creation"]
    assert saw["run"] == ["completed", None, True]


@_clients(V1, *PYTHON, NODE)
def test_older_ways_to_stream(report: Report, client_name: str) -> None:
    saw = seen(report, "text_deltas", client_name)
    assert saw["first"] == "You said: Hello world"
    assert saw["whole"] == "You said: Good morning"
    assert _once(saw["names"]) == ["thread.created", *BEGUN, *OF_TEXT]


@_clients(*PYTHON, NODE)
def test_polling(report: Report, client_name: str) -> None:
    saw = seen(report, "polled", client_name)
    assert saw["statuses"] == ["requires_action", "completed", "completed", "completed"]
    assert (saw["steps"], saw["outputs"]) == (["tool_calls", "message_creation"], ["sunny"])
    assert (saw["metadata"], saw["instructions"]) == ({"seen": "yes"}, "Be kind.")
    assert saw["listed"]
    assert saw["of_run"] == ["You said: And now?"]
    assert saw["texts"] == [
        "You said: And now?",
        "And now?",
        "The tool says: sunny",
        "What is the weather in Madrid?",
    ]


@_clients(*PYTHON, NODE)
def test_cancelling(report: Report, client_name: str) -> None:
    saw = seen(report, "cancelled", client_name)
    assert (saw["status"], saw["steps"]) == ("cancelled", ["cancelled"])
    busy, blocked, late, again = saw["refused"]
    assert busy == "Thread THREAD already has an active run RUN."
    assert blocked == "Can't add messages to THREAD while a run RUN is active."
    assert late == "Runs in status 'cancelled' do not accept tool outputs."
    assert again == "Cannot cancel run with status 'cancelled'."


@_clients(V1, *PYTHON)
def test_events_as_they_come(report: Report, client_name: str) -> None:
    saw = seen(report, "streams", client_name)
    dialect: Dialect = "v1" if client_name == V1 else "v2"
    events = [event for stream in saw["streams"] for event in stream]
    assert [fault for event in events for fault in _faults_of_event(event, dialect)] == []
    first, second, third = ([event["event"] for event in stream] for stream in saw["streams"])
    assert _once(first) == [*BEGUN, *OF_CALLS, "thread.run.requires_action"]
    submitted = ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]
    assert _once(second) == [*submitted, *OF_TEXT]
    assert _once(third) == ["thread.created", *BEGUN, *OF_TEXT]


def _once(names: list[str]) -> list[str]:
    """Return names without those that follow themselves: there may be any number of deltas."""
    return [name for name, before in zip(names, [None, *names], strict=False) if name != before]
