"""Lexical embeddings: hashed character n-grams, so that texts with like words have like vectors.

Deterministic and without weights; knows nothing of meaning. Method: signed feature hashing
(Weinberger et al. 2009) of character n-grams with word boundaries, sublinear counts, L2 norm.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from zlib import crc32

from understudy.errors import InvalidRequest

DEFAULT_DIMENSIONS = 384
MOST_DIMENSIONS = 4_096
_SIZES = (3, 4)
_WHOLE_WORD_WEIGHT = 2.0
_LONGEST_WORD = 64
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]++|[^\W_{_CJK}]++")
_IS_CJK = re.compile(f"[{_CJK}]")
_MARKS = re.compile("[\u0300-\u036f]")


def checked_dimensions(dimensions: int | None) -> int:
    """Return the dimensions to use; raises InvalidRequest outside 1 to 4096."""
    if dimensions is None:
        return DEFAULT_DIMENSIONS
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise InvalidRequest(
            f"Invalid value for 'dimensions': {dimensions} is not between 1 and {MOST_DIMENSIONS}.",
            param="dimensions",
        )
    return dimensions


def embed(content: str | list[int], dimensions: int = DEFAULT_DIMENSIONS) -> list[float]:
    """Return the vector of a text: `dimensions` floats, L2-normalised, the same on every machine.

    Token ids stand for words that cannot be known here: inputs that share ids are alike, but they
    cannot be compared with text. A text without words has the first unit vector.
    """
    vector = [0.0] * dimensions
    grams = _grams(content) if isinstance(content, str) else _token_grams(content)
    for gram, count in Counter(grams).items():
        hashed = crc32(gram.encode())
        sign = 1.0 if hashed & 1 else -1.0
        weight = _WHOLE_WORD_WEIGHT if gram.startswith("<") and gram.endswith(">") else 1.0
        vector[(hashed >> 1) % dimensions] += sign * weight * (1 + math.log(count))
    return _normalised(vector)


def _grams(text: str) -> Iterator[str]:
    """Yield `<word>` and the n-grams inside it for words, characters and bigrams for CJK."""
    folded = _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    for match in _WORD.finditer(unicodedata.normalize("NFC", folded)):
        run = match[0]
        if _IS_CJK.match(run):
            yield from run
            yield from (run[i : i + 2] for i in range(len(run) - 1))
            continue
        word = f"<{run[:_LONGEST_WORD]}>"
        yield word
        for size in _SIZES:
            if size < len(word):
                yield from (word[i : i + size] for i in range(len(word) - size + 1))


def _token_grams(tokens: list[int]) -> Iterator[str]:
    """Yield each token id as a word, and each pair of neighbours."""
    yield from (f"<#{token}>" for token in tokens)
    yield from (f"#{one}#{other}" for one, other in pairwise(tokens))


def _normalised(vector: list[float]) -> list[float]:
    norm = math.sqrt(math.fsum(value * value for value in vector))
    if norm == 0.0:
        return [1.0] + [0.0] * (len(vector) - 1)
    return [value / norm for value in vector]
