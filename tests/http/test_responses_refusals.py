"""Requests for responses that are refused, each by the name of what is wrong, with nothing kept."""

from typing import Any

import openai
import pytest
from tests.http.asked_responses import WEATHER, made, respond, says, streamed
from tests.http.fixtures import ServeWith
from tests.http.serving import Served, error_of, provider_at
from tests.upstreams.scripted import ScriptedUpstream

STORE = {"type": "file_search", "vector_store_ids": ["vs_never"]}
CALL = {"type": "function_call", "call_id": "call_never", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_never", "output": "1"}


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"input": []}, 400, "input"),
        ({"input": ""}, 400, "input"),
        ({"previous_response_id": "resp_never"}, 404, "previous_response_id"),
        ({"conversation": "conv_never"}, 404, "conversation"),
        ({"conversation": "c", "previous_response_id": "r"}, 400, "previous_response_id"),
        ({"conversation": "c", "store": False}, 400, "store"),
        ({"background": True, "store": False}, 400, "background"),
        ({"input": [OUTPUT]}, 400, "input[0].call_id"),
        ({"input": [CALL, OUTPUT, OUTPUT]}, 400, "input[2].call_id"),
        ({"input": [{"type": "item_reference", "id": "msg_never"}]}, 404, "input[0].id"),
        ({"input": [{"type": "dance"}]}, 400, "input[0].type"),
        ({"tools": [STORE]}, 404, "tools[0].vector_store_ids[0]"),
        ({"tools": [WEATHER, {"type": "web_search"}]}, 400, "tools[1].type"),
        ({"tool_choice": "required"}, 400, "tool_choice"),
        ({"include": ["everything"]}, 400, "include[0]"),
        ({"metadata": {"a": 1}}, 400, "metadata"),
        ({"prompt": {"id": "pmpt_1"}}, 400, "prompt"),
        ({"messages": []}, 400, "messages"),
        ({"max_output_tokens": 1}, 400, "max_output_tokens"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_wrong_is_named(
    server: Served,
    upstream: ScriptedUpstream,
    body: dict[str, Any],
    status: int,
    param: str,
    stream: bool,
) -> None:
    error = error_of(respond(server, **body, stream=stream), status)
    assert error["param"] == param
    assert upstream.calls == []


@pytest.mark.parametrize("path", ["", "/input_tokens", "/compact"])
def test_a_body_that_is_no_object_is_refused(server: Served, path: str) -> None:
    error = error_of(server.client.post(f"/v1/responses{path}", json=[1]), 400)
    assert "must be a JSON object" in error["message"]


def test_filters_are_judged_before_anything_is_done(
    server: Served, client: openai.OpenAI, upstream: ScriptedUpstream
) -> None:
    store = client.vector_stores.create(name="s")
    tool = {"type": "file_search", "vector_store_ids": [store.id], "filters": {"type": "about"}}
    error = error_of(respond(server, tools=[tool]), 400)
    assert str(error["param"]).startswith("tools[0].filters")
    assert upstream.calls == []


@pytest.mark.parametrize("how", [{}, {"stream": True}, {"background": True}])
def test_what_the_model_cannot_do_is_refused_before_a_stream_begins(
    serve_with: ServeWith, upstream: ScriptedUpstream, how: dict[str, bool]
) -> None:
    unable = {"tools": False, "logprobs": False, "vision": False}
    provider = provider_at(upstream, capabilities=unable)
    seen = [{"type": "input_image", "image_url": "https://example.com/a.png"}]
    with serve_with(default_model="up/echo", providers={"up": provider}) as server:
        for body, param in (({"tools": [WEATHER]}, "tools"), ({"top_logprobs": 2}, "top_logprobs")):
            error = error_of(respond(server, **body, **how), 400)
            assert (error["param"], error["code"]) == (param, "unsupported_parameter")
        assert upstream.calls == []
        blind = made(server, input=[{"role": "user", "content": seen}])
        assert blind["status"] == "completed"
    (message,) = upstream.calls[-1].json["messages"]
    assert message["content"] == "[image: https://example.com/a.png]"


def test_an_unknown_model_is_a_404_where_the_settings_say_so(serve_with: ServeWith) -> None:
    with serve_with(unknown_model="error") as server:
        assert error_of(respond(server, model="never"), 404)["code"] == "model_not_found"


def test_what_goes_to_the_provider_and_what_has_no_effect(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(says("Well."))
    made(server, enable_thinking=True, prompt_cache_key="k")
    sent = upstream.calls[-1].json
    assert (sent["enable_thinking"], sent["prompt_cache_key"]) == (True, "k")
    ignored = respond(server, model="understudy-extractive", prompt_cache_key="k")
    assert ignored.headers["x-understudy-ignored"] == "prompt_cache_key"
    assert ignored.json()["model"] == "understudy-extractive"


def test_an_instance_answers_and_remembers(server: Served) -> None:
    made_character = server.client.post(
        "/v1/characters", json={"name": "Ada", "model": "understudy-extractive"}
    ).json()
    path = f"/v1/characters/{made_character['id']}/instances"
    instance = server.client.post(path, json={"name": "ada"}).json()
    response = made(server, model="instance:ada", input="Remember that I like green tea.")
    assert response["status"] == "completed" and response["output"]
    streamed(server, model="instance:ada", input="Hello!")
    error_of(respond(server, model="instance:nobody"), 404)
    assert server.client.get(f"/v1/instances/{instance['id']}/memory").status_code == 200
