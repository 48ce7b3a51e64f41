"""Shorter vectors for those who ask for fewer dimensions than a model has. Pure."""

import math

import msgspec

from understudy.errors import UnsupportedParameter
from understudy.wire.embeddings import Embeddings


def shortened(embeddings: Embeddings, dimensions: int | None) -> Embeddings:
    """Return the first `dimensions` of each vector, of unit length again.

    Raises UnsupportedParameter for more than there are. Models of today, such as Qwen3-Embedding,
    are trained so that the first dimensions hold the most.
    """
    there_are = len(embeddings.vectors[0]) if embeddings.vectors else 0
    if dimensions is None or dimensions == there_are:
        return embeddings
    if dimensions > there_are:
        raise UnsupportedParameter(
            f"'{embeddings.model}' makes vectors of {there_are} dimensions, not {dimensions}.",
            param="dimensions",
        )
    vectors = [_unit(vector[:dimensions]) for vector in embeddings.vectors]
    return msgspec.structs.replace(embeddings, vectors=vectors)


def _unit(vector: list[float]) -> list[float]:
    norm = math.sqrt(math.fsum(value * value for value in vector))
    return [value / norm for value in vector] if norm else vector
