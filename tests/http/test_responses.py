"""Responses over HTTP: answers, streams, what goes on from them, what is kept."""

import contextlib
import json
import sqlite3
from base64 import b64encode
from typing import Any

import openai
import pydantic
import pytest
from tests.http.asked_responses import (
    USAGE,
    WEATHER,
    calls,
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
from tests.http.serving import Served, error_of, provider_at
from tests.sdk.validation import errors_of_answer
from tests.upstreams.scripted import ScriptedUpstream, answer

SPEAKING = [
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
]
_TABLES = ("runs", "items", "run_events", "idempotency_keys")


def rows(server: Served) -> dict[str, int]:
    """Return how many rows of what belongs to responses the database has."""
    path = server.settings.data_dir / "understudy.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        return {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in _TABLES
        }


def shown(upstream: ScriptedUpstream) -> list[dict[str, Any]]:
    """Return the messages that the model was shown last."""
    messages: list[dict[str, Any]] = upstream.calls[-1].json["messages"]
    return messages


# --- answers ----------------------------------------------------------------------------------


def test_a_response_echoes_what_was_asked(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(says("Sunny."))
    response = respond(
        server,
        instructions="Be brief.",
        tools=[WEATHER],
        tool_choice="none",
        temperature=0.5,
        max_output_tokens=50,
        metadata={"order": "7"},
        reasoning={"effort": "low"},
        text={"verbosity": "low"},
        service_tier="flex",
        safety_identifier="someone",
    )
    value = response.json()
    assert response.headers["x-understudy-model"] == value["model"] == "up/echo"
    assert text_of(value) == "Sunny."
    assert value["status"] == "completed" and value["completed_at"] >= value["created_at"]
    expected = {
        "instructions": "Be brief.",
        "temperature": 0.5,
        "top_p": 1.0,
        "max_output_tokens": 50,
        "metadata": {"order": "7"},
        "tool_choice": "none",
        "truncation": "disabled",
        "background": False,
        "service_tier": "flex",
        "error": None,
        "incomplete_details": None,
    }
    assert {name: value[name] for name in expected} == expected
    assert value["tools"] == [{**WEATHER, "description": None, "strict": False}]
    usage = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
    assert {name: value["usage"][name] for name in usage} == usage
    sent = upstream.calls[-1].json
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert sent["max_completion_tokens"] == 50
    assert (sent["reasoning_effort"], sent["verbosity"]) == ("low", "low")
    assert stored(server, value["id"]) == value


def test_events_come_in_the_order_of_the_specification(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(streams("It is", " sunny."))
    events = streamed(server)
    assert names_of(events) == SPEAKING
    last = events[-1]["response"]
    assert text_of(last) == "It is sunny."
    assert last["usage"]["total_tokens"] == USAGE["total_tokens"]
    assert stored(server, last["id"]) == last


def test_the_clients_helpers_read_streams_and_parse_answers(
    client: openai.OpenAI, upstream: ScriptedUpstream
) -> None:
    class Forecast(pydantic.BaseModel):
        city: str

    upstream.play(streams("It is", " sunny."), says('{"city": "Lima"}'))
    with client.responses.stream(model="up/echo", input="hello") as events:
        for _ in events:
            pass
        assert events.get_final_response().output_text == "It is sunny."
    parsed = client.responses.parse(model="up/echo", input="hello", text_format=Forecast)
    assert parsed.output_parsed == Forecast(city="Lima")
    asked = upstream.calls[-1].json["response_format"]["json_schema"]
    assert asked["strict"] is True and asked["name"] == "Forecast"


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_an_answer_that_was_cut_off_is_incomplete(
    server: Served, upstream: ScriptedUpstream, finish: str, reason: str
) -> None:
    upstream.play(streams("It is", finish=finish), says("It is", finish))
    last = streamed(server)[-1]
    assert last["type"] == "response.incomplete"
    for response in (last["response"], made(server)):
        assert response["status"] == "incomplete"
        assert response["incomplete_details"] == {"reason": reason}
        assert text_of(response) == "It is"


def test_the_message_of_a_thread_says_why_it_is_incomplete(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(says("It is", "length"), says("It is", "content_filter"))
    conversation = server.client.post("/v1/conversations", json={}).json()["id"]
    for reason in ("max_tokens", "content_filter"):
        made(server, conversation=conversation)
        newest = server.client.get(f"/v1/threads/{conversation}/messages").json()["data"][0]
        assert (newest["role"], newest["status"]) == ("assistant", "incomplete")
        assert newest["incomplete_details"] == {"reason": reason}
        assert newest["incomplete_at"] >= newest["created_at"]


# --- going on ---------------------------------------------------------------------------------


def test_functions_are_called_and_answered(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(streams_call("get_weather", '{"city": "Lima"}'), says("Sunny in Lima."))
    events = streamed(server, tools=[WEATHER])
    asked = events[-1]["response"]
    (call,) = asked["output"]
    assert (call["name"], call["arguments"]) == ("get_weather", '{"city": "Lima"}')
    (done,) = (e for e in events if e["type"] == "response.function_call_arguments.done")
    assert done["name"] == "get_weather"
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    answered = made(server, previous_response_id=asked["id"], input=[output], tools=[WEATHER])
    assert text_of(answered) == "Sunny in Lima."
    roles = [message["role"] for message in shown(upstream)]
    assert roles == ["user", "assistant", "tool"]
    assert shown(upstream)[-1]["content"] == "sunny"


def test_a_chain_shows_everything_but_earlier_instructions(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(says("First."), says("Second."), says("Third."))
    first = made(server, input="one", instructions="Whisper.")
    second = made(server, input="two", previous_response_id=first["id"])
    made(server, input="three", previous_response_id=second["id"], store=False)
    said = [(message["role"], message["content"]) for message in shown(upstream)]
    assert said == [
        ("user", "one"),
        ("assistant", "First."),
        ("user", "two"),
        ("assistant", "Second."),
        ("user", "three"),
    ]


def test_a_response_in_a_conversation_goes_on_from_there_as_well(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(says("First."), says("Second."), says("Aside."))
    conversation = server.client.post("/v1/conversations", json={}).json()["id"]
    first = made(server, input="one", conversation=conversation)
    assert first["conversation"] == {"id": conversation}
    made(server, input="two", conversation={"id": conversation})
    made(server, input="aside", previous_response_id=first["id"])
    said = [message["content"] for message in shown(upstream)]
    assert said == ["one", "First.", "aside"]
    items = server.client.get(f"/v1/conversations/{conversation}/items?order=asc").json()["data"]
    assert [item["content"][0]["text"] for item in items] == ["one", "First.", "two", "Second."]


def test_an_item_that_is_referred_to_is_shown_again(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(says("Remember 42."), says("42."))
    item = made(server)["output"][0]
    referred = {"type": "item_reference", "id": item["id"]}
    asked = made(server, input=[referred, {"role": "user", "content": "What was it?"}])
    assert [message["content"] for message in shown(upstream)] == ["Remember 42.", "What was it?"]
    page = server.client.get(f"/v1/responses/{asked['id']}/input_items").json()
    assert item["id"] not in [one["id"] for one in page["data"]]


# --- keeping ----------------------------------------------------------------------------------


def test_what_is_not_stored_leaves_nothing(server: Served, upstream: ScriptedUpstream) -> None:
    before = rows(server)
    plain = made(server, store=False)
    (*_, last) = streamed(server, store=False)
    assert plain["store"] is False
    assert rows(server) == before
    for id_ in (plain["id"], last["response"]["id"]):
        assert error_of(server.client.get(f"/v1/responses/{id_}"), 404)["code"] == "not_found"


def test_a_deleted_response_is_gone_with_its_items(
    server: Served, upstream: ScriptedUpstream
) -> None:
    kept = made(server)
    gone = made(server, input="secret", previous_response_id=kept["id"])
    path = f"/v1/responses/{gone['id']}"
    deleted = server.client.delete(path).json()
    assert deleted == {"id": gone["id"], "object": "response", "deleted": True}
    for answered in (
        server.client.get(path),
        server.client.get(f"{path}/input_items"),
        server.client.delete(path),
        respond(server, previous_response_id=gone["id"]),
    ):
        error_of(answered, 404)
    database = (server.settings.data_dir / "understudy.db").read_bytes()
    with contextlib.closing(sqlite3.connect(server.settings.data_dir / "understudy.db")) as found:
        texts = found.execute("SELECT document FROM items WHERE document LIKE '%secret%'")
        assert texts.fetchall() == [] and database
    assert stored(server, kept["id"]) == kept


def test_input_items_are_paged_newest_first(server: Served) -> None:
    given = [{"role": "user", "content": str(n)} for n in range(5)]
    id_ = made(server, input=given)["id"]
    path = f"/v1/responses/{id_}/input_items"
    page = server.client.get(path, params={"limit": 2}).json()
    assert errors_of_answer("GET", "/responses/{response_id}/input_items", 200, page) == []
    assert texts_of(page) == ["4", "3"] and page["has_more"]
    rest = server.client.get(path, params={"after": page["last_id"]}).json()
    assert texts_of(rest) == ["2", "1", "0"] and not rest["has_more"]
    ascending = server.client.get(path, params={"order": "asc", "limit": 1}).json()
    assert texts_of(ascending) == ["0"]
    assert error_of(server.client.get(path, params={"after": "msg_never"}), 400)["param"] == "after"


def texts_of(page: dict[str, Any]) -> list[str]:
    return [item["content"][0]["text"] for item in page["data"]]


def test_a_repeated_request_gets_what_the_first_one_made(
    server: Served, upstream: ScriptedUpstream
) -> None:
    key = {"Idempotency-Key": "responses-1"}
    first = respond(server, key, input="once").json()
    assert respond(server, key, input="once").json() == first
    assert len(upstream.calls) == 1
    refused = error_of(respond(server, key, input="twice"), 400)
    assert refused["code"] == "idempotency_key_reused"

    key = {"Idempotency-Key": "responses-2"}
    whole = respond(server, key, stream=True)
    again = respond(server, key, stream=True)
    assert len(upstream.calls) == 2
    last, last_again = (one.text.strip().split("\n\n")[-1] for one in (whole, again))
    assert _response_in(last_again) == _response_in(last)


def _response_in(block: str) -> Any:
    return json.loads(block.split("\n")[1].removeprefix("data: "))["response"]


# --- failures ---------------------------------------------------------------------------------


def test_a_failure_is_the_error_of_a_plain_call_and_nothing_is_kept(
    server: Served, upstream: ScriptedUpstream
) -> None:
    conversation = server.client.post("/v1/conversations", json={}).json()["id"]
    before = rows(server)["items"]
    busy = answer({"error": {"message": "busy"}}, 503)
    for body in ({}, {"conversation": conversation}):
        upstream.play(busy)
        error_of(respond(server, **body), 502)
    key = {"Idempotency-Key": "responses-3"}
    upstream.play(busy, says("Now."))
    error_of(respond(server, key), 502)
    assert text_of(respond(server, key).json()) == "Now."
    items = server.client.get(f"/v1/conversations/{conversation}/items").json()["data"]
    assert items == []
    assert "active run" not in respond(server, conversation=conversation).text
    assert before <= rows(server)["items"]


def test_a_stream_that_fails_says_so_and_is_kept_so(
    server: Served, upstream: ScriptedUpstream
) -> None:
    conversation = server.client.post("/v1/conversations", json={}).json()["id"]
    upstream.play(answer({"error": {"message": "slow down"}}, 429))
    last = streamed(server, conversation=conversation)[-1]
    assert last["type"] == "response.failed"
    failed = last["response"]
    assert failed["error"]["code"] == "rate_limit_exceeded"
    assert "slow down" in failed["error"]["message"]
    assert stored(server, failed["id"]) == failed
    assert server.client.get(f"/v1/conversations/{conversation}/items").json()["data"] == []
    refused = error_of(respond(server, previous_response_id=failed["id"]), 400)
    assert refused["param"] == "previous_response_id" and "failed" in refused["message"]


# --- inputs -----------------------------------------------------------------------------------


def test_an_input_is_counted(server: Served) -> None:
    def count(**body: Any) -> int:
        counted = server.client.post("/v1/responses/input_tokens", json=body).json()
        assert errors_of_answer("POST", "/responses/input_tokens", 200, counted) == []
        return int(counted["input_tokens"])

    short = count(model="up/echo", input="one")
    assert 0 < short < count(input="one two three four five six seven")
    assert short < count(input="one", tools=[WEATHER])
    before = made(server, input="something that was said before")["id"]
    assert short < count(input="one", previous_response_id=before)


def test_a_compaction_stands_for_what_was_said(server: Served, upstream: ScriptedUpstream) -> None:
    said = made(server, input="My name is Ada.")["id"]
    upstream.play(says("The user is called Ada."), says("Ada."))
    compacted = server.client.post(
        "/v1/responses/compact", json={"model": "up/echo", "previous_response_id": said}
    ).json()
    assert errors_of_answer("POST", "/responses/compact", 200, compacted) == []
    assert compacted["usage"]["total_tokens"] == USAGE["total_tokens"]
    asked = {"role": "user", "content": "What is my name?"}
    assert text_of(made(server, input=[*compacted["output"], asked])) == "Ada."
    told, question = shown(upstream)
    assert "The user is called Ada." in told["content"]
    assert question["content"] == "What is my name?"
    foreign = {"type": "compaction", "encrypted_content": "gAAAAB-of-somebody-else"}
    refused = error_of(respond(server, input=[foreign]), 400)
    assert refused["param"] == "input[0].encrypted_content"


def test_what_does_not_fit_is_refused_or_let_go(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    provider = provider_at(upstream, capabilities={"context_length": 200})
    long = [{"role": "user", "content": f"{n} " + "word " * 40} for n in range(8)]
    with serve_with(default_model="up/echo", providers={"up": provider}) as server:
        refused = error_of(respond(server, input=long), 400)
        assert refused["code"] == "context_length_exceeded"
        assert "truncation" in refused["message"]
        assert upstream.calls == []
        assert made(server, input=long, truncation="auto")["status"] == "completed"
    kept = [message["content"][0] for message in shown(upstream)]
    assert kept[-1] == "7" and 0 < len(kept) < 8


@pytest.mark.parametrize("is_chain", [True, False])
def test_a_model_is_shown_as_much_history_as_its_settings_say(
    serve_with: ServeWith, upstream: ScriptedUpstream, is_chain: bool
) -> None:
    models = {"up/short": {"history_turns": 1}, "up/sum": {"history_turns": 1}}
    models["up/sum"]["summarise_history"] = True
    providers = {"up": provider_at(upstream)}
    with serve_with(models=models, providers=providers) as server:
        conversation = server.client.post("/v1/conversations", json={}).json()["id"]
        going_on: dict[str, Any] = {} if is_chain else {"conversation": conversation}
        for text in ("My name is Ada.", "I like tea.", "Is it late?"):
            response = made(server, model="up/sum", input=text, **going_on)
            if is_chain:
                going_on = {"previous_response_id": response["id"]}
        first, *_ = shown(upstream)
        assert "Ada" in first["content"] and first["role"] == "system"
        assert shown(upstream)[-1]["content"] == "Is it late?"
        asked = len(upstream.calls)
        made(server, model="up/sum", input="And now?", **going_on)
        assert len(upstream.calls) == asked + 1  # the summary is still new enough
        assert "Ada" in shown(upstream)[0]["content"]
        made(server, model="up/short", input="Now?", **going_on)
        assert [message["content"] for message in shown(upstream)] == ["Now?"]


# --- parts ------------------------------------------------------------------------------------


def test_files_are_read_to_the_model(
    server: Served, upstream: ScriptedUpstream, client: openai.OpenAI
) -> None:
    file = client.files.create(file=("cat.txt", b"The cat sleeps."), purpose="user_data")
    data = b64encode(b"# Dogs\n\nThe dog barks.").decode()
    parts: list[dict[str, Any]] = [
        {"type": "input_file", "file_id": file.id},
        {"type": "input_file", "filename": "dog.md", "file_data": data},
        {"type": "input_text", "text": "Who barks?"},
    ]
    made(server, input=[{"role": "user", "content": parts}])
    (message,) = shown(upstream)
    for text in ("cat.txt", "The cat sleeps.", "dog.md", "The dog barks.", "Who barks?"):
        assert text in message["content"]
    for part, status, param in (
        ({"type": "input_file", "file_id": "file-never"}, 404, "input[0].content[0].file_id"),
        ({"type": "input_file", "file_data": "?"}, 400, "input"),
        ({"type": "input_file", "file_url": "https://example.com"}, 400, None),
    ):
        refused = respond(server, input=[{"role": "user", "content": [part]}])
        error = error_of(refused, status)
        assert param is None or error["param"] == param


def test_deltas_are_padded_on_request(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(streams("It"), streams("It"))
    for options in ({"include_obfuscation": True}, {"include_obfuscation": False}):
        events = streamed(server, stream_options=options)
        (delta,) = [event for event in events if event["type"].endswith(".delta")]
        assert ("obfuscation" in delta) is options["include_obfuscation"]


# --- file search ------------------------------------------------------------------------------


def test_a_search_is_made_and_shown_on_request(
    server: Served, upstream: ScriptedUpstream, client: openai.OpenAI
) -> None:
    store = client.vector_stores.create(name="pets")
    text = b"The cat sleeps on the roof."
    file = client.files.create(file=("cat.txt", text), purpose="user_data")
    client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
    tool = {"type": "file_search", "vector_store_ids": [store.id]}
    searching = calls(("file_search", '{"queries": ["Where does the cat sleep?"]}'))
    upstream.play(searching, says("On the roof 【1】."))
    response = made(server, tools=[tool], include=["file_search_call.results"])
    search, message = response["output"]
    assert search["queries"] == ["Where does the cat sleep?"]
    assert [result["text"] for result in search["results"]] == ["The cat sleeps on the roof."]
    (citation,) = message["content"][0]["annotations"]
    assert (citation["type"], citation["file_id"]) == ("file_citation", file.id)
    assert response["usage"]["total_tokens"] == 2 * USAGE["total_tokens"]
    assert stored(server, response["id"])["output"][0]["results"] is None
    query = {"include[]": "file_search_call.results"}
    assert stored(server, response["id"], **query)["output"][0] == search

    searching = streams_call("file_search", '{"queries": ["cat"]}')
    upstream.play(searching, streams("On the roof 【1】."))
    names = names_of(streamed(server, tools=[tool]))
    begin = names.index("file_search_call.in_progress")
    assert names[begin : begin + 4] == [
        "file_search_call.in_progress",
        "file_search_call.searching",
        "file_search_call.completed",
        "output_item.done",
    ]
    assert "output_text.annotation.added" in names


def test_a_limit_on_calls_ends_the_searching(
    server: Served, upstream: ScriptedUpstream, client: openai.OpenAI
) -> None:
    store = client.vector_stores.create(name="empty")
    tool = {"type": "file_search", "vector_store_ids": [store.id]}
    again = calls(("file_search", '{"queries": ["a"]}'), ("file_search", '{"queries": ["b"]}'))
    upstream.play(again, says("Nothing."))
    response = made(server, tools=[tool], max_tool_calls=1)
    assert [item["type"] for item in response["output"]].count("file_search_call") == 2
    assert [bool(item["queries"]) for item in response["output"][:2]] == [True, False]
    assert upstream.calls[-1].json["tool_choice"] == "none"

    searching = calls(("file_search", '{"queries": ["a"]}'))
    upstream.play(searching, calls(("get_weather", "{}")))
    response = made(server, tools=[tool, WEATHER], max_tool_calls=1, tool_choice="required")
    assert [item["type"] for item in response["output"]] == ["file_search_call", "function_call"]
    asked = upstream.calls[-1].json
    assert [one["function"]["name"] for one in asked["tools"]] == ["get_weather"]
    assert [message["role"] for message in asked["messages"]] == ["user", "assistant", "tool"]
