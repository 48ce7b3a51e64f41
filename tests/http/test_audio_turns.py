"""Voice turns: a provider hears and answers, the embedded engine speaks."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.http.audio import audio_of, events_of, of_type, wav
from tests.http.serving import WAIT_S, Served, error_of, provider_at, serve, settings_for
from tests.speech.recordings import decoded, tone
from tests.upstreams.chat_echo import chat_echo
from tests.upstreams.scripted import ScriptedUpstream, answer, break_off, stall, stream

RECORDING = wav(tone(0.2))
SAID = "Please say hello to everybody."
HEARD = answer({"text": f" {SAID} "})
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}


@pytest.fixture(scope="module")
def module_server(
    module_upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        upstream_retries=0,
        default_model="up/echo",
        speech={"stt_model": "up/whisper", "workers": 1},
        providers={"up": provider_at(module_upstream)},
    )
    with serve(settings) as served:
        yield served


def turn(server: Served, **fields: Any) -> httpx2.Response:
    files = {"file": ("said.wav", RECORDING, "audio/wav")}
    return server.client.post("/v1/audio/turns", data=fields, files=files)


def test_a_chat_model_answers(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(HEARD)
    events = events_of(turn(server, instructions="Be kind.", **{"speech[voice]": "nova"}))
    first, *middle, done = events
    assert first == {
        "type": "turn.transcript", "text": SAID, "model": "up/whisper", "language": None
    }  # fmt: skip
    assert {event["type"] for event in middle} == {"turn.text.delta", "turn.audio.delta"}
    text = "".join(event["delta"] for event in of_type(events, "turn.text.delta"))
    assert text == done["text"] == f"You said: {SAID}"
    assert (done["type"], done["status"], done["thread_id"]) == ("turn.done", "completed", None)
    assert (done["model"], done["speech_model"]) == ("up/echo", "understudy-espeak")
    _, length_s = decoded(audio_of(events, "turn.audio.delta"))
    assert length_s > 1
    assert abs(length_s - done["audio_seconds"]) < 0.1
    latency = done["latency_ms"]
    assert 0 <= latency["transcript"] <= latency["first_text"] <= latency["text"]
    assert latency["first_text"] <= latency["first_audio"] <= latency["done"]
    assert upstream.calls[-1].json["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": SAID},
    ]


def test_json_does_what_a_form_does(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(HEARD)
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    body = {
        "file": base64.b64encode(RECORDING).decode(),
        "messages": history,
        "transcription": {"language": "en"},
        "speech": {"response_format": "pcm", "speed": 2},
    }
    events = events_of(server.client.post("/v1/audio/turns", json=body))
    assert events[-1]["audio_format"] == "pcm"
    assert len(audio_of(events, "turn.audio.delta")) / 48_000 == pytest.approx(
        events[-1]["audio_seconds"], abs=0.01
    )
    heard, asked = upstream.calls
    assert RECORDING in heard.body
    assert b'name="language"\r\n\r\nen' in heard.body
    assert asked.json["messages"] == [*history, {"role": "user", "content": SAID}]


def test_what_holds_no_words_is_not_spoken(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(HEARD, stream([{**_chunk("**\n---\n"), "model": "echo"}, _LAST]))
    done = events_of(turn(server))[-1]
    assert done["text"] == "**\n---\n"
    assert done["audio_seconds"] == 0


def test_the_first_sentence_is_spoken_while_the_second_is_written(
    server: Served, upstream: ScriptedUpstream
) -> None:
    begun = b"data: " + json.dumps(_chunk("Good morning, Ana. And then")).encode() + b"\n\n"
    upstream.play(HEARD, stall([begun]))
    body = {"file": base64.b64encode(RECORDING).decode(), "speech": {"response_format": "pcm"}}
    with server.client.stream("POST", "/v1/audio/turns", json=body) as response:
        lines = (line for line in response.iter_lines() if "turn.audio.delta" in line)
        assert next(lines)
    assert upstream.calls[-1].disconnected.wait(WAIT_S)


def _chunk(text: str) -> dict[str, Any]:
    delta = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": [choice]}


_LAST = {
    "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "echo",
    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
}  # fmt: skip


def test_an_assistant_answers_on_its_thread(server: Served, upstream: ScriptedUpstream) -> None:
    assistant = server.client.post("/v1/assistants", json={"model": "up/echo"}).json()
    upstream.play(HEARD)
    done = events_of(turn(server, assistant_id=assistant["id"]))[-1]
    assert (done["status"], done["text"]) == ("completed", f"You said: {SAID}")
    upstream.play(HEARD)
    ids = {"assistant_id": assistant["id"], "thread_id": done["thread_id"]}
    again = events_of(turn(server, **ids))[-1]
    assert again["thread_id"] == done["thread_id"]
    assert again["run_id"] != done["run_id"]
    path = f"/v1/threads/{done['thread_id']}"
    messages = server.client.get(f"{path}/messages?order=asc").json()["data"]
    assert [(m["role"], m["content"][0]["text"]["value"]) for m in messages] == [
        ("user", SAID),
        ("assistant", f"You said: {SAID}"),
    ] * 2
    runs = server.client.get(f"{path}/runs?order=asc").json()["data"]
    assert [run["id"] for run in runs] == [done["run_id"], again["run_id"]]


def test_a_repeated_request_finds_its_run(server: Served, upstream: ScriptedUpstream) -> None:
    assistant = server.client.post("/v1/assistants", json={"model": "up/echo"}).json()
    body = {"file": base64.b64encode(RECORDING).decode(), "assistant_id": assistant["id"]}
    upstream.play(HEARD, chat_echo, HEARD)
    first, second = (
        events_of(
            server.client.post("/v1/audio/turns", json=body, headers={"idempotency-key": "k1"})
        )[-1]
        for _ in range(2)
    )
    assert first["run_id"] == second["run_id"]
    assert first["text"] == second["text"] == f"You said: {SAID}"


def test_a_turn_ends_where_functions_are_to_be_called(
    server: Served, upstream: ScriptedUpstream
) -> None:
    wanted = {"model": "up/echo", "tools": [WEATHER]}
    assistant = server.client.post("/v1/assistants", json=wanted).json()
    upstream.play(answer({"text": "How is the weather?"}))
    done = events_of(turn(server, assistant_id=assistant["id"]))[-1]
    assert (done["type"], done["status"], done["text"]) == ("turn.done", "requires_action", "")
    run = server.client.get(f"/v1/threads/{done['thread_id']}/runs/{done['run_id']}").json()
    assert run["required_action"]["submit_tool_outputs"]["tool_calls"]


def test_who_leaves_leaves_the_run_to_itself(server: Served, upstream: ScriptedUpstream) -> None:
    assistant = server.client.post("/v1/assistants", json={"model": "up/paced-20x5"}).json()
    thread = server.client.post("/v1/threads", json={}).json()
    upstream.play(HEARD)
    body = {
        "file": base64.b64encode(RECORDING).decode(),
        "assistant_id": assistant["id"],
        "thread_id": thread["id"],
    }
    with server.client.stream("POST", "/v1/audio/turns", json=body) as response:
        assert "turn.transcript" in next(response.iter_lines())
    (run,) = server.client.get(f"/v1/threads/{thread['id']}/runs").json()["data"]
    stream = f"/v1/threads/{thread['id']}/runs/{run['id']}?stream=true"
    assert "event: thread.run.completed" in server.client.get(stream).text


def test_an_answer_that_breaks_off_is_the_last_event(
    server: Served, upstream: ScriptedUpstream
) -> None:
    begun = b"data: " + json.dumps(_chunk("Good morning, Ana. And")).encode() + b"\n\n"
    upstream.play(HEARD, break_off([begun]))
    events = events_of(turn(server))
    assert events[0]["type"] == "turn.transcript"
    assert "broke off" in events[-1]["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"thread_id": "thread_x"}, "assistant_id"),
        ({"speech[speed]": "5"}, "speech.speed"),
        ({"speech[model]": "understudy-sphinx"}, "model"),
        ({"speech[voice]": "nobody"}, "voice"),
        ({"messages": "{"}, "messages"),
    ],
)
def test_bad_requests_are_refused_before_the_stream(
    server: Served, upstream: ScriptedUpstream, fields: dict[str, str], param: str
) -> None:
    error = error_of(turn(server, **fields), 400)
    assert error["param"] == param
    assert not upstream.calls


def test_an_assistant_that_is_gone_is_named(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(HEARD)
    error = error_of(turn(server, assistant_id="asst_gone"), 404)
    assert error["param"] == "assistant_id"


@pytest.mark.parametrize("file", ["", "not base64!", 7, None])
def test_json_without_a_recording_is_refused(server: Served, file: object) -> None:
    body = {} if file is None else {"file": file}
    assert error_of(server.client.post("/v1/audio/turns", json=body), 400)["param"] == "file"


def test_silence_is_no_turn(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(answer({"text": " "}))
    assert "nothing is said" in error_of(turn(server), 400)["message"]
