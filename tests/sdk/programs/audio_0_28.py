"""A user's program for the audio of openai 0.28, which transcribes and knows no speech."""

import os
from pathlib import Path
from typing import Any

import openai
from openai.error import InvalidRequestError
from reporting import main

RECORDING = Path(os.environ["RECORDING"])


def transcribe() -> Any:
    with RECORDING.open("rb") as file:
        heard = openai.Audio.transcribe(
            "whisper-1", file, timestamp_granularities=["word"], language="en"
        )
    return heard["text"]


def subtitles() -> Any:
    with RECORDING.open("rb") as file:
        return openai.Audio.transcribe("whisper-1", file, response_format="srt")


def errors() -> Any:
    with RECORDING.open("rb") as file:
        try:
            openai.Audio.translate("whisper-1", file)
        except InvalidRequestError as error:
            return {"model": ["InvalidRequestError", error.http_status, error.param]}
    return {}


if __name__ == "__main__":
    main({"transcribe": transcribe, "subtitles": subtitles, "errors": errors})
