"""Every client generation speaks and transcribes, unmodified, against the embedded engines."""

import base64
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.clients import Client, Report, node_client, python_client
from tests.sdk.servers import RunningServer
from tests.sdk.validation import errors_of_object
from tests.speech.recordings import decoded

OLD = "openai-0.28.1"
NODE = "openai-node-6.49.0"
NEW = ("openai-2.54.0", "openai-3.52.0")
SPEAKING = ("openai-1.14.3", "openai-1.35.3", *NEW, NODE)
SECTIONS = {
    OLD: ("transcribe", "subtitles", "errors"),
    "openai-1.14.3": ("speak", "transcribe", "errors"),
    "openai-1.35.3": ("speak", "transcribe", "errors"),
    NEW[0]: ("speak", "stream_speech", "stream_transcript", "transcribe_in_full", "errors"),
    NEW[1]: ("speak", "stream_speech", "stream_transcript", "transcribe_in_full", "errors"),
    NODE: ("speak", "transcribe", "stream_transcript", "errors"),
}
WORDS = "two three four"
RATE_HZ = 24_000


def _grouped(names: tuple[str, ...]) -> list[Any]:
    """One process tests a client, so that each environment is built beside the others."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]


@pytest.fixture(scope="session")
def recording(embedded: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording in a voice that the embedded transcriber understands."""
    asked = {"input": "One two three four five", "voice": "espeak:klatt4"}
    head = {"content-type": "application/json", "authorization": f"Bearer {embedded.key}"}
    url = f"{embedded.base_url}/audio/speech"
    request = urllib.request.Request(url, json.dumps(asked).encode(), head)
    path = tmp_path_factory.mktemp("recording") / "call.mp3"
    with urllib.request.urlopen(request, timeout=60) as answer:
        path.write_bytes(answer.read())
    return path


def _client(name: str, folder: Path) -> Client:
    if name == NODE:
        return node_client(folder, "audio.mjs")
    if name == OLD:
        return python_client(name, "audio_0_28.py", "OPENAI_API_BASE")
    return python_client(name, "audio.py")


@pytest.fixture(scope="module", params=_grouped(tuple(SECTIONS)))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def report(
    name: str,
    embedded: RunningServer,
    recording: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    client = _client(name, tmp_path_factory.mktemp("client"))
    return client.report(embedded, *SECTIONS[name], RECORDING=str(recording))


@pytest.mark.parametrize("name", _grouped(SPEAKING), indirect=True)
def test_every_format_is_a_playable_file(report: Report, name: str) -> None:
    spoken = report["speak"]
    files = {key: base64.b64decode(text) for key, text in spoken["files"].items()}
    length_s = len(files.pop("pcm")) / 2 / RATE_HZ
    assert length_s > 1
    assert sorted(files) == ["aac", "flac", "mp3", "opus", "wav"]
    assert all(abs(decoded(file)[1] - length_s) < 0.1 for file in files.values())
    if name != NODE:
        assert all(size > RATE_HZ for size in spoken["whole"].values())


@pytest.mark.parametrize(
    "name", _grouped((OLD, "openai-1.14.3", "openai-1.35.3", NODE)), indirect=True
)
def test_a_recording_is_transcribed(report: Report, name: str) -> None:
    assert WORDS in report["transcribe"]
    if name == OLD:
        assert report["subtitles"].startswith("1\n00:00:0")


@pytest.mark.parametrize("name", _grouped(NEW), indirect=True)
def test_words_and_segments_are_valid(report: Report, name: str) -> None:
    seen = report["transcribe_in_full"]
    assert seen["faults"] == []
    # By its own schema: the answer's is `oneOf`, and every shape with a text fits the first.
    assert errors_of_object("CreateTranscriptionResponseVerboseJson", seen["answer"]) == []
    assert WORDS in seen["answer"]["text"]
    assert {"two", "three", "four"} <= {word["word"] for word in seen["answer"]["words"]}


@pytest.mark.parametrize("name", _grouped((*NEW, NODE)), indirect=True)
def test_a_streamed_transcript_is_valid(report: Report, name: str) -> None:
    seen = report["stream_transcript"]
    *deltas, done = seen["events"]
    assert "".join(delta["delta"] for delta in deltas) == done["text"]
    assert WORDS in done["text"]
    assert [fault for fault in seen.get("faults", []) if fault] == []
    schema = "CreateTranscriptionResponseStreamEvent"
    assert [errors_of_object(schema, event) for event in seen["events"]] == [[]] * len(
        seen["events"]
    )


@pytest.mark.parametrize("name", _grouped(NEW), indirect=True)
def test_streamed_speech_is_valid(report: Report, name: str) -> None:
    *deltas, done = report["stream_speech"]
    audio = b"".join(base64.b64decode(delta["audio"]) for delta in deltas)
    assert decoded(audio)[1] > 0.5
    assert done["type"] == "speech.audio.done"
    schema = "CreateSpeechResponseStreamEvent"
    assert [errors_of_object(schema, event) for event in (*deltas, done)] == [[]] * (
        len(deltas) + 1
    )


def test_errors_have_their_class_and_name_the_field(report: Report, name: str) -> None:
    kind = "InvalidRequestError" if name == OLD else "BadRequestError"
    fields = ("model",) if name == OLD else ("voice", "file", "model")
    assert report["errors"] == {field: [kind, 400, field] for field in fields}
