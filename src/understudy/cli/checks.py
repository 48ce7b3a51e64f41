"""The questions of `understudy check`, in the order in which they are asked.

Each is what a client does and what the API promises in return; none depends on a certain server.
"""

import json
from collections.abc import Mapping
from typing import Any

from understudy.cli.client import Answer
from understudy.cli.exchanges import Check, CheckFailed, CheckSkipped, Subject, expect

_EMBEDDING_WORDS = ("embed", "lexical", "bge-", "e5-", "gte-")
_OTHER_KINDS = (*_EMBEDDING_WORDS, "moderation", "tts", "whisper", "transcribe", "image", "dall-e")
_WEATHER_PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of the city"}},
    "required": ["city"],
}
_WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the current weather of a city.",
        "parameters": _WEATHER_PARAMETERS,
    },
}
_FORCED_CHOICE = {"type": "function", "function": {"name": "get_weather"}}
_PERSON_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def check_health(subject: Subject) -> None:
    """Ask whether the process answers; the route is common but no part of the API."""
    answer = subject.get(f"{subject.client.root_url}/health")
    if answer.status in (401, 403, 404, 405):
        raise CheckSkipped("the server has no /health, which is no part of the OpenAI API")
    expect(answer.status == 200, f"/health answered {answer.status}")


def check_models(subject: Subject) -> None:
    """List the models, and choose those of the following checks where none was named."""
    body = subject.object_of(subject.get("/models"))
    expect(body.get("object") == "list", "'object' is not 'list'")
    names = [str(entry.get("id") or "") for entry in _entries(body)]
    expect(all(names), "an entry has no 'id'")
    subject.model = subject.model or _first_chat_model(names)
    subject.embedding_model = next((n for n in names if _is_one_of(n, _EMBEDDING_WORDS)), None)


def check_chat(subject: Subject) -> None:
    """Ask something and read the answer, its finish reason and its usage."""
    answer = subject.try_chat("Hello! Who are you?")
    choice = subject.choice(answer)
    expect(bool(choice["message"].get("content")), "the message has no content")
    expect(choice["message"].get("role") == "assistant", "the message's role is not 'assistant'")
    expect(choice.get("finish_reason") in ("stop", "length"), "'finish_reason' is not 'stop'")
    _expect_usage(answer.json.get("usage"))


def check_stream(subject: Subject) -> None:
    """Stream an answer with usage: deltas, a finish reason, usage on the last chunk, `[DONE]`."""
    events = _stream(subject, "Count from one to five.")
    expect(events[-1:] == ["[DONE]"], "the stream did not end with [DONE]")
    chunks = [_chunk(event) for event in events[:-1]]
    choices = [choice for chunk in chunks for choice in chunk.get("choices") or []]
    text = "".join((choice.get("delta") or {}).get("content") or "" for choice in choices)
    subject.keep("  (the text of all chunks)", text)
    expect(bool(text), "no chunk brought content")
    reasons = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    expect(len(reasons) == 1, "not exactly one chunk has a finish reason")
    expect(chunks[-1].get("choices") == [], "the last chunk is no usage chunk with 'choices': []")
    _expect_usage(chunks[-1].get("usage"))


def check_stop(subject: Subject) -> None:
    """Ask twice, the second time with a stop word taken from the first answer."""
    question = "Count from one to ten in words."
    words = str(subject.chat(question, temperature=0)["message"].get("content") or "").split()
    expect(len(words) > 1, "the answer is too short to be stopped")
    stop = words[len(words) // 2]
    choice = subject.chat(question, temperature=0, stop=[stop])
    content = choice["message"].get("content") or ""
    expect(stop not in content, f"the stop word {stop!r} is in the answer")
    expect(choice.get("finish_reason") == "stop", "'finish_reason' is not 'stop'")


def check_tools(subject: Subject) -> None:
    """Offer a function; a model that talks instead of calling is told to call it."""
    question = "What is the weather in Madrid?"
    answer = subject.try_chat(question, tools=[_WEATHER_TOOL])
    _skip_if_refused(answer, "tool", "function")
    choice = subject.choice(answer)
    if not choice["message"].get("tool_calls"):
        answer = subject.try_chat(question, tools=[_WEATHER_TOOL], tool_choice=_FORCED_CHOICE)
        _skip_if_refused(answer, "tool_choice")
        choice = subject.choice(answer)
    else:
        expect(choice.get("finish_reason") == "tool_calls", "'finish_reason' is not 'tool_calls'")
    _expect_call(choice["message"].get("tool_calls"))


def check_json_schema(subject: Subject) -> None:
    """Ask for an answer of a certain JSON schema."""
    form = {"name": "person", "strict": True, "schema": _PERSON_SCHEMA}
    answer = subject.try_chat(
        "My name is Ana and I am 31 years old. Answer in JSON.",
        response_format={"type": "json_schema", "json_schema": form},
    )
    _skip_if_refused(answer, "response_format", "json_schema")
    content = subject.choice(answer)["message"].get("content")
    _expect_valid(_parsed(content, "the content"), _PERSON_SCHEMA, "the content")


def check_embeddings(subject: Subject) -> None:
    """Embed two texts and compare the vectors' count and dimensions."""
    if subject.embedding_model is None:
        raise CheckSkipped("the server lists no embedding model")
    body = {"model": subject.embedding_model, "input": ["one text", "another text"]}
    answer = subject.post("/embeddings", body)
    entries = _entries(subject.object_of(answer))
    expect([entry.get("index") for entry in entries] == [0, 1], "not one entry per input, in order")
    vectors = [entry.get("embedding") for entry in entries]
    lengths = {len(vector) for vector in vectors if isinstance(vector, list)}
    expect(all(isinstance(v, list) and v for v in vectors), "a vector is no list of numbers")
    expect(len(lengths) == 1, "the vectors differ in length")


def check_unknown_route(subject: Subject) -> None:
    """Call a path that does not exist."""
    _expect_error(subject.get("/no-such-route"), {404})


def check_bad_json(subject: Subject) -> None:
    """Send a body that is no JSON."""
    _expect_error(subject.post("/chat/completions", b'{"messages": ['), {400})


def check_wrong_type(subject: Subject) -> None:
    """Send text where a list belongs."""
    body = {**subject.chat_body(""), "messages": "hello"}
    error = _expect_error(subject.post("/chat/completions", body), {400})
    named = str(error.get("param") or "")
    expect(named.startswith("messages"), f"'param' is {named!r} and not 'messages'")


def check_wrong_method(subject: Subject) -> None:
    """Call an existing path with a method that it does not have."""
    _expect_error(subject.get("/embeddings"), {404, 405})


CHECKS: tuple[tuple[str, Check], ...] = (
    ("health", check_health),
    ("models", check_models),
    ("chat", check_chat),
    ("stream", check_stream),
    ("stop words", check_stop),
    ("tools", check_tools),
    ("JSON schema", check_json_schema),
    ("embeddings", check_embeddings),
    ("unknown route", check_unknown_route),
    ("bad JSON", check_bad_json),
    ("wrong type", check_wrong_type),
    ("wrong method", check_wrong_method),
)


def _first_chat_model(names: list[str]) -> str | None:
    return next((name for name in names if not _is_one_of(name, _OTHER_KINDS)), None)


def _is_one_of(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name.lower() for word in words)


def _entries(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects of a list answer. Raises CheckFailed for anything else."""
    data = body.get("data")
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise CheckFailed("'data' is no list of objects")
    return data


def _stream(subject: Subject, text: str) -> list[str]:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    with subject.client.stream("/chat/completions", subject.chat_body(text, **options)) as (
        _,
        data,
    ):
        events = list(data)
    subject.keep(f"chat, streamed: {text!r}", f"{len(events)} events, the last: {events[-1:]}")
    return events


def _chunk(event: str) -> dict[str, Any]:
    chunk = _parsed(event, "an event")
    if not isinstance(chunk, dict):
        raise CheckFailed("an event is no JSON object")
    if error := chunk.get("error"):
        raise CheckFailed(f"the stream brought an error: {error}")
    return chunk


def _expect_usage(usage: object) -> None:
    if not isinstance(usage, Mapping):
        raise CheckFailed("there is no 'usage'")
    counts = [usage.get(f"{part}_tokens") for part in ("prompt", "completion", "total")]
    if not all(isinstance(count, int) for count in counts):
        raise CheckFailed("'usage' lacks a count of tokens")


def _expect_call(calls: object) -> None:
    if not isinstance(calls, list) or not calls:
        raise CheckFailed("the model called no function, though it had to")
    call = calls[0]
    function = call.get("function") or {}
    expect(bool(call.get("id")), "the call has no 'id'")
    expect(function.get("name") == "get_weather", f"it called {function.get('name')!r}")
    arguments = _parsed(function.get("arguments"), "the call's arguments")
    _expect_valid(arguments, _WEATHER_PARAMETERS, "the call's arguments")


def _expect_error(answer: Answer, statuses: set[int]) -> dict[str, Any]:
    """Return the error of an answer that has one of these statuses and OpenAI's envelope."""
    wanted = " or ".join(map(str, sorted(statuses)))
    expect(answer.status in statuses, f"the status is {answer.status} and not {wanted}")
    error = answer.error
    missing = [name for name in ("message", "type", "param", "code") if name not in error]
    expect(not missing, f"the error envelope lacks {', '.join(missing)}")
    return error


def _skip_if_refused(answer: Answer, *fields: str) -> None:
    """Raise CheckSkipped for a 400 that says one of these fields is at fault, not the request."""
    error = answer.error
    reason = f"{error.get('param') or ''} {error.get('message') or ''}"
    if answer.status == 400 and any(field in reason for field in fields):
        raise CheckSkipped(f"the server refuses it for this model: {error.get('message')}")


def _parsed(text: object, what: str) -> Any:
    try:
        return json.loads(str(text))
    except ValueError as error:
        raise CheckFailed(f"{what} is no JSON") from error


def _expect_valid(value: object, schema: dict[str, Any], what: str) -> None:
    import jsonschema

    try:
        jsonschema.validate(value, schema)
    except jsonschema.ValidationError as error:
        raise CheckFailed(f"{what} does not fit the schema: {error.message}") from error
