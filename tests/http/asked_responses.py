"""Responses as tests ask for them: what the model says, and what of streams is read."""

import json
from collections.abc import Sequence
from typing import Any

import httpx2
from tests.http.chunks import call_piece, calls_chunk, chunk
from tests.http.serving import Served
from tests.sdk.validation import errors_of_answer, errors_of_object
from tests.upstreams.http_server import Behaviour
from tests.upstreams.scripted import answer, stream

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
Event = dict[str, Any]


def says(text: str, finish: str = "stop") -> Behaviour:
    """Answer a plain call with a text."""
    return _plain({"role": "assistant", "content": text}, finish)


def calls(*calls: tuple[str, str], text: str | None = None) -> Behaviour:
    """Answer a plain call by calling functions, each a name and its arguments."""
    made = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(calls, start=1)
    ]
    return _plain({"role": "assistant", "content": text, "tool_calls": made}, "tool_calls")


def _plain(message: dict[str, Any], finish: str) -> Behaviour:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return answer({**head, "choices": [choice], "usage": USAGE})


def streams(*texts: str, finish: str = "stop") -> Behaviour:
    """Answer a streamed call with pieces of a text."""
    last = {**chunk({}), "choices": [], "usage": USAGE}
    return stream([*(chunk({"content": text}) for text in texts), chunk({}, finish), last])


def streams_call(name: str, arguments: str = "{}") -> Behaviour:
    """Answer a streamed call by calling a function."""
    piece = call_piece(arguments, index=0, id="call_1", name=name, type="function")
    return stream([calls_chunk(piece), chunk({}, "tool_calls")])


def respond(server: Served, headers: dict[str, str] | None = None, **body: Any) -> httpx2.Response:
    """Ask for a response; a whole one must be as the specification says."""
    response = server.client.post(
        "/v1/responses", json={"input": "hello", **body}, headers=headers or {}
    )
    if response.status_code == 200 and not body.get("stream"):
        assert errors_of_answer("POST", "/responses", 200, response.json()) == []
    return response


def made(server: Served, **body: Any) -> dict[str, Any]:
    """Return a response that is made without fault."""
    response = respond(server, **body)
    assert response.status_code == 200, response.text
    value: dict[str, Any] = response.json()
    return value


def streamed(server: Served, **body: Any) -> list[Event]:
    """Return the events of a streamed response."""
    return events_in(respond(server, **body, stream=True))


def events_in(response: httpx2.Response) -> list[Event]:
    """Return the events of a stream, which must be as the specification says and numbered."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in response.text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if lines:
            event = json.loads(lines["data"])
            assert event["type"] == lines["event"]
            assert errors_of_object("ResponseStreamEvent", event) == []
            events.append(event)
    first = events[0]["sequence_number"]
    numbers = [event["sequence_number"] for event in events]
    assert numbers == list(range(first, first + len(events)))
    return events


def names_of(events: Sequence[Event]) -> list[str]:
    """Return the types of events, of several deltas in a row only one."""
    names = [event["type"].removeprefix("response.") for event in events]
    return [
        name
        for name, before in zip(names, ["", *names], strict=False)
        if not (name == before and name.endswith(".delta"))
    ]


def text_of(response: dict[str, Any]) -> str:
    """Return what a response says."""
    parts = [part for item in response["output"] for part in item.get("content") or ()]
    return "".join(part["text"] for part in parts if part["type"] == "output_text")


def stored(server: Served, id_: str, **query: Any) -> dict[str, Any]:
    """Return a response as it is kept."""
    found = server.client.get(f"/v1/responses/{id_}", params=query)
    assert found.status_code == 200, found.text
    assert errors_of_answer("GET", "/responses/{response_id}", 200, found.json()) == []
    value: dict[str, Any] = found.json()
    return value
