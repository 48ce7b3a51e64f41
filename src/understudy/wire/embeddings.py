"""Embeddings on the wire: the request's types, and vectors in either encoding."""

import base64
import struct
from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta, Struct

TokenId = Annotated[int, Meta(ge=0)]


class EmbeddingsRequest(TypedDict, total=False):
    """An embeddings request after parsing; `input` is a list of strings or of token lists."""

    model: str
    input: list[str] | list[list[int]]
    dimensions: int | None
    user: str | None


class EmbeddingsRequestShape(Struct):
    """Types and bounds of an embeddings request."""

    input: str | list[Any]
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    user: str | None = None


class EmbeddingsUsage(Struct):
    """Token counts of an embeddings call."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(Struct):
    """Vectors as an engine returns them, `(inputs, dimensions)` floats, before encoding."""

    model: str
    vectors: list[list[float]]
    prompt_tokens: int


class EmbeddingItem(Struct):
    """One vector as it is sent: a list of floats or base64 text."""

    index: int
    embedding: list[float] | str
    object: str = "embedding"


class EmbeddingList(Struct):
    """The answer of `/v1/embeddings`."""

    data: list[EmbeddingItem]
    model: str
    usage: EmbeddingsUsage
    object: str = "list"


def to_base64(vector: list[float]) -> str:
    """Encode a vector as OpenAI does: little-endian float32, base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
