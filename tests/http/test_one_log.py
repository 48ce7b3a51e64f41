"""Threads and conversations are one log: runs and responses read it, add to it, and take turns."""

from typing import Any

import openai
import pytest
from openai.types.beta import Assistant
from openai.types.beta.threads import Run
from openai.types.responses import Response
from tests.http.chunks import HEAD, chunk
from tests.http.serving import Served, error_of
from tests.upstreams.http_server import Behaviour, Call, Reply
from tests.upstreams.scripted import ScriptedUpstream, answer, stall, stream

# OpenAI switched Assistants off, and its client says so.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")

WEATHER: Any = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}


def says(text: str) -> Behaviour:
    return replies({"content": text}, {"content": text}, "stop")


def calls(id_: str) -> Behaviour:
    function = {"name": "get_weather", "arguments": '{"city": "Vigo"}'}
    call = {"id": id_, "type": "function", "function": function}
    return replies({"tool_calls": [{"index": 0, **call}]}, {"tool_calls": [call]}, "tool_calls")


def replies(delta: dict[str, Any], message: dict[str, Any], finish: str) -> Behaviour:
    """Answer with a stream where one is asked for, else as a whole."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    whole = answer({**HEAD, "object": "chat.completion", "choices": [choice]})
    streamed = stream([chunk(delta), chunk({}, finish)])

    async def step(call: Call, reply: Reply) -> None:
        await (streamed if call.json.get("stream") else whole)(call, reply)

    return step


@pytest.fixture
def assistant(client: openai.OpenAI) -> Assistant:
    tool: Any = {"type": "function", "function": WEATHER}
    return client.beta.assistants.create(model="up/echo", instructions="Be kind.", tools=[tool])


def run(client: openai.OpenAI, assistant: Assistant, thread_id: str, *questions: str) -> Run:
    """Run a thread to its end, or to where it waits for outputs."""
    messages: Any = [{"role": "user", "content": question} for question in questions]
    return client.beta.threads.runs.create_and_poll(
        thread_id=thread_id,
        assistant_id=assistant.id,
        additional_messages=messages,
        poll_interval_ms=20,
    )


def respond(client: openai.OpenAI, conversation: str, input_: Any, **options: Any) -> Response:
    answer: Response = client.responses.create(
        model="up/echo",
        conversation=conversation,
        input=input_,
        tools=[{"type": "function", **WEATHER}],
        **options,
    )
    return answer


def said_to_model(upstream: ScriptedUpstream) -> list[tuple[str, Any]]:
    """Return role and content of what the model was shown last, a call by its id."""
    return [
        (m["role"], m["tool_calls"][0]["id"] if m.get("tool_calls") else m["content"])
        for m in upstream.calls[-1].json["messages"]
    ]


def messages_of(client: openai.OpenAI, thread_id: str) -> list[tuple[str, str]]:
    page = client.beta.threads.messages.list(thread_id, order="asc")
    return [(m.role, m.content[0].text.value) for m in page]  # type: ignore[union-attr]


def test_a_talk_goes_from_run_to_response_to_run(
    client: openai.OpenAI, upstream: ScriptedUpstream, assistant: Assistant
) -> None:
    thread = client.beta.threads.create()
    upstream.play(says("one"), says("two"), says("three"))
    run(client, assistant, thread.id, "first?")
    response = respond(client, thread.id, "second?", instructions="Be short.")
    assert response.output_text == "two"
    assert response.conversation is not None and response.conversation.id == thread.id
    assert said_to_model(upstream) == [
        ("system", "Be short."),
        ("user", "first?"),
        ("assistant", "one"),
        ("user", "second?"),
    ]
    run(client, assistant, thread.id, "third?")
    told = [
        ("user", "first?"),
        ("assistant", "one"),
        ("user", "second?"),
        ("assistant", "two"),
        ("user", "third?"),
    ]
    assert said_to_model(upstream) == [("system", "Be kind."), *told]
    assert messages_of(client, thread.id) == [*told, ("assistant", "three")]
    items = list(client.conversations.items.list(thread.id, order="asc"))
    assert [item.type for item in items] == ["message"] * 6
    assert items[3].id == response.output[0].id


def test_a_run_is_shown_the_calls_of_responses(
    client: openai.OpenAI, upstream: ScriptedUpstream, assistant: Assistant
) -> None:
    conversation = client.conversations.create(
        items=[{"role": "developer", "content": "Use Celsius."}]
    )
    upstream.play(calls("call_7"), says("Sunny."), says("As I said."))
    response = respond(client, conversation.id, "Weather?")
    assert [item.type for item in response.output] == ["function_call"]
    output = {"type": "function_call_output", "call_id": "call_7", "output": "sun"}
    respond(client, conversation.id, [output])
    run(client, assistant, conversation.id, "And again?")
    assert said_to_model(upstream) == [
        ("system", "Be kind."),
        ("developer", "Use Celsius."),
        ("user", "Weather?"),
        ("assistant", "call_7"),
        ("tool", "sun"),
        ("assistant", "Sunny."),
        ("user", "And again?"),
    ]
    assert [role for role, _ in messages_of(client, conversation.id)] == [
        "user",
        "assistant",
        "user",
        "assistant",
    ]


def test_a_response_is_shown_the_calls_of_runs(
    client: openai.OpenAI, upstream: ScriptedUpstream, assistant: Assistant
) -> None:
    thread = client.beta.threads.create()
    upstream.play(calls("call_8"), says("Rain."), says("Yes."))
    waiting = run(client, assistant, thread.id, "Weather?")
    client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=waiting.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": "call_8", "output": "rain"}],
        poll_interval_ms=20,
    )
    respond(client, thread.id, "Sure?")
    assert said_to_model(upstream) == [
        ("user", "Weather?"),
        ("assistant", "call_8"),
        ("tool", "rain"),
        ("assistant", "Rain."),
        ("user", "Sure?"),
    ]


def test_a_conversation_answers_what_a_run_left_open(
    client: openai.OpenAI, upstream: ScriptedUpstream, assistant: Assistant
) -> None:
    thread = client.beta.threads.create()
    upstream.play(calls("call_9"), says("Fog."), says("Still."))
    waiting = run(client, assistant, thread.id, "Weather?")
    client.beta.threads.runs.cancel(waiting.id, thread_id=thread.id)
    output = {"type": "function_call_output", "call_id": "call_9", "output": "fog"}
    respond(client, thread.id, [output])
    assert ("tool", "fog") in said_to_model(upstream)
    run(client, assistant, thread.id, "Now?")
    assert ("tool", "fog") in said_to_model(upstream)


def test_a_waiting_run_keeps_responses_and_items_out(
    server: Served, client: openai.OpenAI, upstream: ScriptedUpstream, assistant: Assistant
) -> None:
    conversation = client.conversations.create()
    upstream.play(calls("call_1"))
    waiting = run(client, assistant, conversation.id, "Weather?")
    assert waiting.status == "requires_action"
    for options in ({}, {"background": True}, {"stream": True}):
        body = {"conversation": conversation.id, "input": "Hello", **options}
        error = error_of(server.client.post("/v1/responses", json=body), 400)
        assert error["message"] == (
            f"Thread {conversation.id} already has an active run {waiting.id}."
        )
    assert len(upstream.calls) == 1
    client.beta.threads.runs.cancel(waiting.id, thread_id=conversation.id)
    assert respond(client, conversation.id, "Hello").status == "completed"


def test_an_active_response_keeps_runs_and_messages_out(
    server: Served, client: openai.OpenAI, upstream: ScriptedUpstream, assistant: Assistant
) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "hello"}])
    upstream.play(stall())
    active = respond(client, thread.id, "Hello", background=True)
    upstream.wait_for_calls(1)
    path = f"/v1/threads/{thread.id}"
    message = {"role": "user", "content": "more"}
    for added in (
        server.client.post(f"{path}/messages", json=message),
        server.client.post(f"/v1/conversations/{thread.id}/items", json={"items": [message]}),
    ):
        assert error_of(added, 400)["message"] == (
            f"Can't add messages to {thread.id} while a run {active.id} is active."
        )
    second = server.client.post(f"{path}/runs", json={"assistant_id": assistant.id})
    assert error_of(second, 400)["message"] == (
        f"Thread {thread.id} already has an active run {active.id}."
    )
    assert client.beta.threads.runs.list(thread.id).data == []
    client.conversations.delete(thread.id)
    assert error_of(server.client.get(f"/v1/responses/{active.id}"), 404)


def test_citations_of_a_response_are_those_of_its_message(
    server: Served, client: openai.OpenAI, assistant: Assistant
) -> None:
    text = b"Parking costs 12 EUR a night."
    file = client.files.create(file=("prices.txt", text), purpose="assistants")
    store = client.vector_stores.create(file_ids=[file.id])
    conversation = client.conversations.create()
    response = client.responses.create(
        model="understudy-extractive",
        conversation=conversation.id,
        input="What does parking cost?",
        tools=[{"type": "file_search", "vector_store_ids": [store.id]}],
    )
    (told,) = response.output[-1].content[0].annotations  # type: ignore[union-attr]
    message = client.beta.threads.messages.list(conversation.id).data[0]
    assert message.id == response.output[-1].id
    assert (message.status, message.completed_at is None) == ("completed", False)
    shown: Any = message.content[0]
    (cited,) = shown.text.annotations
    assert cited.text == shown.text.value[cited.start_index : cited.end_index] != ""
    assert (cited.file_citation.file_id, cited.start_index) == (file.id, told.index)
    (item,) = client.conversations.items.list(conversation.id, limit=1, order="desc").data
    assert item.content[0].annotations[0].filename == "prices.txt"  # type: ignore[union-attr]
