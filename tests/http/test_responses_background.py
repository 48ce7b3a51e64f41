"""Responses in the background, and those whose client goes away."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from tests.http.asked_responses import (
    WEATHER,
    events_in,
    made,
    names_of,
    respond,
    says,
    stored,
    streamed,
    streams,
    streams_call,
    text_of,
)
from tests.http.fixtures import ServeWith
from tests.http.serving import WAIT_S, Served, error_of, provider_at
from tests.sdk.validation import errors_of_answer
from tests.upstreams.scripted import ScriptedUpstream, hang, stall

_LOOK_EVERY_S = 0.01


def until(look: Callable[[], Any]) -> Any:
    """Return what `look` finds, once it finds something."""
    deadline = time.monotonic() + WAIT_S
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(_LOOK_EVERY_S)
    return found


def ended(server: Served, id_: str) -> dict[str, Any]:
    """Return a response once it is over."""

    def look() -> dict[str, Any] | None:
        response = stored(server, id_)
        return None if response["status"] in ("queued", "in_progress") else response

    found: dict[str, Any] = until(look)
    return found


def followed(server: Served, id_: str, after: int | None = None) -> list[dict[str, Any]]:
    """Return the events of a response that follow number `after`."""
    query = {"stream": "true", **({} if after is None else {"starting_after": after})}
    return events_in(server.client.get(f"/v1/responses/{id_}", params=query))


@contextlib.contextmanager
def open_stream(server: Served, **body: Any) -> Iterator[Iterator[str]]:
    """Open the stream of a response, and yield its lines; leaving closes the connection."""
    with httpx2.Client(base_url=server.root, timeout=WAIT_S, trust_env=False) as client:
        asked = {"input": "hello", **body, "stream": True}
        with client.stream("POST", "/v1/responses", json=asked) as answer:
            yield answer.iter_lines()


def test_a_response_is_queued_and_made(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(streams("It is", " sunny."))
    queued = made(server, background=True, metadata={"a": "b"})
    assert (queued["status"], queued["output"], queued["background"]) == ("queued", [], True)
    response = ended(server, queued["id"])
    assert (response["status"], text_of(response)) == ("completed", "It is sunny.")
    assert response["usage"]["total_tokens"] == 12
    assert response["metadata"] == {"a": "b"}
    went_on = made(server, input="and?", previous_response_id=queued["id"])
    assert went_on["status"] == "completed"


def test_a_stream_can_be_read_again_from_any_number(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(streams("It is", " sunny."))
    events = streamed(server, background=True)
    assert names_of(events)[:4] == ["created", "queued", "in_progress", "output_item.added"]
    assert events[-1]["type"] == "response.completed"
    id_ = events[0]["response"]["id"]
    assert events[-1]["response"] == stored(server, id_)
    assert followed(server, id_) == events
    assert followed(server, id_, after=4) == events[5:]
    assert followed(server, id_, after=events[-2]["sequence_number"]) == events[-1:]


def test_a_stream_shows_what_its_reader_asks_for(
    server: Served, upstream: ScriptedUpstream, client: openai.OpenAI
) -> None:
    store = client.vector_stores.create(name="pets")
    file = client.files.create(file=("cat.txt", b"The cat sleeps."), purpose="user_data")
    client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
    tool = {"type": "file_search", "vector_store_ids": [store.id]}
    upstream.play(streams_call("file_search", '{"queries": ["cat"]}'), streams("It sleeps."))
    events = streamed(server, tools=[tool], background=True)
    id_ = events[-1]["response"]["id"]
    query = {"stream": "true", "include[]": "file_search_call.results"}
    again = events_in(server.client.get(f"/v1/responses/{id_}", params=query))
    assert found_in(events) == [None, None]
    assert [one[0]["text"] for one in found_in(again)] == ["The cat sleeps."] * 2
    assert followed(server, id_) == events


def found_in(events: list[dict[str, Any]]) -> list[Any]:
    """Return what a search found, as it is told when the item is done and at the end."""
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    items = [*done, *events[-1]["response"]["output"]]
    return [item["results"] for item in items if item["type"] == "file_search_call"]


def test_the_clients_helper_resumes_a_stream(
    client: openai.OpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.play(streams("It is", " sunny."))
    with client.responses.stream(model="up/echo", input="hello", background=True) as events:
        first = next(iter(events))
        assert first.type == "response.created"
        id_ = first.response.id
    with client.responses.stream(response_id=id_, starting_after=0) as rest:
        numbers = [event.sequence_number for event in rest]
    assert numbers == list(range(1, len(numbers) + 1))
    assert client.responses.retrieve(id_).output_text == "It is sunny."


def test_only_what_was_streamed_in_the_background_has_a_stream(server: Served) -> None:
    foreground = streamed(server)[-1]["response"]["id"]
    unstreamed = made(server, background=True)["id"]
    for id_ in (foreground, unstreamed):
        refused = server.client.get(f"/v1/responses/{id_}", params={"stream": "true"})
        assert error_of(refused, 400)["param"] == "stream"
    ended(server, unstreamed)


@pytest.mark.parametrize(
    "query", ["starting_after=1", "stream=false&starting_after=1", "stream=true&starting_after=x"]
)
@pytest.mark.parametrize("path", ["responses/resp_1", "threads/thread_1/runs/run_1"])
def test_where_a_stream_begins_is_judged(server: Served, path: str, query: str) -> None:
    refused = error_of(server.client.get(f"/v1/{path}?{query}"), 400)
    assert refused["param"] == "starting_after"


def test_a_response_is_cancelled(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(hang())
    with open_stream(server, background=True) as lines:
        assert next(lines) == "event: response.created"
    upstream.wait_for_calls(1)
    id_ = newest(server)
    path = f"/v1/responses/{id_}/cancel"
    cancelled = server.client.post(path).json()
    assert errors_of_answer("POST", "/responses/{response_id}/cancel", 200, cancelled) == []
    assert cancelled["status"] == "cancelled"
    assert server.client.post(path).json() == cancelled
    last = followed(server, id_)[-1]
    assert (last["type"], last["response"]) == ("response.failed", cancelled)
    assert upstream.calls[-1].disconnected.wait(WAIT_S)
    refused = error_of(respond(server, previous_response_id=id_), 400)
    assert "cancelled" in refused["message"]


def newest(server: Served) -> str:
    """Return the id of the newest response that is stored."""
    path = server.settings.data_dir / "understudy.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT id FROM runs WHERE kind = 'response' ORDER BY seq DESC")
        return str(found.fetchone()[0])


def test_one_that_is_made_within_its_request_is_not_cancelled(server: Served) -> None:
    id_ = made(server)["id"]
    refused = error_of(server.client.post(f"/v1/responses/{id_}/cancel"), 400)
    assert "background" in refused["message"]


def test_nothing_goes_on_from_what_is_not_over(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(hang())
    id_ = made(server, background=True)["id"]
    upstream.wait_for_calls(1)
    refused = error_of(respond(server, previous_response_id=id_), 400)
    assert refused["param"] == "previous_response_id" and "wait for its end" in refused["message"]
    assert server.client.delete(f"/v1/responses/{id_}").status_code == 200
    assert upstream.calls[0].disconnected.wait(WAIT_S)
    error_of(server.client.get(f"/v1/responses/{id_}"), 404)


def test_a_client_that_leaves_ends_a_response_but_not_in_the_background(
    server: Served, upstream: ScriptedUpstream
) -> None:
    conversation = server.client.post("/v1/conversations", json={}).json()["id"]
    upstream.play(stall([b'data: {"choices":[{"index":0,"delta":{"content":"Well"}}]}\n\n']))
    with open_stream(server, conversation=conversation) as lines:
        while "Well" not in next(lines):
            pass
        refused = error_of(respond(server, conversation=conversation), 400)
        assert refused["code"] == "thread_has_active_run"
        id_ = newest(server)
        assert id_ in refused["message"]
    assert upstream.calls[0].disconnected.wait(WAIT_S)
    response = ended(server, id_)
    assert response["status"] == "cancelled"
    assert "connection was closed" in response["error"]["message"]
    assert text_of(response) == "Well" and response["output"][0]["status"] == "incomplete"
    assert server.client.get(f"/v1/conversations/{conversation}/items").json()["data"] == []
    assert made(server, conversation=conversation)["status"] == "completed"

    upstream.play(streams("It is", " sunny."))
    with open_stream(server, background=True) as lines:
        next(lines)
        id_ = newest(server)
    assert ended(server, id_)["status"] == "completed"


def test_a_conversation_that_is_deleted_takes_its_response_with_it(
    server: Served, upstream: ScriptedUpstream
) -> None:
    conversation = server.client.post("/v1/conversations", json={}).json()["id"]
    upstream.play(stall([b'data: {"choices":[{"index":0,"delta":{"content":"Well"}}]}\n\n']))
    with open_stream(server, conversation=conversation) as lines:
        while "Well" not in next(lines):
            pass
        id_ = newest(server)
        assert server.client.delete(f"/v1/conversations/{conversation}").status_code == 200
        assert any("deleted" in line for line in lines)
    assert upstream.calls[0].disconnected.wait(WAIT_S)
    error_of(server.client.get(f"/v1/responses/{id_}"), 404)


def test_a_conversation_that_is_deleted_stops_its_response_in_the_background(
    server: Served, upstream: ScriptedUpstream
) -> None:
    conversation = server.client.post("/v1/conversations", json={}).json()["id"]
    upstream.play(hang())
    id_ = made(server, conversation=conversation, background=True)["id"]
    upstream.wait_for_calls(1)
    assert server.client.delete(f"/v1/conversations/{conversation}").status_code == 200
    assert upstream.calls[0].disconnected.wait(WAIT_S)
    error_of(server.client.get(f"/v1/responses/{id_}"), 404)


def test_functions_end_a_background_response(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(streams_call("get_weather"), says("Sunny."))
    queued = made(server, background=True, tools=[WEATHER])
    (call,) = ended(server, queued["id"])["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    assert text_of(made(server, input=[output], previous_response_id=queued["id"])) == "Sunny."


def test_a_response_that_takes_too_long_fails(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    upstream.play(hang())
    with serve_with(
        default_model="up/echo",
        providers={"up": provider_at(upstream)},
        runs={"timeout_s": 1, "max_active": 1},
    ) as server:
        events = streamed(server, background=True)
        assert events[-1]["type"] == "response.failed"
        error = events[-1]["response"]["error"]
        assert "runs.timeout_s" in error["message"]
        upstream.play(hang())
        made(server, background=True)
        busy = respond(server, background=True)
        assert "runs.max_active" in error_of(busy, 429)["message"]
        assert respond(server).status_code == 200


def test_what_a_stop_has_left_behind_is_over_at_the_next_start(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    """The server is stopped while it answers: it waits its grace and then cuts off."""
    fields: dict[str, Any] = {
        "default_model": "up/echo",
        "providers": {"up": provider_at(upstream)},
        "shutdown_grace_s": 0,
    }
    upstream.play(hang())
    with serve_with(**fields) as server:
        conversation = server.client.post("/v1/conversations", json={}).json()["id"]
        with open_stream(server, conversation=conversation) as lines:
            next(lines)
            upstream.wait_for_calls(1)
            id_ = newest(server)
    with serve_with(**fields) as server:
        response = ended(server, id_)
        assert response["status"] in ("cancelled", "failed")
        assert response["error"]["message"]
        assert made(server, conversation=conversation)["status"] == "completed"
