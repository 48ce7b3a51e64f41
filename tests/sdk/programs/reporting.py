"""Runs the named sections of a client program and prints one JSON report of what each saw."""

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

TEXTS = {
    "es": "Hola, ¿quién eres?",
    "en": "Hello, who are you?",
    "zh": "你好，你是谁？",  # noqa: RUF001 - Chinese punctuation
}
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Name of the city"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
QUESTION = "What is the weather in Madrid?"
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ABOUT_A_PERSON = "The name is 'Ana' and the age is 41. Answer in JSON."
CAT = "The cat sleeps on the warm roof."
DOG = "The dog guards the old harbour at night."
PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def user(text: str) -> list[dict[str, Any]]:
    """Return a conversation of one user message."""
    return [{"role": "user", "content": text}]


def weather_in(city: str) -> dict[str, Any]:
    """Be the tool that the model calls."""
    return {"city": city, "temperature_c": 21, "sky": "clear"}


def as_described(route: str, answer: Any) -> Any:
    """Return an answer without what its descriptions get wrong; `route` is METHOD and path.

    They say that every message is the assistant's, and call the file of an upload nullable in a
    way that validators do not read.
    """
    if route.startswith("GET /chat/completions/") and route.endswith("/messages"):
        return {**answer, "data": [{**each, "role": "assistant"} for each in answer["data"]]}
    if route.startswith("POST /uploads") and answer.get("file", "absent") is None:
        return {name: value for name, value in answer.items() if name != "file"}
    return answer


def main(sections: dict[str, Callable[[], Any]]) -> None:
    """Run the sections named on the command line; one that raises reports its traceback."""
    report = {}
    for name in sys.argv[1:]:
        try:
            report[name] = sections[name]()
        except Exception:  # Whatever a section raises is its report.
            report[name] = {"raised": traceback.format_exc()}
    print(json.dumps(report))
