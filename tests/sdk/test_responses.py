"""Clients make, stream, parse and go on from responses with their own helpers, unmodified.

Each answer and each event is judged by the models of the client's release and by OpenAI's API
description.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.responses.mcp.playing import real_server
from tests.sdk.clients import Client, Report, node_client, python_client
from tests.sdk.servers import RunningServer
from tests.sdk.validation import errors_of_answer, errors_of_object

NODE = "openai-node-6.49.0"
PYTHON = ("openai-2.54.0", "openai-3.52.0")
BOTH = ("plain", "parsed", "functions", "background", "conversations", "counted")
ONLY_PYTHON = ("streams", "refusals")
CITY = '{"city": "Madrid"}'
ANA = {"name": "Ana", "age": 41}
NOT_FOUND = [404, "not_found", None]
TEXT = ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"]
MESSAGE = ["output_item.added", *TEXT, "output_item.done"]
BEGUN = ["created", "in_progress"]
LISTED = [
    "output_item.added",
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "output_item.done",
]
STREAMS = {
    "text": [*BEGUN, *MESSAGE, "completed"],
    "functions": [
        *BEGUN,
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ],
    "search": [
        *BEGUN,
        "output_item.added",
        "file_search_call.in_progress",
        "file_search_call.searching",
        "file_search_call.completed",
        "output_item.done",
        *MESSAGE,
        "completed",
    ],
    "thoughts": [
        *BEGUN,
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        *MESSAGE,
        "completed",
    ],
    "summary": [
        *BEGUN,
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        *MESSAGE,
        "completed",
    ],
    "mcp": [
        *BEGUN,
        *LISTED,
        "output_item.added",
        "mcp_call.in_progress",
        "mcp_call_arguments.delta",
        "mcp_call_arguments.done",
        "mcp_call.completed",
        "output_item.done",
        *MESSAGE,
        "completed",
    ],
    "approval": [*BEGUN, *LISTED, "output_item.added", "output_item.done", "completed"],
    "cut": [*BEGUN, *MESSAGE, "incomplete"],
    "background": ["created", "queued", "in_progress", *MESSAGE, "completed"],
}
ERRORS = [
    [404, "previous_response_not_found", "previous_response_id"],
    [400, "mutually_exclusive_parameters", "previous_response_id"],
    [400, "invalid_value", "background"],
    [400, "invalid_value", "input[0].type"],
    [400, "unsupported_parameter", "tools[0].type"],
    [404, "model_not_found", "model"],
]


def _clients(*names: str) -> Any:
    """The clients of these names; one process tests a client."""
    marked = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]
    return pytest.mark.parametrize("client_name", marked, indirect=True)


@pytest.fixture(scope="module")
def client_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def mcp_url() -> Iterator[str]:
    """A server that adds numbers."""
    with real_server() as server:
        yield server.url


@pytest.fixture(scope="module")
def report(
    client_name: str,
    echoing: RunningServer,
    mcp_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    variables = {"MODEL": "echo", "THINKING_MODEL": "thinker", "PACED_MODEL": "paced-2000x10"}
    sections = BOTH if client_name == NODE else (*BOTH, *ONLY_PYTHON)
    client = _client(client_name, tmp_path_factory)
    return client.report(echoing, *sections, **variables, MCP_URL=mcp_url)


def _client(name: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    if name == NODE:
        return node_client(tmp_path_factory.mktemp("node"), "responses_api.mjs")
    return python_client(name, "responses_api.py")


def seen(report: Report, section: str) -> Any:
    """Return what a section saw, once all its answers are found to be valid."""
    saw = report[section]
    assert saw["answers"]
    assert [fault for answer in saw["answers"] for fault in _faults(answer)] == []
    return saw


def _faults(judged: Any) -> list[str]:
    route, status, answer = judged["route"], judged["status"], judged["answer"]
    if status >= 400:
        return [] if set(answer) == {"error"} else [f"{route}: no error of ours: {answer}"]
    method, path = route.split(" ")
    # The description has no content for a response that is deleted.
    is_described = (method, path[:11]) != ("DELETE", "/responses/")
    described = errors_of_answer(method, path, status, answer) if is_described else []
    return [f"{route}: {fault}" for fault in [*judged["faults"], *described]]


@_clients(*PYTHON, NODE)
def test_plain_responses(report: Report, client_name: str) -> None:
    saw = seen(report, "plain")
    assert saw["inputs"] == [["One"], ["Hello"]]
    assert saw["gone"] == NOT_FOUND
    if client_name == NODE:
        assert saw["texts"] == ["You said: Hello"] * 2
        return
    assert saw["text"] == "You said: Hello"
    assert saw["logprobs"] == [3, 0, 3]
    assert saw["is_kept"]
    assert saw["refused"][0] == 400


@_clients(*PYTHON, NODE)
def test_answers_and_arguments_as_types_of_the_program(report: Report) -> None:
    saw = seen(report, "parsed")
    assert saw["parsed"] == [ANA, ANA]
    assert saw["arguments"] == {"city": "Madrid"}


@_clients(*PYTHON, NODE)
def test_outputs_of_functions_after_a_response_and_with_all_items(report: Report) -> None:
    saw = seen(report, "functions")
    assert saw["arguments"] == [CITY] * 3
    assert saw["texts"] == ["The tool says: sunny"] * 2


@_clients(*PYTHON)
def test_what_is_not_kept_is_not_found(report: Report) -> None:
    saw = seen(report, "functions")
    assert saw["not_kept"] == NOT_FOUND
    assert saw["unknown"] == [400, "invalid_value", "input[0].call_id"]


@_clients(*PYTHON, NODE)
def test_background_responses_are_polled_followed_and_cancelled(
    report: Report, client_name: str
) -> None:
    saw = seen(report, "background")
    assert saw["statuses"] == ["completed", "cancelled"]
    assert saw["texts"] == ["You said: One two three four"] * 2
    assert saw["first"] == [0, 1, 2, 3, 4, 5]
    assert saw["rest"] == [6, True]


@_clients(*PYTHON, NODE)
def test_conversations(report: Report) -> None:
    saw = seen(report, "conversations")
    assert saw["listed"][:3] == [["I am Ana."], ["Hello"], ["You said: Hello"]]
    assert saw["read"] == ["Thank you"]
    assert saw["metadata"] == {"guest": "43"}
    assert saw["deleted"]
    assert saw["gone"] == NOT_FOUND


@_clients(*PYTHON)
def test_outputs_of_functions_are_added_to_conversations(report: Report) -> None:
    saw = seen(report, "conversations")
    assert saw["conversation"]
    assert saw["listed"][3:] == [["What is the weather in Madrid?"], ["function_call"]]
    assert saw["left"] == ["function_call_output", "function_call", *["message"] * 4]


@_clients(*PYTHON, NODE)
def test_counting_and_compacting(report: Report) -> None:
    saw = seen(report, "counted")
    assert saw["is_more"]
    assert saw["items"] == ["compaction"]
    assert saw["text"] == "You said: Go on"


@_clients(*PYTHON)
def test_errors(report: Report) -> None:
    assert seen(report, "refusals")["errors"] == ERRORS


@_clients(*PYTHON)
@pytest.mark.parametrize("name", STREAMS)
def test_events_as_they_come(report: Report, name: str) -> None:
    events = seen(report, "streams")["streams"][name]
    assert [fault for event in events for fault in _faults_of_event(event)] == []
    names = [event["data"]["type"].removeprefix("response.") for event in events]
    assert _once(names) == STREAMS[name]
    numbers = [event["data"]["sequence_number"] for event in events]
    assert numbers == list(range(len(events)))


def _faults_of_event(event: Any) -> list[str]:
    described = errors_of_object("ResponseStreamEvent", event["data"])
    return [f"{event['data']['type']}: {fault}" for fault in [*event["faults"], *described]]


def _once(names: list[str]) -> list[str]:
    """Return names without those that follow themselves: there may be any number of deltas."""
    return [name for name, before in zip(names, [None, *names], strict=False) if name != before]
