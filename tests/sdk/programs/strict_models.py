"""Reads raw answers and chunks and judges them by the openai package's own models, strictly: the
package itself builds its objects without validating.
"""

import json
import os
from typing import Any

import openai
from openai.types import Completion, CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, ValidationError
from reporting import ABOUT_A_PERSON, PERSON, QUESTION, WEATHER, main, user

MODEL = os.environ.get("MODEL", "gpt-4o-mini")
EMBEDDING_MODEL = os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")
TOOLS: Any = [{"type": "function", "function": WEATHER}]
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {"name": "person", "schema": PERSON, "strict": True},
}
CHATS: dict[str, dict[str, Any]] = {
    "text": {"messages": user("Hello")},
    "length": {"messages": user("Hello"), "max_tokens": 1},
    "tools": {"messages": user(QUESTION), "tools": TOOLS},
    "functions": {"messages": user(QUESTION), "functions": [WEATHER]},
    "schema": {"messages": user(ABOUT_A_PERSON), "extra_body": {"response_format": SCHEMA}},
    "several": {"messages": user("Hello"), "n": 2},
    "usage": {
        "messages": user("Hello"),
        "extra_body": {"stream_options": {"include_usage": True}},
    },
    "logprobs": {"messages": user("Hello"), "logprobs": True, "top_logprobs": 2},
}
ONLY_STREAMED = ("usage",)
ONLY_WITH_LOGPROBS = ("logprobs",)

client = openai.OpenAI(max_retries=0, timeout=30)


def chats() -> Any:
    names = [name for name in CHATS if name not in (*ONLY_STREAMED, *ONLY_WITH_LOGPROBS)]
    return [_chat(name) for name in names]


def chat_streams() -> Any:
    return [_chat_stream(name) for name in CHATS if name not in ONLY_WITH_LOGPROBS]


def logprobs() -> Any:
    return [_chat("logprobs"), _chat_stream("logprobs")]


def others() -> Any:
    """Completions, embeddings as numbers, and models."""
    prompt: Any = {"model": MODEL, "prompt": "Hello", "max_tokens": 16}
    completion = client.completions.with_raw_response.create(**prompt)
    vectors = client.embeddings.with_raw_response.create(
        model=EMBEDDING_MODEL, input=["a", "b"], encoding_format="float"
    )
    listed = json.loads(client.models.with_raw_response.list().http_response.content)
    name = listed["data"][0]["id"]
    model = client.models.with_raw_response.retrieve(name)
    judged = [
        _judged("POST /completions", Completion, completion),
        _judged("POST /embeddings", CreateEmbeddingResponse, vectors),
        _judged(f"GET /models/{name}", Model, model),
    ]
    wrong = [fault for item in listed["data"] for fault in _faults(Model, item)]
    return [*judged, {"route": "GET /models", "answer": listed, "faults": wrong}]


def completion_stream() -> Any:
    """Chunks of a legacy completion; its `finish_reason` is null until the last, as OpenAI's is."""
    prompt: Any = {"model": MODEL, "prompt": "Hello", "max_tokens": 16, "stream": True}
    with client.completions.with_streaming_response.create(**prompt) as answer:
        chunks = _chunks(answer)
    for chunk in chunks:
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
    return {"chunks": chunks, "faults": _faults_of_all(Completion, chunks)}


def _chat(name: str) -> Any:
    create = client.chat.completions.with_raw_response.create
    return _judged("POST /chat/completions", ChatCompletion, create(model=MODEL, **CHATS[name]))


def _chat_stream(name: str) -> Any:
    create = client.chat.completions.with_streaming_response.create
    with create(model=MODEL, stream=True, **CHATS[name]) as answer:
        chunks = _chunks(answer)
    return {"name": name, "chunks": chunks, "faults": _faults_of_all(ChatCompletionChunk, chunks)}


def _chunks(answer: Any) -> list[Any]:
    lines = [line for line in answer.iter_lines() if line]
    if lines[-1] != "data: [DONE]":
        raise ValueError(f"the stream ended with {lines[-1]!r}")
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def _judged(route: str, model: type[BaseModel], answer: Any) -> Any:
    body = json.loads(answer.http_response.content)
    return {"route": route, "answer": body, "faults": _faults(model, body)}


def _faults_of_all(model: type[BaseModel], values: list[Any]) -> list[str]:
    return [fault for value in values for fault in _faults(model, value)]


def _faults(model: type[BaseModel], value: Any) -> list[str]:
    try:
        model.model_validate(value, strict=True)
    except ValidationError as error:
        return [f"{e['loc']}: {e['msg']}" for e in error.errors()]
    return []


if __name__ == "__main__":
    main(
        {
            "chats": chats,
            "chat_streams": chat_streams,
            "logprobs": logprobs,
            "others": others,
            "completion_stream": completion_stream,
        }
    )
