"""What a model lacks is made up for, or refused by name; what a request lacks, settings fill."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import HELLO, LogLines, Served, error_of, events_of, provider_at
from tests.upstreams.scripted import ScriptedUpstream, answer, delayed, reset, stall, stream

TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
AS_PERSON = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}


def says(content: str, finish: str = "stop") -> Any:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return answer({"id": "c", "created": 1, "model": "m", "choices": [choice], "usage": counts})


def streams(*texts: str) -> Any:
    head = {"id": "c", "created": 1, "model": "m"}
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    made = [
        {**head, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        for text in texts
    ]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return stream([*made, {**head, "choices": [end]}, {**head, "choices": [], "usage": counts}])


def texts_of(events: list[dict[str, Any]]) -> dict[int, str]:
    texts: dict[int, str] = {}
    for choice in (choice for event in events for choice in event["choices"]):
        text = choice["delta"].get("content") or ""
        texts[choice["index"]] = texts.get(choice["index"], "") + text
    return texts


def test_n_is_passed_on_where_the_provider_knows_it(
    server: Served, upstream: ScriptedUpstream
) -> None:
    made = server.chat(n=3).json()["choices"]
    assert [choice["index"] for choice in made] == [0, 1, 2]
    assert [call.json["n"] for call in upstream.calls] == [3]


def test_n_is_a_fan_out_where_it_does_not(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(*[says(text) for text in ("a", "b", "c")])
    made = server.chat(model="no-n/echo", n=3).json()
    assert [choice["index"] for choice in made["choices"]] == [0, 1, 2]
    assert sorted(choice["message"]["content"] for choice in made["choices"]) == ["a", "b", "c"]
    assert (made["usage"]["prompt_tokens"], made["usage"]["total_tokens"]) == (9, 15)
    assert all("n" not in call.json for call in upstream.calls)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_choices_of_a_fan_out_have_seeds_of_their_own(
    server: Served, upstream: ScriptedUpstream, is_streamed: bool
) -> None:
    assert server.chat(model="no-n/echo", n=3, seed=7, stream=is_streamed).status_code == 200
    assert sorted(call.json["seed"] for call in upstream.calls) == [7, 8, 9]


def test_a_streamed_fan_out_begins_with_choice_0(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(delayed(0.3, streams(*"one")), streams(*"two"), streams(*"six"))
    fields = {"model": "no-n/echo", "n": 3, "stream_options": {"include_usage": True}}
    *events, last = server.events(**fields)
    assert events[0]["choices"][0]["index"] == 0
    assert sorted(texts_of(events).values()) == ["one", "six", "two"]
    assert set(texts_of(events)) == {0, 1, 2}
    choices = [choice for event in events for choice in event["choices"]]
    assert sorted(c["index"] for c in choices if c["finish_reason"] == "stop") == [0, 1, 2]
    assert last["usage"]["total_tokens"] == 15
    assert len({event["id"] for event in [*events, last]}) == 1


@pytest.mark.parametrize("is_streamed", [False, True])
def test_one_failure_ends_a_fan_out(serve_with: ServeWith, is_streamed: bool) -> None:
    busy = answer({"error": {"message": "busy"}}, 429, {"retry-after": "7"})
    with (
        ScriptedUpstream() as fresh,
        serve_with(
            providers={"up": provider_at(fresh, capabilities={"n": False})}, upstream_retries=0
        ) as server,
    ):
        fresh.play(busy, stall(), stall())
        response = server.chat(model="up/echo", n=3, stream=is_streamed)
    assert error_of(response, 429)["code"] == "rate_limit_exceeded"
    assert response.headers["retry-after"] == "7"


@pytest.mark.parametrize("model", ["no-schema/echo", "no-json/echo"])
@pytest.mark.parametrize("is_streamed", [False, True])
def test_json_schema_by_validation_and_retry(
    server: Served, upstream: ScriptedUpstream, model: str, is_streamed: bool
) -> None:
    wanted = '{"name":"Ana","age":41}'
    upstream.play(says("Sure!"), says('{"name":"Ana"}'), says(f"```json\n{wanted}\n```"))
    fields = {"model": model, "response_format": AS_PERSON}
    if is_streamed:
        fields["stream_options"] = {"include_usage": True}
        *events, last = server.events(**fields)
        text, usage = texts_of(events)[0], last["usage"]
    else:
        made = server.chat(**fields).json()
        text, usage = made["choices"][0]["message"]["content"], made["usage"]
    assert json.loads(text) == {"name": "Ana", "age": 41}
    assert usage["total_tokens"] == 15
    first, second, third = (call.json for call in upstream.calls)
    assert json.dumps(PERSON, separators=(",", ":")) in first["messages"][0]["content"]
    has_json_mode = model == "no-schema/echo"
    assert first.get("response_format") == ({"type": "json_object"} if has_json_mode else None)
    assert "Sure!" in str(second["messages"]) and "age" in third["messages"][-1]["content"]


def test_json_schema_gives_up_with_a_reason(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(*[says('{"name":7}')] * 3)
    error = error_of(server.chat(model="no-schema/echo", response_format=AS_PERSON), 502)
    assert error["code"] == "provider_error"
    assert "3 attempts" in error["message"] and "response_format" in error["message"]
    assert len(upstream.calls) == 3


@pytest.mark.parametrize("ref", ["#/$defs/nothing", "#", "{base_url}/schema.json"])
def test_references_that_lead_nowhere_are_refused_and_never_fetched(
    server: Served, upstream: ScriptedUpstream, logs: LogLines, ref: str
) -> None:
    schema = {"$ref": ref.format(base_url=upstream.base_url)}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    upstream.play(says("{}"))
    error = error_of(server.chat(model="no-schema/echo", response_format=wanted), 400)
    assert error["param"] == "response_format.json_schema.schema"
    assert [call.method for call in upstream.calls] == ["POST"]
    assert logs.failures() == []


def test_a_truncated_answer_is_not_asked_for_again(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(says('{"name":', "length"))
    made = server.chat(model="no-schema/echo", response_format=AS_PERSON).json()
    assert made["choices"][0]["finish_reason"] == "length"
    assert len(upstream.calls) == 1


def test_json_schema_goes_to_a_provider_that_enforces_it(
    server: Served, upstream: ScriptedUpstream
) -> None:
    text = server.chat(response_format=AS_PERSON).json()["choices"][0]["message"]["content"]
    assert set(json.loads(text)) == {"name", "age"}
    assert upstream.calls[0].json["response_format"] == AS_PERSON


NAMED = {"type": "function", "function": {"name": "get_weather"}}
REFUSED = [
    ("no-force/echo", {"tools": TOOLS, "tool_choice": "required"}, "tool_choice"),
    ("no-force/echo", {"tools": TOOLS, "tool_choice": NAMED}, "tool_choice"),
    (
        "no-force/echo",
        {"functions": [{"name": "f"}], "function_call": {"name": "f"}},
        "function_call",
    ),
    ("no-tools/echo", {"tools": TOOLS}, "tools"),
    ("no-tools/echo", {"functions": [{"name": "f"}]}, "functions"),
    ("no-penalties/echo", {"presence_penalty": 1}, "presence_penalty"),
    ("no-penalties/echo", {"frequency_penalty": -1}, "frequency_penalty"),
    ("no-json/echo", {"response_format": {"type": "json_object"}}, "response_format"),
]


@pytest.mark.parametrize(("model", "fields", "param"), REFUSED)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_what_a_model_lacks_is_refused_by_name(
    server: Served,
    upstream: ScriptedUpstream,
    model: str,
    fields: dict[str, Any],
    param: str,
    is_streamed: bool,
) -> None:
    response = server.chat(model=model, stream=is_streamed, **fields)
    error = error_of(response, 400)
    assert (error["param"], error["code"]) == (param, "unsupported_parameter")
    assert response.headers["x-should-retry"] == "false"
    assert upstream.calls == []


def test_tools_that_need_not_be_called_pass(server: Served) -> None:
    made = server.chat(model="no-force/echo", tools=TOOLS, tool_choice="auto")
    assert made.status_code == 200


def test_unknown_fields_reach_the_provider(server: Served, upstream: ScriptedUpstream) -> None:
    response = server.chat(enable_thinking=True, top_k=3)
    sent = upstream.calls[0].json
    assert (sent["enable_thinking"], sent["top_k"]) == (True, 3)
    assert "x-understudy-ignored" not in response.headers


def test_fields_without_effect_are_named(server: Served) -> None:
    response = server.chat(model="understudy-extractive", enable_thinking=True, top_k=3)
    assert response.headers["x-understudy-ignored"] == "enable_thinking, top_k"


def test_defaults_of_a_model_fill_what_a_request_leaves_out(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    defaults = {"temperature": 0.1, "top_p": 0.5, "max_tokens": 7}
    with serve_with(
        providers={"up": provider_at(upstream)}, models={"up/echo": defaults}
    ) as server:
        server.chat(model="up/echo")
        server.chat(model="up/echo", temperature=1.5, max_tokens=None)
        server.chat(model="up/echo", max_completion_tokens=9)
        server.chat(model="up/other")
    first, second, third, fourth = (call.json for call in upstream.calls)
    assert {name: first[name] for name in defaults} == defaults
    assert (second["temperature"], second["top_p"], second["max_tokens"]) == (1.5, 0.5, 7)
    assert third["max_completion_tokens"] == 9 and "max_tokens" not in third
    assert not set(defaults) & set(fourth)


FAILURES = {
    "server error": answer({"error": {"message": "boom"}}, 500),
    "rate limit": answer({"error": {"message": "slow down"}}, 429),
    "rejected key": answer({"error": {"message": "bad key"}}, 401),
    "unreachable": reset(),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_next_model_answers_where_one_fails(
    serve_with: ServeWith, upstream: ScriptedUpstream, failure: str, is_streamed: bool
) -> None:
    with (
        ScriptedUpstream() as first,
        serve_with(
            providers={"first": provider_at(first), "second": provider_at(upstream)},
            models={"first/echo": {"fallback": ["second/echo"]}},
            upstream_retries=0,
        ) as server,
    ):
        first.play(FAILURES[failure])
        response = server.chat(model="first/echo", stream=is_streamed)
        assert response.status_code == 200
        assert response.headers["x-understudy-model"] == "second/echo"
        if is_streamed:
            assert texts_of(events_of(response)) == {0: "You said: hello world"}
        assert [call.json["model"] for call in upstream.calls] == ["echo"]


def test_a_refusal_is_not_passed_on(serve_with: ServeWith, upstream: ScriptedUpstream) -> None:
    with serve_with(
        providers={"up": provider_at(upstream)},
        models={"up/echo": {"fallback": ["understudy-extractive"]}},
    ) as server:
        refusal = {"message": "bad temperature", "param": "temperature", "code": "invalid_value"}
        upstream.play(answer({"error": refusal}, 400))
        error = error_of(server.chat(model="up/echo"), 400)
        assert error["param"] == "temperature" and "bad temperature" in error["message"]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_without_a_stand_in_the_last_error_is_told(
    server: Served, upstream: ScriptedUpstream, is_streamed: bool, logs: LogLines
) -> None:
    limited = {"message": "slow down", "code": "rate_limit_exceeded"}
    upstream.play(answer({"error": limited}, 429, {"retry-after": "11"}))
    response = server.chat(stream=is_streamed, messages=HELLO)
    assert error_of(response, 429)["type"] == "rate_limit_error"
    assert response.headers["retry-after"] == "11"
    assert "x-should-retry" not in response.headers
    assert logs.failures() == []


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_next_model_answers_where_a_fan_out_fails(
    serve_with: ServeWith, upstream: ScriptedUpstream, is_streamed: bool
) -> None:
    with (
        ScriptedUpstream() as first,
        serve_with(
            providers={
                "first": provider_at(first, capabilities={"n": False}),
                "second": provider_at(upstream),
            },
            models={"first/echo": {"fallback": ["second/echo"]}},
            upstream_retries=0,
        ) as server,
    ):
        first.play(*[FAILURES["server error"]] * 2)
        response = server.chat(model="first/echo", stream=is_streamed, n=2)
        assert response.status_code == 200
        assert response.headers["x-understudy-model"] == "second/echo"


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_stand_in_that_cannot_do_it_does_not_hide_the_failure(
    serve_with: ServeWith, upstream: ScriptedUpstream, is_streamed: bool
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    with serve_with(
        providers={"up": provider_at(upstream)},
        models={"up/echo": {"fallback": ["understudy-extractive"]}},
        upstream_retries=0,
    ) as server:
        upstream.play(FAILURES["server error"])
        messages = [{"role": "user", "content": [{"type": "text", "text": "What?"}, picture]}]
        response = server.chat(model="up/echo", stream=is_streamed, messages=messages)
        assert "boom" in error_of(response, 502)["message"]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_text_completions_name_the_model_that_stood_in(
    serve_with: ServeWith, upstream: ScriptedUpstream, is_streamed: bool
) -> None:
    with serve_with(
        providers={"up": provider_at(upstream)},
        models={"up/echo": {"fallback": ["understudy-extractive"]}},
        upstream_retries=0,
    ) as server:
        upstream.play(FAILURES["server error"])
        body = {"model": "up/echo", "prompt": "hello", "stream": is_streamed}
        response = server.client.post("/v1/completions", json=body)
        made = events_of(response)[0] if is_streamed else response.json()
        assert response.headers["x-understudy-model"] == "understudy-extractive"
        assert made["model"] == "understudy-extractive"


@pytest.mark.parametrize("name", ["参数", "a\nb", "%41 ñ", "x" * 5000])
def test_any_field_name_can_be_named_in_a_header(server: Served, name: str) -> None:
    response = server.chat(model="understudy-extractive", **{name: 1})
    assert response.status_code == 200
    named = unquote(response.headers["x-understudy-ignored"])
    assert name.startswith(named) and len(named) == min(len(name), 1000)
