"""Transcriptions over HTTP with the embedded engine: every format, events, and bad recordings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.http.audio import events_of, wav
from tests.http.fixtures import ServeWith
from tests.http.serving import Served, error_of, serve, settings_for
from tests.speech.recordings import audio_file, silent_film, tone

LIMIT_BYTES = 400_000
LIMIT_S = 5
SENTENCE = "One two three four five six seven"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes small recordings only."""
    speech = {"file_limit_bytes": LIMIT_BYTES, "duration_limit_s": LIMIT_S, "workers": 1}
    with serve(settings_for(tmp_path_factory.mktemp("data"), speech=speech)) as served:
        yield served


@pytest.fixture(scope="module")
def spoken(server: Served) -> bytes:
    """A recording of `SENTENCE` in a clear voice."""
    body = {"input": SENTENCE, "voice": "espeak:klatt4", "response_format": "mp3"}
    response = server.client.post("/v1/audio/speech", json=body)
    assert response.status_code == 200, response.text
    return bytes(response.content)


def post(
    server: Served, file: bytes | None, task: str = "transcriptions", **fields: Any
) -> httpx2.Response:
    files = {"file": ("upload", file, "application/octet-stream")} if file is not None else None
    sent = {"model": "whisper-1", **fields}
    if files is None:
        # Without a file the client would send no multipart.
        return server.client.post(
            f"/v1/audio/{task}", files={name: (None, value) for name, value in sent.items()}
        )
    return server.client.post(f"/v1/audio/{task}", data=sent, files=files)


def test_json_names_what_had_no_effect(server: Served, spoken: bytes) -> None:
    response = post(
        server, spoken, prompt="Numbers.", temperature="0.2", timestamp_granularities="word"
    )
    assert response.status_code == 200, response.text
    answer = response.json()
    assert "three four five" in answer["text"]
    assert answer["usage"]["type"] == "duration"
    assert response.headers["x-understudy-model"] == "understudy-sphinx"
    ignored = response.headers["x-understudy-ignored"].split(", ")
    assert ignored == ["timestamp_granularities", "prompt", "temperature"]


def test_verbose_json_tells_words_and_segments(server: Served, spoken: bytes) -> None:
    granularities = {"timestamp_granularities[]": ["word", "segment"]}
    answer = post(server, spoken, response_format="verbose_json", **granularities).json()
    assert (answer["task"], answer["language"]) == ("transcribe", "english")
    assert {"three", "four", "five"} <= {word["word"] for word in answer["words"]}
    times = [(word["start"], word["end"]) for word in answer["words"]]
    assert times == sorted(times)
    assert 0 <= times[0][0] < times[-1][1] <= answer["duration"] + 0.1
    assert "".join(segment["text"] for segment in answer["segments"]).split() == (
        answer["text"].split()
    )


def test_subtitles_are_plain_text(server: Served, spoken: bytes) -> None:
    response = post(server, spoken, response_format="srt", stream="true")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text.startswith("1\n00:00:0")
    assert "three four five" in response.text
    assert response.headers["x-understudy-ignored"] == "stream"


def test_a_stream_ends_with_the_whole_text(server: Served, spoken: bytes) -> None:
    *deltas, done = events_of(post(server, spoken, stream="true", language="en"))
    assert {delta["type"] for delta in deltas} == {"transcript.text.delta"}
    assert done["type"] == "transcript.text.done"
    assert done["text"] == "".join(delta["delta"] for delta in deltas)
    assert "three four five" in done["text"]
    assert done["usage"]["total_tokens"] > 0


def recordings() -> dict[str, tuple[bytes | None, int, str]]:
    """Return recordings that cannot be taken: what they are, the status, a word of the reason."""
    return {
        "none": (None, 400, "file"),
        "empty": (b"", 400, "empty"),
        "no audio at all": (b"%PDF-1.7 " * 100, 400, "not audio"),
        "a film without sound": (silent_film(), 400, "no audio track"),
        "cut off": (audio_file("mp4", "aac", 3, 48_000, "mono")[:-8_000], 400, ""),
        "too long": (wav(tone(LIMIT_S + 1, 8_000), 8_000), 400, f"{LIMIT_S} seconds"),
        "too large": (bytes(LIMIT_BYTES + 1), 413, "speech.file_limit_bytes"),
    }


@pytest.mark.parametrize("name", recordings())
def test_recordings_that_cannot_be_taken(server: Served, name: str) -> None:
    file, status, words = recordings()[name]
    error = error_of(post(server, file), status)
    assert error["param"] == "file"
    assert words in error["message"]


@pytest.mark.parametrize(
    ("task", "fields", "param", "words"),
    [
        ("transcriptions", {"language": "es"}, "language", "understudy[whisper]"),
        ("transcriptions", {"language": "Spanish!"}, "language", "ISO 639-1"),
        ("transcriptions", {"response_format": "docx"}, "response_format", "docx"),
        ("transcriptions", {"response_format": "diarized_json"}, "response_format", "speakers"),
        ("transcriptions", {"include[]": "logprobs"}, "include", "log probabilities"),
        ("transcriptions", {"temperature": "2"}, "temperature", "0 to 1"),
        ("transcriptions", {"model": "understudy-espeak"}, "model", "for speech"),
        ("translations", {}, "model", "whisper"),
        ("translations", {"response_format": "diarized_json"}, "response_format", ""),
    ],
)
def test_what_cannot_be_honoured_is_named(
    server: Served, task: str, fields: dict[str, str], param: str, words: str
) -> None:
    error = error_of(post(server, wav(tone(0.2)), task, **fields), 400)
    assert error["param"] == param
    assert words in error["message"]


def test_two_files_are_one_too_many(server: Served) -> None:
    files = [("file", ("a.wav", wav(tone(0.1)))), ("file", ("b.wav", wav(tone(0.1))))]
    response = server.client.post("/v1/audio/transcriptions", files=files)
    assert error_of(response, 400)["param"] == "file"


def test_json_is_no_recording(server: Served) -> None:
    response = server.client.post("/v1/audio/transcriptions", json={"model": "whisper-1"})
    assert "multipart/form-data" in error_of(response, 400)["message"]


def test_a_damaged_model_is_an_error_and_no_more(serve_with: ServeWith, tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"junk" * 100)
    speech = {"stt_model": "whisper/broken", "whisper": {"broken": str(tmp_path)}}
    with serve_with(speech=speech) as served:
        for _ in range(2):
            error = error_of(post(served, wav(tone(0.2))), 502)
            assert "cannot be loaded" in error["message"]
        assert served.client.get("/ready").status_code == 200


def test_nothing_is_left_on_the_disk(server: Served, spoken: bytes) -> None:
    post(server, spoken[: len(spoken) // 4])
    post(server, b"nonsense")
    assert list((server.settings.data_dir / "blobs" / "tmp").glob("*")) == []
