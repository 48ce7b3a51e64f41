"""Which remembered lines a question is about, by their words. Pure."""

from collections import Counter
from collections.abc import Sequence

from understudy.retrieval.rank import Statistics, score, weigh
from understudy.retrieval.terms import index_terms, query_words

_LEAST_SCORE = 0.15
_OTHERS = 100
"""Lines that are taken to be there besides, or among a few every word would count as common."""


def best(query: str, lines: Sequence[str], limit: int) -> list[tuple[int, float]]:
    """Return the places of the lines that are about `query`, best first, and scores (0 to 1)."""
    words = query_words(query)
    passages = [index_terms(line) for line in lines]
    frequencies = Counter(term for passage in passages for term in set(passage.split()))
    if not words or not passages:
        return []
    scores = score(weigh(words, Statistics(len(lines) + _OTHERS, frequencies)), passages)
    found = [(place, value) for place, value in enumerate(scores) if value >= _LEAST_SCORE]
    return sorted(found, key=lambda one: (-one[1], -one[0]))[:limit]
