"""The model of the crash suite: the user's message says what it answers, never twice in one way.

A user's message is `TOKEN PLAN`. Every answer bears the number of its request, so that a text made
of two answers can be told from one that is whole.
"""

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.upstreams.http_server import Call, Reply

PLANS = ("say", "call", "twice", "search", "mood", "cut", "fail", "wait")
"""Answer; call two functions; call them in two rounds; search; answer, or call when asked again;
break off at a limit on tokens; be refused; call functions whose outputs never come."""
_ROUNDS = {"call": 1, "twice": 2, "search": 1, "wait": 1}
"""After how many answers with calls the model says what it has to say."""
FUNCTION = {
    "type": "function",
    "function": {
        "name": "note",
        "description": "Notes a word.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}},
    },
}
_WORDS = 12
_PACE_S = 0.008
_CALLS = 2
_FIRST_WORD = re.compile(r"(\S+?)/(\d+)/0")


class RunModel:
    """A behaviour of the scripted upstream."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._asked: Counter[tuple[str, int]] = Counter()

    async def __call__(self, call: Call, reply: Reply) -> None:
        """Answer a chat request."""
        request, number = call.json, next(self._numbers)
        token, plan = asked_in(request)
        rounds = rounds_in(request)
        self._asked[token, rounds] += 1
        if plan == "mood" and rounds == 0:
            plan = "say" if self._asked[token, rounds] % 2 else "call"
        if plan == "fail":
            await asyncio.sleep(_PACE_S)
            await reply.json({"error": {"message": "No.", "type": "invalid_request_error"}}, 400)
        elif rounds < _ROUNDS.get(plan, 0):
            await reply.events(_calls(request, token, plan, number), _PACE_S)
        else:
            finish = "length" if plan == "cut" else "stop"
            await reply.events(_text(token, number, finish), _PACE_S)


def asked_in(request: dict[str, Any]) -> tuple[str, str]:
    """Return token and plan of the last message of the user."""
    token, _, plan = user_texts(request)[-1].partition(" ")
    return token, plan


def user_texts(request: dict[str, Any]) -> list[str]:
    """Return what the user said, in the order in which the model sees it."""
    return [message["content"] for message in request["messages"] if message["role"] == "user"]


def rounds_in(request: dict[str, Any]) -> int:
    """Return how many answers with calls the request shows after the user's last message."""
    return sum(bool(message.get("tool_calls")) for message in _since_user(request))


def call_ids_in(request: dict[str, Any]) -> list[str]:
    """Return the ids of the calls that the request shows."""
    messages = request["messages"]
    return [call["id"] for message in messages for call in message.get("tool_calls") or ()]


def outputs_in(request: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the outputs that the request shows, each with the id of its call."""
    tools = [message for message in request["messages"] if message["role"] == "tool"]
    return [(message["tool_call_id"], message["content"]) for message in tools]


def is_whole(text: str) -> bool:
    """Tell whether a text is one answer from beginning to end."""
    return text != "" and text == _answer_of(text)


def is_beginning(text: str) -> bool:
    """Tell whether a text is how one answer begins; the empty text is."""
    return _answer_of(text).startswith(text)


def _answer_of(text: str) -> str:
    """Return the whole of the answer that begins like this, empty where none does."""
    found = _FIRST_WORD.match(text)
    return "" if found is None else " ".join(_words(found[1], int(found[2])))


def _words(token: str, number: int) -> list[str]:
    return [f"{token}/{number}/{n}" for n in range(_WORDS)]


def _since_user(request: dict[str, Any]) -> list[dict[str, Any]]:
    reversed_ = reversed(request["messages"])
    return list(itertools.takewhile(lambda message: message["role"] != "user", reversed_))


def _text(token: str, number: int, finish: str) -> Iterator[dict[str, Any]]:
    for n, word in enumerate(_words(token, number)):
        yield _chunk({"content": f" {word}" if n else word})
    yield _chunk({}, finish)
    yield {**_chunk({}), "choices": [], "usage": _USAGE}


def _calls(request: dict[str, Any], token: str, plan: str, number: int) -> Iterator[dict[str, Any]]:
    names = [tool["function"]["name"] for tool in request["tools"]]
    searches = plan == "search"
    name = next(name for name in names if name.startswith("file_search") is searches)
    arguments = json.dumps({"queries": [token]} if searches else {"word": token})
    for index in range(1 if searches else _CALLS):
        opening = {"index": index, "id": f"call_{number}_{index}", "type": "function"}
        yield _chunk({"tool_calls": [{**opening, "function": {"name": name, "arguments": ""}}]})
        for piece in re.findall(r".{1,5}", arguments):
            yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield _chunk({}, "tool_calls")
    yield {**_chunk({}), "choices": [], "usage": _USAGE}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    head = {"id": "chatcmpl-crash", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


_USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
