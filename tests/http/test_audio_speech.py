"""Speech over HTTP with the embedded engine: formats, events, what is refused, who leaves early."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.http.audio import audio_of, events_of, of_type
from tests.http.fixtures import ServeWith
from tests.http.serving import Served, error_of, serve, settings_for
from tests.speech.recordings import decoded, pitch_of

HELLO = "Good morning. This is a short speech."
SPANISH = "Buenos días. Esto es un discurso breve."
CHINESE = "早上好。这是一段很短的讲话。"
RATE_HZ = 24_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with one worker, so that who does not give it back is found out."""
    settings = settings_for(
        tmp_path_factory.mktemp("data"), unknown_model="error", speech={"workers": 1}
    )
    with serve(settings) as served:
        yield served


def speak(server: Served, **fields: Any) -> Any:
    body = {"model": "tts-1", "input": HELLO, "voice": "alloy", **fields}
    return server.client.post("/v1/audio/speech", json=body)


def seconds(pcm: bytes) -> float:
    """Return how long it sounds; eSpeak NG never says the same to the sample."""
    return len(pcm) / 2 / RATE_HZ


@pytest.fixture(scope="module")
def pcm(server: Served) -> bytes:
    """The speech without a container."""
    response = speak(server, response_format="pcm")
    assert response.headers["content-type"] == "audio/pcm"
    assert len(response.content) > RATE_HZ
    return bytes(response.content)


@pytest.mark.parametrize(
    ("audio_format", "content_type"),
    [
        (None, "audio/mpeg"),
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
    ],
)
def test_every_format_plays(
    server: Served, pcm: bytes, audio_format: str | None, content_type: str
) -> None:
    response = speak(server, response_format=audio_format)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == content_type
    assert response.headers["x-understudy-model"] == "understudy-espeak"
    assert "x-understudy-ignored" not in response.headers
    _, length_s = decoded(response.content)
    assert abs(length_s - seconds(pcm)) < 0.1


def test_three_languages_are_spoken(server: Served, pcm: bytes) -> None:
    spoken = {
        speak(server, input=text, response_format="pcm").content for text in (SPANISH, CHINESE)
    }
    assert len(spoken | {pcm}) == 3
    assert all(len(each) > RATE_HZ for each in spoken)


def test_a_voice_may_be_named_by_an_object(server: Served, pcm: bytes) -> None:
    same = speak(server, voice={"id": "alloy"}, response_format="pcm").content
    other = speak(server, voice={"id": "onyx"}, response_format="pcm").content
    assert abs(seconds(same) - seconds(pcm)) < 0.05
    assert pitch_of(same, RATE_HZ) > 1.2 * pitch_of(other, RATE_HZ)


def test_events_carry_the_same_file(server: Served, pcm: bytes) -> None:
    events = events_of(speak(server, stream_format="sse"))
    _, length_s = decoded(audio_of(events, "speech.audio.delta"))
    assert abs(length_s - seconds(pcm)) < 0.1
    (done,) = of_type(events, "speech.audio.done")
    assert events[-1] == done
    usage = done["usage"]
    assert 0 < usage["input_tokens"] < usage["output_tokens"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_instructions_without_effect_are_named(server: Served) -> None:
    response = speak(server, instructions="Whisper it.")
    assert response.status_code == 200
    assert response.headers["x-understudy-ignored"] == "instructions"


@pytest.mark.parametrize("input_", ["x" * 4096, "..."])
def test_input_that_is_just_allowed(server: Served, input_: str) -> None:
    response = speak(server, input=input_, speed=4, response_format="wav")
    assert response.status_code == 200, response.text
    assert response.content[:4] == b"RIFF"


@pytest.mark.parametrize(
    ("fields", "status", "param", "words"),
    [
        ({"voice": "nobody"}, 400, "voice", "alloy"),
        ({"voice": ""}, 400, "voice", "alloy"),
        ({"voice": None}, 400, "voice", ""),
        ({"response_format": "midi"}, 400, "response_format", "midi"),
        ({"model": "no-such-model"}, 404, "model", "no-such-model"),
        ({"model": "understudy-extractive"}, 400, "model", "for chat"),
        ({"model": "understudy-sphinx"}, 400, "model", "for transcription"),
        ({"input": "x" * 4097}, 400, "input", "4096"),
        ({"input": "   "}, 400, "input", "nothing"),
        ({"input": None}, 400, "input", ""),
        ({"speed": 5}, 400, "speed", "4"),
        ({"speed": 0.2}, 400, "speed", "0.25"),
        ({"stream_format": "websocket"}, 400, "stream_format", ""),
        ({"voice": "nobody", "stream_format": "sse"}, 400, "voice", "alloy"),
    ],
)
def test_bad_input_is_an_error_before_the_first_byte(
    server: Served, fields: dict[str, Any], status: int, param: str, words: str
) -> None:
    error = error_of(speak(server, **fields), status)
    assert error["param"] == param
    assert words in error["message"]


def test_who_leaves_early_frees_the_worker(server: Served, pcm: bytes) -> None:
    body = {"model": "tts-1", "input": f"{HELLO} " * 100, "voice": "alloy"}
    for _ in range(3):
        request = {**body, "response_format": "pcm", "speed": 0.25}
        with server.client.stream("POST", "/v1/audio/speech", json=request) as response:
            assert response.status_code == 200
            assert next(response.iter_raw())
    assert abs(seconds(speak(server, response_format="pcm").content) - seconds(pcm)) < 0.05


def test_the_models_are_listed(server: Served) -> None:
    listed = {model["id"] for model in server.client.get("/v1/models").json()["data"]}
    assert {"understudy-espeak", "understudy-sphinx"} <= listed
    one = server.client.get("/v1/models/understudy-espeak").json()
    assert (one["id"], one["object"], one["owned_by"]) == (
        "understudy-espeak", "model", "understudy"
    )  # fmt: skip


def test_a_speech_engine_of_the_settings(serve_with: ServeWith) -> None:
    with serve_with(speech={"tts_model": "kokoro/gone"}) as served:
        error = error_of(speak(served), 404)
        assert "speech.tts_model" in error["message"]
        assert speak(served, model="understudy-espeak").status_code == 200
