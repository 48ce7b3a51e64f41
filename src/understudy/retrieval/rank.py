"""How well a passage answers a question, by its words, and how two rankings become one.

Pure and the same for every database: it sees terms and how many chunks hold them, never a row.
BM25's parts (Robertson and Zaragoza 2009) are scaled so that a passage that holds every word of the
question, close together, comes near 1. Fusion is reciprocal rank fusion (Cormack et al. 2009).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from understudy.retrieval.terms import QueryWord

_SATURATION = 0.35
_LENGTH_SHARE = 0.5
_NEARNESS_SHARE = 0.45
"""How much of the score belongs to the best window of the passage."""
_WINDOW = 48
_EXAMINED = 40
_RRF_K = 60
_WEIGHT_SCALE = 1_000


@dataclass(frozen=True, slots=True)
class Statistics:
    """How many chunks are searched, and how many of them hold each term."""

    chunks: int
    frequencies: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WeighedWord:
    """A word of the question: what it tells, and what a passage gains by each of its terms."""

    weight: float
    gains: Mapping[str, float]


def idf(chunks: int, frequency: int) -> float:
    """Return the inverse document frequency, positive for every frequency."""
    return math.log(1 + (chunks - min(frequency, chunks) + 0.5) / (frequency + 0.5))


def weigh(words: Sequence[QueryWord], statistics: Statistics) -> list[WeighedWord]:
    """Return the words with their weights; a word that no chunk holds weighs as a rare one."""
    return [_weighed(word, statistics) for word in words]


def _weighed(word: QueryWord, statistics: Statistics) -> WeighedWord:
    informations = {
        term: idf(statistics.chunks, frequency)
        for term in word.terms
        if (frequency := statistics.frequencies.get(term))
    }
    if not informations:
        return WeighedWord(word.worth * idf(statistics.chunks, 0), {})
    whole = informations.get(word.term) or _information_of_synonyms(word, informations)
    if whole is None:
        whole = idf(statistics.chunks, 0)
    gains = {
        term: worth * word.worth * min(whole, informations[term])
        for term, worth in ((word.term, 1.0), *word.alternatives)
        if term in informations
    }
    return WeighedWord(word.worth * whole, gains)


def _information_of_synonyms(word: QueryWord, informations: Mapping[str, float]) -> float | None:
    """Return how rare the thing is that a word absent from all chunks names by another one."""
    known = [informations[t] for t in word.synonyms if t in informations]
    return max(known, default=None)


def score(words: Sequence[WeighedWord], passages: Sequence[str]) -> list[float]:
    """Return a score in 0..1 for each passage, given as terms separated by spaces."""
    total = math.fsum(word.weight for word in words)
    if not total or not passages:
        return [0.0] * len(passages)
    padded = [f" {terms} " for terms in passages]
    lengths = [terms.count(" ") for terms in padded]
    mean = sum(lengths) / len(lengths)
    bm25 = [
        _saturated(words, terms, length / mean) / total
        for terms, length in zip(padded, lengths, strict=True)
    ]
    best = sorted(range(len(passages)), key=lambda i: (-bm25[i], i))[:_EXAMINED]
    near = dict.fromkeys(range(len(passages)), 0.0)
    gains = gains_by_term(words)
    for i in best:
        near[i] = best_window(gains, passages[i].split(" ")) / total
    return [(1 - _NEARNESS_SHARE) * bm25[i] + _NEARNESS_SHARE * near[i] for i in near]


def _saturated(words: Sequence[WeighedWord], terms: str, relative_length: float) -> float:
    """Return the weights of the words that occur, each lessened as BM25 does for rare use."""
    k = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * relative_length)
    gained = 0.0
    for word in words:
        best = 0.0
        for term, gain in word.gains.items():
            if count := terms.count(f" {term} "):
                best = max(best, gain * count / (count + k))
        gained += best
    return gained


def best_window(gains: Mapping[str, tuple[int, float]], terms: Sequence[str]) -> float:
    """Return the most weight that `_WINDOW` neighbouring terms hold, each word counted once."""
    places = [(i, *gains[term]) for i, term in enumerate(terms) if term in gains]
    best = 0.0
    for first in range(len(places)):
        start = places[first][0]
        held: dict[int, float] = {}
        for position, word, gain in places[first:]:
            if position - start >= _WINDOW:
                break
            held[word] = max(held.get(word, 0.0), gain)
        best = max(best, math.fsum(held.values()))
    return best


def gains_by_term(words: Sequence[WeighedWord]) -> dict[str, tuple[int, float]]:
    """Return for each term the index of the word that gains most by it, and how much."""
    gains: dict[str, tuple[int, float]] = {}
    for i, word in enumerate(words):
        for term, gain in word.gains.items():
            if term not in gains or gain > gains[term][1]:
                gains[term] = (i, gain)
    return gains


def whole_weight(weight: float) -> int:
    """Return a weight as an integer, so that every database adds up weights alike."""
    return max(1, round(weight * _WEIGHT_SCALE))


def fuse(lists: Sequence[tuple[float, Sequence[int]]]) -> list[int]:
    """Return the items of several (weight, ranking) by weighted reciprocal rank, best first."""
    gained: dict[int, float] = {}
    for weight, ranking in lists:
        for place, item in enumerate(ranking, start=1):
            gained[item] = gained.get(item, 0.0) + weight / (_RRF_K + place)
    return sorted(gained, key=lambda item: (-gained[item], item))


def descending(scores: Sequence[float]) -> list[float]:
    """Return the scores of a ranking, each raised to the best of those that stand behind it.

    So scores fall in the order of the ranking, and none is lower than what its passage earned.
    """
    raised, best = [], 0.0
    for value in reversed(scores):
        best = max(best, min(1.0, max(0.0, value)))
        raised.append(best)
    return raised[::-1]
