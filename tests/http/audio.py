"""Events of the audio endpoints, and small recordings to send them."""

import base64
import json
import struct
from typing import Any

import httpx2


def events_of(response: httpx2.Response) -> list[dict[str, Any]]:
    """Return the events of a whole stream; each is one line, and nothing follows the last."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, rest = response.text.split("\n\n")
    assert rest == ""
    lines = [event for event in events if not event.startswith(":")]
    assert all(line.startswith("data: {") and "\n" not in line for line in lines)
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def of_type(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the events of one type."""
    return [event for event in events if event.get("type") == kind]


def audio_of(events: list[dict[str, Any]], kind: str) -> bytes:
    """Return the audio of all events of a type."""
    return b"".join(base64.b64decode(event["audio"]) for event in of_type(events, kind))


def wav(pcm: bytes, rate_hz: int = 24_000) -> bytes:
    """Return PCM as a wav."""
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1,
                       rate_hz, rate_hz * 2, 2, 16)  # fmt: skip
    return head + struct.pack("<4sI", b"data", len(pcm)) + pcm
