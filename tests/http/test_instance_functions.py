"""Instances with a model that calls functions behind them: their memory, the client's own tools."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.characters.made_cards import V2
from tests.http.instances import make_character, make_instance, memory
from tests.http.serving import WAIT_S, Served, error_of, provider_at, serve, settings_for
from tests.upstreams.chat_echo import Draft, completion, stream_chunks
from tests.upstreams.http_server import Call, Reply
from tests.upstreams.scripted import Behaviour, ScriptedUpstream, answer, break_off

from understudy.settings import ModelSettings

PAY = {
    "type": "function",
    "function": {"name": "pay", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture(scope="module")
def playing() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def served(playing: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server behind whose personas is a provider, one model of which can call nothing."""
    plain = provider_at(playing, capabilities={"tools": False}, enabled=False)
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        default_model="up/echo",
        upstream_retries=0,
        providers={"up": provider_at(playing), "plain": plain},
    )
    with serve(settings) as one:
        yield one


@pytest.fixture
def upstream(playing: ScriptedUpstream) -> ScriptedUpstream:
    playing.calls.clear()
    return playing


def says(text: str = "", *calls: tuple[str, dict[str, Any]], finish: str = "") -> Behaviour:
    """Answer with a text and calls."""
    made = [
        {"id": f"call_{n}", "type": "function",
         "function": {"name": name, "arguments": json.dumps(arguments)}}
        for n, (name, arguments) in enumerate(calls)
    ]  # fmt: skip
    draft = Draft(text, calls=made, finish=finish or ("tool_calls" if made else "stop"))

    async def step(call: Call, reply: Reply) -> None:
        assert call.json["stream"] is True
        await reply.events(stream_chunks(call.json, [draft]))

    return step


def remember(text: str, block: str = "human") -> tuple[str, dict[str, Any]]:
    return "remember", {"block": block, "text": text}


def ask(served: Served, name: str, said: str = "Hi, I'm Ana.", **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": said}]
    answer = served.chat(**{"model": f"instance:{name}", "messages": messages, **fields})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def text_of(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


def tool_messages(call: Call) -> list[str]:
    return [one["content"] for one in call.json["messages"] if one["role"] == "tool"]


def test_the_model_sees_the_persona_and_its_memory_before_the_clients_messages(
    served: Served, upstream: ScriptedUpstream
) -> None:
    name = make_instance(served.client, memory="Name: Ana")
    upstream.play(says("Hello, Ana."))
    answer = ask(served, name, "Hello", temperature=0.3)
    assert text_of(answer) == "Hello, Ana."
    (call,) = upstream.calls
    system, said = call.json["messages"]
    assert (system["role"], said) == ("system", {"role": "user", "content": "Hello"})
    for part in ("Rosa sells cars.", "Name: Ana", "Hello, Ana! I am Rosa."):
        assert part in system["content"]
    assert call.json["temperature"] == 0.3
    tools = [tool["function"]["name"] for tool in call.json["tools"]]
    assert tools == ["remember", "replace", "forget"]


def test_what_the_model_remembers_is_there_before_its_answer_ends(
    served: Served, upstream: ScriptedUpstream
) -> None:
    name = make_instance(served.client)
    upstream.play(says("", remember("Name: Ana"), remember("Pays on Fridays", "notes")))
    upstream.play(says("Nice to meet you."))
    answer = ask(served, name)
    assert text_of(answer) == "Nice to meet you."
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert "tool_calls" not in answer["choices"][0]["message"]
    assert memory(served.client, name) == "Name: Ana\nPays on Fridays"
    first, second = upstream.calls
    assert [text[:5] for text in tool_messages(second)] == ["Done."] * 2
    assert answer["usage"]["prompt_tokens"] > len(first.json["messages"][0]["content"].split())
    changes = served.client.get(f"/v1/instances/{name}/memory/changes").json()["data"]
    assert {change["by"] for change in changes} == {"model"}


def test_a_stream_is_one_stream_though_the_model_is_asked_twice(
    served: Served, upstream: ScriptedUpstream
) -> None:
    name = make_instance(served.client, memory="Lives in: Madrid")
    moved = ("replace", {"old": "madrid", "new": "Lives in: Seville"})
    upstream.play(says("Oh!", moved), says("Seville is warm."))
    events = served.events(
        model=f"instance:{name}",
        messages=[{"role": "user", "content": "I moved to Seville."}],
        stream_options={"include_usage": True},
    )
    assert len({event["id"] for event in events}) == 1
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    assert [delta["role"] for delta in deltas if "role" in delta] == ["assistant"]
    assert "".join(delta.get("content", "") for delta in deltas) == "Oh!\n\nSeville is warm."
    assert not any("tool_calls" in delta for delta in deltas)
    reasons = [e["choices"][0]["finish_reason"] for e in events if e["choices"]]
    assert [reason for reason in reasons if reason] == ["stop"]
    assert events[-1]["usage"]["total_tokens"] > 0
    assert memory(served.client, name) == "Lives in: Seville"


def test_over_the_limit_the_model_is_told_so_and_shortens(
    served: Served, upstream: ScriptedUpstream
) -> None:
    block = {"label": "human", "text": "Name: Ana", "limit": 20}
    name = make_instance(served.client, memory=[block])
    upstream.play(says("", remember("She likes long walks")), says("", remember("Walks")))
    upstream.play(says("I see."))
    assert text_of(ask(served, name)) == "I see."
    refused, done = tool_messages(upstream.calls[-1])
    assert "30 characters; its limit is 20" in refused
    assert done.startswith("Done.")
    assert memory(served.client, name) == "Name: Ana\nWalks"


def test_the_clients_calls_go_to_the_client_also_beside_ours(
    served: Served, upstream: ScriptedUpstream
) -> None:
    name = make_instance(served.client)
    upstream.play(says("", remember("Name: Ana"), ("pay", {})))
    answer = ask(served, name, tools=[PAY])
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "pay"
    assert memory(served.client, name) == "Name: Ana"
    assert len(upstream.calls) == 1
    upstream.play(says("Paid."))
    result = {"role": "tool", "tool_call_id": call["id"], "content": "ok"}
    messages = [{"role": "user", "content": "Pay."}, choice["message"], result]
    assert text_of(ask(served, name, messages=messages, tools=[PAY])) == "Paid."


def test_a_tool_of_the_client_keeps_its_name(served: Served, upstream: ScriptedUpstream) -> None:
    name = make_instance(served.client)
    mine = {"type": "function", "function": {"name": "remember"}}
    upstream.play(says("", ("remember", {}), ("memory_remember", remember("Name: Ana")[1])))
    answer = ask(served, name, tools=[mine])
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "remember"
    assert memory(served.client, name) == "Name: Ana"


def test_a_model_that_only_changes_its_memory_comes_to_an_end(
    served: Served, upstream: ScriptedUpstream
) -> None:
    name = make_instance(served.client)
    upstream.play(*(says("", remember(f"Fact {number}")) for number in range(3)))
    upstream.play(says("Enough."))
    assert text_of(ask(served, name)) == "Enough."
    assert len(upstream.calls) == 4
    assert "tools" not in upstream.calls[-1].json
    assert memory(served.client, name) == "Fact 0\nFact 1\nFact 2"


def test_a_client_is_told_of_calls_only_when_it_gets_some(
    served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(*(says("", remember(f"Fact {number}")) for number in range(4)))
    choice = ask(served, make_instance(served.client))["choices"][0]
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "fields",
    [
        {"model_behind": "plain/echo"},
        {"tools": [PAY], "tool_choice": "required"},
        {"tools": [PAY], "tool_choice": {"type": "function", "function": {"name": "pay"}}},
    ],
)
def test_where_functions_cannot_be_offered_rules_remember(
    served: Served, upstream: ScriptedUpstream, fields: dict[str, Any]
) -> None:
    name = make_instance(served.client, model=fields.pop("model_behind", None))
    upstream.play(says("Hello."))
    ask(served, name, "My name is Ana.", **fields)
    (call,) = upstream.calls
    assert len(call.json.get("tools", ())) == len(fields.get("tools", ()))
    assert "Name: Ana" in call.json["messages"][0]["content"]
    assert memory(served.client, name) == "Name: Ana"


def test_a_cut_answer_makes_no_calls(served: Served, upstream: ScriptedUpstream) -> None:
    name = make_instance(served.client)
    upstream.play(says("", remember("Name: A"), finish="length"))
    answer = ask(served, name, max_tokens=3)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert memory(served.client, name) == ""


def test_a_provider_that_fails_is_an_error_and_not_an_answer(
    served: Served, upstream: ScriptedUpstream
) -> None:
    name = make_instance(served.client)
    upstream.play(says("", remember("Name: Ana")), break_off())
    messages = [{"role": "user", "content": "I'm Ana."}]
    answer = served.chat(model=f"instance:{name}", messages=messages)
    assert error_of(answer, 502)
    assert memory(served.client, name) == "Name: Ana"


def test_where_the_embedded_model_stands_in_rules_remember(
    playing: ScriptedUpstream, tmp_path: Path
) -> None:
    stands_in = {"up/echo": ModelSettings(fallback=["understudy-extractive"])}
    settings = settings_for(
        tmp_path,
        default_model="up/echo",
        upstream_retries=0,
        providers={"up": provider_at(playing)},
        models=stands_in,
    )
    busy = answer({"error": {"message": "busy"}}, 503)
    with serve(settings) as served:
        name = make_instance(served.client)
        playing.play(busy)
        assert "Ana" in text_of(ask(served, name, "My name is Ana."))
        assert memory(served.client, name) == "Name: Ana"
        playing.play(says("One moment.", remember("Likes: tea")), busy)
        said = text_of(ask(served, name, "What do I like?"))
        assert said == "One moment.\n\nYou like tea."


def test_a_character_has_no_memory_and_no_functions(
    served: Served, upstream: ScriptedUpstream
) -> None:
    character = make_character(served.client)
    upstream.play(says("Hello."))
    answer = served.chat(model=f"character:{character}")
    assert text_of(answer.json()) == "Hello."
    (call,) = upstream.calls
    assert "tools" not in call.json
    assert "Rosa sells cars." in call.json["messages"][0]["content"]


def test_an_imported_card_chats_and_is_exported_unchanged(
    served: Served, upstream: ScriptedUpstream
) -> None:
    head = {"content-type": "application/json"}
    sent = served.client.post("/v1/characters/import", content=V2.encode(), headers=head)
    character = sent.json()["id"]
    name = make_instance(served.client, character=character)
    upstream.play(says("Warm."), says("Hello."))
    assert text_of(ask(served, name, "How is the oven?")) == "Warm."
    ask(served, name, "Hello")
    about_ovens, others = (call.json["messages"][0]["content"] for call in upstream.calls)
    assert about_ovens.startswith("You are Pedro.\n\nA baker from Cádiz.")
    assert "The oven is from 1920." in about_ovens
    assert "The oven is from 1920." not in others
    assert "Cádiz is by the sea." in others
    exported = served.client.get(f"/v1/characters/{character}/export")
    assert exported.content == V2.encode()


def test_a_request_can_have_several_choices_and_a_schema(
    served: Served, upstream: ScriptedUpstream
) -> None:
    name = make_instance(served.client)
    upstream.play(says("One."), says("Two."))
    answer = ask(served, name, n=2)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    upstream.play(says('{"a": 1}'))
    assert json.loads(text_of(ask(served, name, response_format=wanted))) == {"a": 1}
    assert upstream.calls[-1].json["response_format"]["type"] == "json_schema"


def test_a_thread_that_nears_the_models_context_is_summarised_and_kept(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    small = provider_at(upstream, capabilities={"context_length": 1_200, "tools": False})
    with serve(settings_for(tmp_path, default_model="up/m", providers={"up": small})) as served:
        name = make_instance(served.client)
        chat = f"/v1/instances/{name}/chat"
        thread = served.client.get(f"/v1/instances/{name}").json()["thread_id"]
        summary = completion({"model": "m", "messages": []}, [Draft("They spoke of words.")])
        upstream.play(says("Yes."), says("Yes."), answer(summary), says("Of words."))
        for number in range(2):
            said = f"Question {number}: " + "word " * 210
            assert served.client.post(chat, json={"message": said}).status_code == 200
        assert "They spoke of words." in _summary_of(served, name)
        asked_for = upstream.calls[-1].json["messages"][-1]["content"]
        assert "Question 0" in asked_for
        assert "Question 1" not in asked_for
        assert text_of(served.client.post(chat, json={"message": "What of?"}).json()) == "Of words."
        shown = [str(one["content"]) for one in upstream.calls[-1].json["messages"]]
        assert "They spoke of words." in shown[1]
        assert ["Question 0" in text for text in shown] == [False] * len(shown)
        messages = served.client.get(f"/v1/threads/{thread}/messages").json()["data"]
        assert len(messages) == 6


def _summary_of(served: Served, name: str) -> str:
    """Return the summary in an instance's context, which is made when the answer is out."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        context = served.client.get(f"/v1/instances/{name}/context").json()
        if found := [part["text"] for part in context["parts"] if part["name"] == "summary"]:
            return str(found[0])
    raise AssertionError("the thread was not summarised")
