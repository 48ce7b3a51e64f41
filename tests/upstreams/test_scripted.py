"""The scripted upstream is itself a server that the OpenAI SDK and plain sockets can talk to."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import openai
import pytest
from tests.upstreams.dashscope import KEYS
from tests.upstreams.schema_filler import fill
from tests.upstreams.scripted import ScriptedUpstream, answer

HELLO: Any = [{"role": "user", "content": "hello there world"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
            },
        },
    },
}


@pytest.fixture
def client(upstream: ScriptedUpstream) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=upstream.base_url, api_key="none", max_retries=0) as sdk:
        yield sdk


def test_steps_are_played_in_order_then_the_behaviour_answers(
    upstream: ScriptedUpstream, client: openai.OpenAI
) -> None:
    upstream.play(answer({"error": {"message": "busy"}}, 503))
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="echo", messages=HELLO)
    made = client.chat.completions.create(model="echo", messages=HELLO)
    assert made.choices[0].message.content == "You said: hello there world"
    assert [call.path for call in upstream.calls] == ["/chat/completions"] * 2


def test_limits_stop_words_n_and_logprobs(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(
        model="echo", messages=HELLO, max_tokens=3, n=2, logprobs=True, top_logprobs=2
    )
    assert [choice.message.content for choice in made.choices] == ["You said: hello"] * 2
    assert {choice.finish_reason for choice in made.choices} == {"length"}
    logprobs = made.choices[0].logprobs
    assert logprobs is not None and logprobs.content is not None
    assert [entry.token for entry in logprobs.content] == ["You", " said:", " hello"]
    assert len(logprobs.content[0].top_logprobs) == 2
    stopped = client.chat.completions.create(model="echo", messages=HELLO, stop=["there"])
    assert stopped.choices[0].message.content == "You said: hello "


def test_streams_end_with_usage_when_asked(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="echo", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 5
    bare = list(client.chat.completions.create(model="echo", messages=HELLO, stream=True))
    assert all(chunk.usage is None for chunk in bare)


def test_a_mentioned_tool_is_called_with_arguments_from_the_text(client: openai.OpenAI) -> None:
    text = "the weather in Rome for 3 days in fahrenheit"
    made = client.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": text}], tools=[WEATHER]
    )
    (call,) = made.choices[0].message.tool_calls or ()
    assert call.type == "function"
    expected = {"city": "Rome", "days": 3, "unit": "fahrenheit"}
    assert json.loads(call.function.arguments) == expected


def test_tools_are_left_alone_when_nothing_calls_for_them(client: openai.OpenAI) -> None:
    quiet = client.chat.completions.create(model="echo", messages=HELLO, tools=[WEATHER])
    assert quiet.choices[0].finish_reason == "stop"
    forced = client.chat.completions.create(
        model="echo", messages=HELLO, tools=[WEATHER], tool_choice="required"
    )
    assert forced.choices[0].finish_reason == "tool_calls"


SCHEMAS: list[tuple[dict[str, Any], str]] = [
    ({"type": "object", "properties": {"n": {"type": "number"}}}, "about 2.5"),
    ({"type": "array", "items": {"type": "integer"}}, "1, 2 and 3"),
    ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, "yes"),
    ({"$ref": "#/$defs/A", "$defs": {"A": {"const": 7}}}, ""),
    ({"type": ["string", "null"]}, "hi"),
    (
        {
            "type": "object",
            "properties": {"inner": {"type": "object", "required": ["a"], "properties": {"a": {}}}},
        },
        "x",
    ),
]


@pytest.mark.parametrize(("schema", "text"), SCHEMAS)
def test_filled_schemas_are_valid(schema: dict[str, Any], text: str) -> None:
    jsonschema.validate(fill(schema, text), schema)


def test_embeddings_agree_in_both_encodings(client: openai.OpenAI) -> None:
    floats = client.embeddings.create(model="echo", input=["a", "b"], encoding_format="float")
    packed = client.embeddings.create(model="echo", input=["a", "b"], encoding_format="base64")
    assert len(floats.data[0].embedding) == 8
    assert isinstance(packed.data[0].embedding, str)
    assert floats.data[0].embedding != floats.data[1].embedding


def test_dashscope_hosts_take_their_own_keys_only(
    dashscope_intl: ScriptedUpstream, dashscope_cn: ScriptedUpstream
) -> None:
    for host, region in ((dashscope_intl, "intl"), (dashscope_cn, "cn")):
        for key in KEYS.values():
            with openai.OpenAI(base_url=host.base_url, api_key=key, max_retries=0) as sdk:
                if key == KEYS[region]:
                    sdk.chat.completions.create(model="qwen-plus", messages=HELLO)
                    continue
                with pytest.raises(openai.AuthenticationError):
                    sdk.chat.completions.create(model="qwen-plus", messages=HELLO)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"extra_body": {"enable_thinking": True}}, "enable_thinking must be set to false"),
        ({"model": "qwq-plus"}, "only support stream mode"),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "developer is not one of"),
        (
            {
                "stream": True,
                "tools": [WEATHER],
                "tool_choice": "required",
                "extra_body": {"enable_thinking": True},
            },
            "tool_choice parameter does not support",
        ),
    ],
)
def test_dashscope_refuses_what_it_refuses(
    dashscope_intl: ScriptedUpstream, fields: dict[str, Any], words: str
) -> None:
    request: dict[str, Any] = {"model": "qwen-plus", "messages": HELLO, **fields}
    with openai.OpenAI(base_url=dashscope_intl.base_url, api_key=KEYS["intl"]) as sdk:
        with pytest.raises(openai.BadRequestError, match=words) as caught:
            sdk.chat.completions.create(**request)
    assert "request_id" in caught.value.response.json()


def test_it_runs_as_a_process() -> None:
    command = [sys.executable, "-m", "tests.upstreams.scripted", "--port", "0"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip()
            with urllib.request.urlopen(f"{base_url}/models", timeout=10) as response:
                assert json.load(response)["data"][0]["id"] == "echo"
        finally:
            process.terminate()
