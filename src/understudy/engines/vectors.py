"""Embeddings of upstream servers as floats in the order of the inputs. Pure."""

import base64
import binascii
import struct

from understudy.engines.answers import CHARACTERS_PER_TOKEN, usage_of
from understudy.engines.decode import RawEmbeddings, RawVector
from understudy.wire.embeddings import Embeddings, EmbeddingsRequest

_FLOAT_BYTES = 4


def embeddings_of(raw: RawEmbeddings, request: EmbeddingsRequest) -> Embeddings | None:
    """Return the vectors in the order of the inputs, or None when they do not fit the request."""
    if len(raw.data) != len(request["input"]):
        return None
    indexes = [vector.index for vector in raw.data]
    ordered = raw.data
    if None not in indexes and len(set(indexes)) == len(indexes):
        ordered = sorted(raw.data, key=lambda vector: vector.index or 0)
    vectors = [_floats(vector) for vector in ordered]
    if not all(vectors):
        return None
    tokens = usage_of(raw.usage) if raw.usage else None
    count = (tokens.prompt_tokens or tokens.total_tokens) if tokens else 0
    return Embeddings(
        model=raw.model or request["model"],
        vectors=vectors,
        prompt_tokens=count or estimated_tokens(request),
    )


def estimated_tokens(request: EmbeddingsRequest) -> int:
    """Return an estimate for servers that report no usage: token ids count, text by length."""
    return sum(
        -(-len(part) // CHARACTERS_PER_TOKEN) if isinstance(part, str) else len(part)
        for part in request["input"]
    )


def _floats(vector: RawVector) -> list[float]:
    """Return a vector from either encoding; empty where the base64 holds no float32 numbers."""
    if isinstance(vector.embedding, list):
        return vector.embedding
    try:
        packed = base64.b64decode(vector.embedding, validate=True)
        return list(struct.unpack(f"<{len(packed) // _FLOAT_BYTES}f", packed))
    except (binascii.Error, struct.error):
        return []
