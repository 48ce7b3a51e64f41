"""A user's program for the audio of openai 1.14 and later: files written as they arrive, recordings
read, and answers judged by the package's own models, strictly.
"""

import base64
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import openai
from openai.types.audio import Transcription
from pydantic import BaseModel, TypeAdapter, ValidationError
from reporting import TEXTS, main

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
RECORDING = Path(os.environ.get("RECORDING", "missing.mp3"))

client = openai.OpenAI(max_retries=0, timeout=60)
speech = client.audio.speech
transcriptions = client.audio.transcriptions


def speak() -> Any:
    """Every format as a file that is written while it arrives, and each language as a whole."""
    asked: Any = {"model": "tts-1", "voice": "alloy", "input": "Good morning, how are you?"}
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in FORMATS:
            path = Path(folder) / f"speech.{name}"
            with speech.with_streaming_response.create(**asked, response_format=name) as answer:
                answer.stream_to_file(path)
            files[name] = _text(path.read_bytes())
    whole = {
        language: len(speech.create(**{**asked, "input": text, "response_format": "pcm"}).content)
        for language, text in TEXTS.items()
    }
    return {"files": files, "whole": whole}


def transcribe() -> Any:
    with RECORDING.open("rb") as file:
        heard = transcriptions.create(model="whisper-1", file=file)
    return heard.text


def transcribe_in_full() -> Any:
    """Words with their times, as raw answers, which the models of the package judge."""
    from openai.types.audio import TranscriptionVerbose

    heard = transcriptions.with_raw_response.create(
        model="whisper-1",
        file=("call", RECORDING.read_bytes()),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    body = json.loads(heard.http_response.content)
    return {"answer": body, "faults": _faults(TranscriptionVerbose, body)}


def stream_transcript() -> Any:
    from openai.types.audio import TranscriptionStreamEvent

    chunking: Any = {"type": "server_vad", "silence_duration_ms": 300}
    events = transcriptions.create(
        model="gpt-4o-mini-transcribe", file=RECORDING, stream=True, chunking_strategy=chunking
    )
    told = [event.to_dict() for event in events]
    adapter: TypeAdapter[Any] = TypeAdapter(TranscriptionStreamEvent)
    return {"events": told, "faults": [_fault(adapter, event) for event in told]}


def stream_speech() -> Any:
    with speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="coral", input="Good morning.", stream_format="sse"
    ) as answer:
        lines = [line for line in answer.iter_lines() if line]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def errors() -> Any:
    silence: Any = ("empty.mp3", b"")
    voice: Any = "nobody"
    calls = {
        "voice": lambda: speech.create(model="tts-1", voice=voice, input="Hello"),
        "file": lambda: transcriptions.create(model="whisper-1", file=silence),
        "model": lambda: client.audio.translations.create(model="whisper-1", file=RECORDING),
    }
    return {name: _error_of(call) for name, call in calls.items()}


def _error_of(call: Any) -> Any:
    try:
        call()
    except openai.APIStatusError as error:
        body: Any = error.body
        return [type(error).__name__, error.status_code, body["param"]]
    return None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _faults(model: type[BaseModel], value: Any) -> list[str]:
    assert issubclass(model, BaseModel)
    assert Transcription.model_validate(value).text == value["text"]
    try:
        model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return [f"{e['loc']}: {e['msg']}" for e in error.errors()]
    return []


def _fault(adapter: "TypeAdapter[Any]", value: Any) -> str:
    try:
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main(
        {
            "speak": speak,
            "transcribe": transcribe,
            "transcribe_in_full": transcribe_in_full,
            "stream_transcript": stream_transcript,
            "stream_speech": stream_speech,
            "errors": errors,
        }
    )
