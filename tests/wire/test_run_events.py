"""Names of events, and deltas byte for byte: what a client merges must not be said twice."""

from typing import Any, get_args

import msgspec
import pytest
from tests.wire import assistant_samples as samples

from understudy.wire.dialect import Dialect, encode, render
from understudy.wire.messages import MessageStatus
from understudy.wire.run_events import (
    ErrorDetails,
    MessageEventName,
    RunEventName,
    StepEventName,
    error_event,
    event_of_message,
    event_of_run,
    event_of_step,
    shown_data,
    shown_name,
)
from understudy.wire.runs import RunStatus
from understudy.wire.steps import StepStatus


def test_every_status_has_its_event() -> None:
    runs = {event_of_run(status) for status in get_args(RunStatus)}
    assert set(get_args(RunEventName)) - runs == {"thread.run.created"}
    steps = {event_of_step(status) for status in get_args(StepStatus)}
    assert set(get_args(StepEventName)) - steps == {
        "thread.run.step.created",
        "thread.run.step.delta",
    }
    messages = {event_of_message(status) for status in get_args(MessageStatus)}
    assert set(get_args(MessageEventName)) - messages == {
        "thread.message.created",
        "thread.message.delta",
    }
    assert runs < set(get_args(RunEventName))
    assert steps < set(get_args(StepEventName))
    assert messages < set(get_args(MessageEventName))


def test_v1_has_no_event_for_an_incomplete_run() -> None:
    assert shown_name("thread.run.incomplete", "v1") == "thread.run.completed"
    assert shown_name("thread.run.incomplete", "v2") == "thread.run.incomplete"
    assert shown_name("thread.message.incomplete", "v1") == "thread.message.incomplete"


def test_the_samples_cover_every_event() -> None:
    names = {name for name, _ in samples.events()}
    listed = [*get_args(RunEventName), *get_args(StepEventName), *get_args(MessageEventName)]
    assert names == {"thread.created", "error", *listed}


@pytest.mark.parametrize("dialect", ["v1", "v2"])
def test_stored_events_are_shown_as_their_structs_are(dialect: Dialect) -> None:
    for name, payload in samples.events():
        assert shown_data(name, msgspec.json.encode(payload), dialect) == encode(payload, dialect)


def test_deltas_of_a_message_say_only_what_is_new() -> None:
    first, later = (render(delta, "v2")["delta"] for delta in samples.message_deltas()[:2])
    text = {"value": "", "annotations": []}
    assert first == {"role": "assistant", "content": [{"type": "text", "index": 0, "text": text}]}
    assert later == {"content": [{"type": "text", "index": 0, "text": {"value": "Closed"}}]}


@pytest.mark.parametrize(("dialect", "quoted"), [("v1", True), ("v2", False)])
def test_the_delta_of_a_citation(dialect: Dialect, quoted: bool) -> None:
    shown = render(samples.message_deltas()[2], dialect)
    citation, _ = shown["delta"]["content"][0]["text"]["annotations"]
    assert citation["index"] == 0
    assert ("quote" in citation["file_citation"]) is quoted


def calls(dialect: Dialect) -> list[dict[str, Any]]:
    shown = [render(delta, dialect)["delta"]["step_details"] for delta in samples.step_deltas()]
    return [details["tool_calls"][0] for details in shown if details["type"] == "tool_calls"]


def test_deltas_of_calls_say_only_what_is_new() -> None:
    started, continued, answered, search, _ = calls("v2")
    function = {"name": "weather", "arguments": "", "output": None}
    assert started == {"index": 0, "id": "call_1", "type": "function", "function": function}
    assert continued == {"index": 0, "type": "function", "function": {"arguments": '{"city"'}}
    assert answered == {"index": 0, "type": "function", "function": {"output": "sun"}}
    assert search == {"index": 1, "id": "call_2", "type": "file_search", "file_search": {}}


def test_the_delta_of_a_search_in_v1() -> None:
    assert calls("v1")[3] == {"index": 1, "id": "call_2", "type": "retrieval", "retrieval": {}}


def test_an_error_has_both_forms() -> None:
    bare = {"message": "Broke.", "type": "server_error", "param": None, "code": "x"}
    shown = render(error_event(ErrorDetails("Broke.", "server_error", None, "x")), "v2")
    assert shown == {**bare, "error": bare}
