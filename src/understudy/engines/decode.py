"""What OpenAI-compatible servers really send, as tolerant structs; every field may be missing.

Only shapes and decoding: what a field means is decided in `normalise` and `answers`.
"""

from typing import Any

import msgspec
from msgspec import Struct

Text = str | list[Any] | None


class RawFunction(Struct):
    """A call's function; some servers send the arguments as an object."""

    name: str | None = None
    arguments: Any = None


class RawToolCall(Struct):
    """A tool call, or a piece of one."""

    index: int | None = None
    id: str | int | None = None
    function: RawFunction | None = None


class RawMessage(Struct):
    """A message, or the delta of one."""

    role: str | None = None
    content: Text = None
    reasoning_content: Text = None
    reasoning: Any = None
    refusal: str | None = None
    tool_calls: list[RawToolCall] | None = None
    function_call: RawFunction | None = None
    annotations: list[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None


class RawChoice(Struct):
    """A choice; plain answers fill `message`, streams `delta`."""

    index: int | None = None
    delta: RawMessage | None = None
    message: RawMessage | None = None
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class RawUsage(Struct):
    """Token counts under the names of either API generation."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: dict[str, Any] | None = None
    completion_tokens_details: dict[str, Any] | None = None


class RawAnswer(Struct):
    """A plain answer or one chunk of a stream."""

    id: str | int | None = None
    created: float | None = None
    model: str | None = None
    choices: list[RawChoice] | None = None
    usage: RawUsage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    error: Any = None
    timings: dict[str, Any] | None = None
    """What llama.cpp counts besides."""


class RawTextChoice(Struct):
    """A choice of a legacy text completion, as far as it is looked at."""

    index: int | None = None
    text: str | None = None
    finish_reason: str | None = None


class RawText(Struct):
    """A legacy text completion or one chunk of it, as far as it is looked at."""

    choices: list[RawTextChoice] | None = None
    usage: RawUsage | None = None


class RawVector(Struct):
    """One embedding, as floats or as base64 of little-endian float32."""

    embedding: list[float] | str
    index: int | None = None


class RawEmbeddings(Struct):
    """The answer of an embeddings call."""

    data: list[RawVector]
    model: str | None = None
    usage: RawUsage | None = None


class RawModel(Struct):
    """A model of a list."""

    id: str
    owned_by: str | None = None
    created: float | None = None


class RawModels(Struct):
    """The answer of a model list."""

    data: list[RawModel] | None = None


_answer = msgspec.json.Decoder(RawAnswer, strict=False)
_embeddings = msgspec.json.Decoder(RawEmbeddings, strict=False)
_models = msgspec.json.Decoder(RawModels, strict=False)

MalformedAnswer = msgspec.DecodeError
"""Raised by every function here on bytes that are no JSON, or JSON of another shape."""


def decode_answer(body: bytes) -> RawAnswer:
    """Decode a chat answer or a chunk of one."""
    return _answer.decode(body)


def decode_embeddings(body: bytes) -> RawEmbeddings:
    """Decode the answer of an embeddings call."""
    return _embeddings.decode(body)


def decode_models(body: bytes) -> RawModels:
    """Decode a model list."""
    return _models.decode(body)


def read_text(answer: dict[str, Any]) -> RawText:
    """Return what matters of a text completion that is passed on as it came."""
    return msgspec.convert(answer, RawText, strict=False)


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode any JSON object."""
    return msgspec.json.decode(body, type=dict[str, Any])
