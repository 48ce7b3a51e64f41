"""Talking to an instance on its own thread: in words, as a stream, and by voice."""

import io
import json
import wave
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from tests.http.instances import make_character, make_instance, memory
from tests.http.serving import Served, error_of, events_of, provider_at, serve, settings_for
from tests.upstreams.scripted import ScriptedUpstream, answer, hang


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as one:
        yield one


@pytest.fixture(scope="module")
def served(
    upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    providers = {"up": provider_at(upstream)}
    settings = settings_for(
        tmp_path_factory.mktemp("data"), providers=providers, upstream_retries=0
    )
    with serve(settings) as one:
        yield one


def talk(served: Served, name: str, message: str, **fields: Any) -> dict[str, Any]:
    made = served.client.post(f"/v1/instances/{name}/chat", json={"message": message, **fields})
    assert made.status_code == 200, made.text
    answered: dict[str, Any] = made.json()
    return answered


def text_of(answered: dict[str, Any]) -> str:
    return str(answered["choices"][0]["message"]["content"])


def thread_texts(served: Served, thread_id: str) -> list[str]:
    path = f"/v1/threads/{thread_id}/messages?order=asc"
    messages = served.client.get(path).json()["data"]
    return [message["content"][0]["text"]["value"] for message in messages]


def test_a_chat_keeps_the_thread_and_says_what_was_learned_from_which_message(
    served: Served,
) -> None:
    name = make_instance(served.client)
    made = talk(served, name, "My name is Ana.", metadata={"from": "web"})
    assert text_of(made) == "Nice to meet you, Ana."
    assert (made["object"], made["model"]) == ("chat.completion", f"instance:{name}")
    (change,) = made["memory_changes"]
    assert (change["added"], change["message_id"]) == (["Name: Ana"], made["message_id"])
    message = f"/v1/threads/{made['thread_id']}/messages/{made['message_id']}"
    assert served.client.get(message).json()["metadata"] == {"from": "web"}
    second = talk(served, name, "What is my name?")
    assert (text_of(second), second["memory_changes"]) == ("Your name is Ana.", [])
    assert thread_texts(served, made["thread_id"]) == [
        "My name is Ana.", "Nice to meet you, Ana.", "What is my name?", "Your name is Ana."
    ]  # fmt: skip
    run = served.client.get(f"/v1/threads/{made['thread_id']}/runs/{made['run_id']}").json()
    assert (run["status"], run["assistant_id"]) == ("completed", made["instance_id"])


def test_a_streamed_chat_is_a_stream_of_chunks(served: Served) -> None:
    name = make_instance(served.client, memory="Name: Ana")
    path = f"/v1/instances/{name}/chat"
    body = {"message": "What is my name?", "stream": True}
    chunks = events_of(served.client.post(path, json=body))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == "Your name is Ana."
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_repeated_request_is_answered_once(served: Served) -> None:
    name = make_instance(served.client)
    headers = {"idempotency-key": f"once-{name}"}
    path, body = f"/v1/instances/{name}/chat", {"message": "I like tea."}
    one, other = (served.client.post(path, json=body, headers=headers).json() for _ in range(2))
    assert (one["id"], text_of(one)) == (other["id"], text_of(other))
    assert one["message_id"] == other["message_id"]
    assert len(thread_texts(served, one["thread_id"])) == 2


def test_an_assistant_can_have_an_instance_as_its_model(served: Served) -> None:
    name = make_instance(served.client)
    with openai.OpenAI(base_url=f"{served.root}/v1", api_key="any") as client:
        with pytest.warns(DeprecationWarning):
            assistant = client.beta.assistants.create(model=f"instance:{name}")
            run = client.beta.threads.create_and_run_poll(
                assistant_id=assistant.id,
                thread={"messages": [{"role": "user", "content": "I live in Madrid."}]},
            )
    assert run.status == "completed"
    assert memory(served.client, name) == "Lives in: Madrid"
    (change,) = served.client.get(f"/v1/instances/{name}/memory/changes").json()["data"]
    assert change["message_id"].startswith("msg_")


def test_a_second_message_waits_for_the_answer_to_the_first(
    served: Served, upstream: ScriptedUpstream
) -> None:
    name = make_instance(served.client, model="up/echo")
    upstream.play(hang())
    asked = len(upstream.calls)
    path = f"/v1/instances/{name}/chat"
    with served.client.stream("POST", path, json={"message": "Hi", "stream": True}) as streamed:
        assert streamed.status_code == 200
        upstream.wait_for_calls(asked + 1)
        refused = error_of(served.client.post(path, json={"message": "Hello?"}), 400)
    assert refused["code"] == "thread_has_active_run"
    # The instance goes with its thread and the run that nobody reads any more.
    assert served.client.delete(f"/v1/instances/{name}").json()["deleted"]


@pytest.mark.parametrize(("status", "seen"), [(429, 429), (500, 502)])
def test_what_the_model_fails_with_is_the_answer(
    served: Served, upstream: ScriptedUpstream, status: int, seen: int
) -> None:
    name = make_instance(served.client, model="up/echo")
    error = {"message": "Not today.", "type": "invalid_request_error"}
    upstream.play(answer({"error": error}, status))
    path = f"/v1/instances/{name}/chat"
    failed = error_of(served.client.post(path, json={"message": "Hi"}), seen)
    assert "Not today." in failed["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "message"), ({"message": ""}, "message"), ({"message": "a", "stream": 1}, "stream")],
)
def test_bad_messages_are_refused(served: Served, body: dict[str, Any], param: str) -> None:
    name = make_instance(served.client)
    refused = error_of(served.client.post(f"/v1/instances/{name}/chat", json=body), 400)
    assert refused["param"] == param


def test_the_context_shows_every_part_and_what_it_costs(served: Served) -> None:
    name = make_instance(served.client)
    talk(served, name, "My name is Ana.")
    context = served.client.get(f"/v1/instances/{name}/context").json()
    parts = {part["name"]: part for part in context["parts"]}
    assert "Name: Ana" in parts["memory"]["text"]
    assert parts["description"]["text"].startswith("Rosa sells cars.")
    assert [message["role"] for message in context["messages"]] == ["user", "assistant"]
    counted = [*context["parts"], *context["messages"]]
    assert context["tokens"] == sum(one["tokens"] for one in counted)
    assert all(one["tokens"] > 0 for one in counted)
    assert (context["model"], context["context_length"]) == ("understudy-extractive", 131_072)
    served.client.post(f"/v1/instances/{name}", json={"model": "up/echo"})
    shown = served.client.get(f"/v1/instances/{name}/context").json()
    assert {"instructions", "functions"} <= {part["name"] for part in shown["parts"]}


def test_a_character_knows_its_documents(served: Served) -> None:
    with openai.OpenAI(base_url=f"{served.root}/v1", api_key="any") as client:
        store = client.vector_stores.create()
        content = b"The warranty of every car lasts seven years."
        client.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=("warranty.txt", content)
        )
        character = make_character(served.client, knowledge=[store.id])
        name = make_instance(served.client, character=character)
        asked = "How many years does the warranty last?"
        assert text_of(talk(served, name, asked)) == content.decode()
        client.vector_stores.delete(store.id)
        assert content.decode() not in text_of(talk(served, name, asked))


def test_an_instance_speaks_and_is_spoken_to_in_its_own_voice(served: Served) -> None:
    name = make_instance(served.client, memory="Name: Ana", voice="echo")
    path = f"/v1/instances/{name}"
    body = {"message": "What is my name?", "response_format": "wav"}
    spoken = served.client.post(f"{path}/speech", json=body)
    assert (spoken.status_code, spoken.headers["content-type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(spoken.content)) as sound:
        assert sound.getframerate() == 24_000
    assert spoken.headers["x-understudy-model"].startswith(f"instance:{name}, ")
    other = served.client.post(f"{path}/speech", json={**body, "voice": "shimmer"})
    assert other.content != spoken.content

    sent = {"file": ("question.wav", spoken.content)}
    events = events_of_turn(served.client.post(f"{path}/turns", files=sent).text)
    done = events[-1]
    assert done["type"] == "turn.done"
    thread_id = served.client.get(path).json()["thread_id"]
    assert done["thread_id"] == thread_id
    assert thread_texts(served, thread_id)[-2:] == [done["transcript"], done["text"]]
    model = f"instance:{name}"
    turned = served.client.post("/v1/audio/turns", files=sent, data={"model": model})
    assert events_of_turn(turned.text)[-1]["model"] == model
    refused = served.client.post(f"{path}/turns", files=sent, data={"model": "up/echo"})
    assert error_of(refused, 400)["param"] == "model"


def events_of_turn(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
