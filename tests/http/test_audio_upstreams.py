"""Speech and transcription at a provider: what it is sent, what comes through, what goes wrong."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.http.audio import wav
from tests.http.serving import Served, error_of, provider_at, serve, settings_for
from tests.speech.recordings import tone
from tests.upstreams.chat_echo import completion, draft
from tests.upstreams.scripted import (
    ScriptedUpstream,
    answer,
    break_off,
    raw,
    stall,
    stream_bytes,
)

MP3 = b"\xff\xfb\x90\x00 as the provider made it"
RECORDING = wav(tone(0.2))


@pytest.fixture(scope="module")
def module_server(
    module_upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        upstream_retries=0,
        speech={"tts_model": "up/kokoro", "stt_model": "up/whisper"},
        providers={
            "up": provider_at(module_upstream),
            "qwen": provider_at(module_upstream, adapter="dashscope", key="sk-1"),
        },
    )
    with serve(settings) as served:
        yield served


def speak(server: Served, **fields: Any) -> httpx2.Response:
    body = {"model": "tts-1", "input": "Hello", "voice": "af_heart", **fields}
    return server.client.post("/v1/audio/speech", json=body)


def hear(server: Served, task: str = "transcriptions", **fields: Any) -> httpx2.Response:
    files = {"file": ("call.wav", RECORDING, "audio/wav")}
    return server.client.post(f"/v1/audio/{task}", data=fields, files=files)


def test_speech_goes_through_as_it_is(server: Served, upstream: ScriptedUpstream) -> None:
    upstream.play(raw(MP3, content_type="audio/mpeg"))
    response = speak(server, lang_code="e", instructions="Be kind.")
    assert response.content == MP3
    assert response.headers["content-type"] == "audio/mpeg"
    assert response.headers["x-understudy-model"] == "up/kokoro"
    (call,) = upstream.calls
    assert call.path == "/audio/speech"
    assert call.json == {
        "model": "kokoro",
        "input": "Hello",
        "voice": "af_heart",
        "lang_code": "e",
        "instructions": "Be kind.",
    }


def test_events_of_speech_go_through_too(server: Served, upstream: ScriptedUpstream) -> None:
    event = b'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n'
    upstream.play(stream_bytes([event, event]))
    response = speak(server, model="up/other", stream_format="sse")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.content == event * 2
    assert upstream.calls[0].json["model"] == "other"


def test_the_first_bytes_come_while_the_provider_still_speaks(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(stall([MP3]))
    body = {"model": "tts-1", "input": "Hello", "voice": "x"}
    with server.client.stream("POST", "/v1/audio/speech", json=body) as response:
        assert next(response.iter_raw()) == MP3
    assert upstream.calls[0].disconnected.wait(10)


def test_speech_that_breaks_off_never_looks_complete(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(break_off([MP3]))
    with pytest.raises(httpx2.RemoteProtocolError):
        speak(server)


@pytest.mark.parametrize(
    ("status", "error", "expected", "words"),
    [
        (400, {"message": "no such voice", "param": "voice"}, 400, "no such voice"),
        (429, {"message": "slow down"}, 429, "slow down"),
        (503, {"message": "loading"}, 502, "loading"),
        (404, {"message": "Not Found"}, 400, "has no /audio/speech"),
    ],
)
def test_errors_of_the_provider(
    server: Served,
    upstream: ScriptedUpstream,
    status: int,
    error: dict[str, str],
    expected: int,
    words: str,
) -> None:
    upstream.play(answer({"error": error}, status))
    told = error_of(speak(server), expected)
    assert words in told["message"]
    assert "'up'" in told["message"]


def test_a_recording_goes_through_with_its_fields(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(answer({"text": "Hello.", "languages": [{"code": "en"}]}))
    fields = {"model": "whisper-1", "language": "en", "include[]": "logprobs", "hotwords": "Ana"}
    response = hear(server, **fields)
    assert response.json() == {"text": "Hello.", "languages": [{"code": "en"}]}
    assert response.headers["x-understudy-model"] == "up/whisper"
    (call,) = upstream.calls
    assert call.path == "/audio/transcriptions"
    boundary = call.headers["content-type"].partition("boundary=")[2].encode()
    parts = [part.strip(b"\r\n") for part in call.body.split(b"--" + boundary)][1:-1]
    sent = dict(part.split(b"\r\n\r\n", 1) for part in parts)
    values = {head.partition(b'name="')[2].partition(b'"')[0]: body for head, body in sent.items()}
    assert values == {
        b"model": b"whisper",
        b"language": b"en",
        b"hotwords": b"Ana",
        b"include[]": b"logprobs",
        b"file": RECORDING,
    }
    (head,) = (head for head in sent if b'name="file"' in head)
    assert b'filename="call.wav"' in head


def test_texts_events_and_translations_go_through(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(
        raw(b"WEBVTT\n\n", content_type="text/vtt"),
        stream_bytes([b'data: {"type":"transcript.text.done","text":"Hi"}\n\n']),
        answer({"text": "Good morning"}),
    )
    assert hear(server, response_format="vtt").text == "WEBVTT\n\n"
    assert hear(server, stream="true").headers["content-type"].startswith("text/event-stream")
    assert hear(server, "translations").json() == {"text": "Good morning"}
    assert upstream.calls[-1].path == "/audio/translations"


def test_a_provider_without_the_endpoint_is_told_by_name(
    server: Served, upstream: ScriptedUpstream
) -> None:
    told = error_of(hear(server), 400)
    assert "has no /audio/transcriptions" in told["message"]
    assert told["param"] == "model"


# --- DashScope --------------------------------------------------------------------------------


def test_dashscope_transcribes_in_a_chat(server: Served, upstream: ScriptedUpstream) -> None:
    said: Any = {"model": "qwen3-asr-flash", "messages": [{"role": "user", "content": "x"}]}
    upstream.play(answer(completion(said, [draft(said, 0)])))
    response = hear(server, model="qwen/qwen3-asr-flash", language="es", prompt="Nombres: Ana")
    answered = response.json()
    assert answered["text"] == "You said: x"
    assert answered["usage"]["type"] == "tokens"
    assert response.headers["x-understudy-model"] == "qwen/qwen3-asr-flash"
    (call,) = upstream.calls
    assert call.path == "/chat/completions"
    assert call.json["asr_options"] == {"language": "es"}
    system, user = call.json["messages"]
    assert system["content"] == [{"type": "text", "text": "Nombres: Ana"}]
    head, _, audio = user["content"][0]["input_audio"]["data"].partition(",")
    assert head == "data:audio/wav;base64"
    assert base64.b64decode(audio) == RECORDING


@pytest.mark.parametrize(
    ("task", "fields", "param"),
    [
        ("transcriptions", {"response_format": "srt"}, "response_format"),
        ("transcriptions", {"temperature": "0.5"}, "temperature"),
        ("transcriptions", {"stream": "true"}, "stream"),
        ("translations", {}, "model"),
    ],
)
def test_what_dashscope_has_no_word_for_is_refused(
    server: Served, upstream: ScriptedUpstream, task: str, fields: dict[str, str], param: str
) -> None:
    told = error_of(hear(server, task, model="qwen/qwen3-asr-flash", **fields), 400)
    assert told["param"] == param
    assert not upstream.calls


def test_dashscope_has_no_speech(server: Served, upstream: ScriptedUpstream) -> None:
    told = error_of(speak(server, model="qwen/qwen3-tts-flash"), 400)
    assert "has no speech" in told["message"]
    assert not upstream.calls
