"""How likely it is that the best passage for a question answers it.

Pure. Ranking compares the passages of one question; this compares questions, so that one threshold
can tell those that no passage answers.
"""

import math
from collections import Counter
from collections.abc import Sequence

from understudy.retrieval.rank import WeighedWord, best_window, gains_by_term, idf

_OFTEN = 3
"""A term that a passage holds so often names its subject."""
_MOST_OF_SUBJECT = 1.0
"""Rare words that all the subject's words count for: they tell where to look, not what is said."""
# The logistic regression on the benchmark's questions that are not held out.
_PER_RARE_WORD = 3.3
_PER_UNKNOWN_SHARE = -2.0
_WITHOUT_EVIDENCE = -2.2
_WHOLE = 6
"""The power of the covered share that makes a question of few words sure when all are found."""


def confidence(words: Sequence[WeighedWord], passage: Sequence[str], chunks: int) -> float:
    """Return from 0 to 1 how sure it is that the passage, given as its terms, answers.

    `chunks` are those that were searched.
    """
    subject, rest = _evidence(words, passage)
    if not subject + rest:
        return 0.0
    total = math.fsum(word.weight for word in words)
    unknown = math.fsum(word.weight for word in words if not word.gains) / total
    rare = idf(chunks, 0)
    found = min(subject / rare, _MOST_OF_SUBJECT) + rest / rare
    log_odds = _PER_RARE_WORD * found + _PER_UNKNOWN_SHARE * unknown + _WITHOUT_EVIDENCE
    by_evidence = 1 / (1 + math.exp(-log_odds))
    return 1 - (1 - by_evidence) * (1 - min(1.0, (subject + rest) / total) ** _WHOLE)


def _evidence(words: Sequence[WeighedWord], passage: Sequence[str]) -> tuple[float, float]:
    """Return the weight of the words that the passage keeps repeating, and of others, together."""
    often = {term for term, count in Counter(passage).items() if count >= _OFTEN}
    subject = [
        max((word.gains[t] for t in often & word.gains.keys()), default=0.0) for word in words
    ]
    rest = [word for word, gain in zip(words, subject, strict=True) if not gain]
    return math.fsum(subject), best_window(gains_by_term(rest), passage)
