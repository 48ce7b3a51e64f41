"""Searching vector stores: words and vectors find chunks, one ranking orders them.

Knows nothing of HTTP, and of vectors only that somebody finds the nearest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.retrieval import rank
from understudy.retrieval.filters import Filter, to_sql
from understudy.retrieval.rank import Statistics
from understudy.retrieval.terms import QueryWord, query_words
from understudy.store.chunks import (
    Candidate,
    Clause,
    FoundChunk,
    count_chunks,
    count_terms,
    find_candidates,
    load_chunks,
    prefer_indexes,
)
from understudy.store.db import Store

MOST_RESULTS = 50
_CANDIDATES = 100
_COMMON_SHARE = 10
"""A term is common when more than one chunk in ten holds it."""
_ALWAYS_RARE = 1_000
"""A term in fewer chunks costs nothing, however common, and small stores need all they have."""
_MOST_HITS = 20_000


@dataclass(frozen=True, slots=True)
class RankingOptions:
    """How results are ranked; without vectors the weights have no effect."""

    ranker: str = "auto"
    score_threshold: float = 0.0
    lexical_weight: float = 1.0
    vector_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to look for; several queries find what any of them finds."""

    queries: tuple[str, ...]
    max_num_results: int = 10
    filters: Filter | None = None
    ranking: RankingOptions = field(default_factory=RankingOptions)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A chunk that was found; `score` is in 0..1, `position` counts a file's chunks from 0."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, Any]
    text: str
    page: int | None
    heading: str | None
    position: int


class VectorSearch(Protocol):
    """Finds chunks by the meaning of a query."""

    async def nearest(
        self,
        vector_store_ids: Sequence[str],
        queries: Sequence[str],
        where: Filter | None,
        limit: int,
    ) -> list[tuple[int, float]]:
        """Return (chunk seq, cosine) of the chunks nearest to any query, nearest first."""
        ...


async def search(
    store: Store,
    project_id: str,
    vector_store_ids: Sequence[str],
    request: SearchRequest,
    vectors: VectorSearch | None = None,
) -> list[SearchResult]:
    """Return the chunks that answer best, best first, at most one result a chunk."""
    nearest: list[tuple[int, float]] = []
    if vectors is not None and request.ranking.vector_weight > 0:
        nearest = await vectors.nearest(
            vector_store_ids, request.queries, request.filters, _CANDIDATES
        )
    where = None if request.filters is None else to_sql(request.filters, store.dialect)
    async with store.read() as connection:
        await prefer_indexes(connection)
        lexical: dict[int, float] = {}
        if request.ranking.lexical_weight > 0:
            lexical = await _lexical(connection, vector_store_ids, request.queries, where)
        ranked = _ranked(lexical, nearest, request.ranking)[: request.max_num_results]
        seqs = [seq for seq, _ in ranked]
        found = await load_chunks(connection, project_id, vector_store_ids, seqs)
    return [_result(found[seq], score) for seq, score in ranked if seq in found]


async def _lexical(
    connection: AsyncConnection,
    vector_store_ids: Sequence[str],
    queries: Sequence[str],
    where: ColumnElement[bool] | None,
) -> dict[int, float]:
    """Return the score of each chunk that shares words with a query, by its best one."""
    chunks = await count_chunks(connection, vector_store_ids)
    best: dict[int, float] = {}
    for query in queries:
        words = query_words(query)
        terms = sorted({term for word in words for term in word.terms})
        most = max(_ALWAYS_RARE, chunks // _COMMON_SHARE) + 1
        frequencies = await count_terms(connection, vector_store_ids, terms, most)
        statistics = Statistics(chunks, frequencies)
        clauses = _clauses(words, statistics, most)
        candidates = await find_candidates(
            connection, vector_store_ids, clauses, where, _CANDIDATES
        )
        for seq, score in _scored(words, statistics, candidates):
            best[seq] = max(score, best.get(seq, 0.0))
    return best


def _scored(
    words: Sequence[QueryWord], statistics: Statistics, candidates: Sequence[Candidate]
) -> list[tuple[int, float]]:
    passages = [candidate.terms for candidate in candidates]
    scores = rank.score(rank.weigh(words, statistics), passages)
    return [(candidate.seq, score) for candidate, score in zip(candidates, scores, strict=True)]


def _clauses(words: Sequence[QueryWord], statistics: Statistics, common: int) -> list[Clause]:
    """Return what candidates must hold: rare terms one by one, common ones only all together."""
    weights: dict[str, float] = {}
    for word in rank.weigh(words, statistics):
        for term, gain in word.gains.items():
            weights[term] = max(weights.get(term, 0.0), gain)
    frequencies = statistics.frequencies
    held = sorted((t for t in weights if frequencies.get(t)), key=lambda t: (frequencies[t], t))
    rare = [term for term in held if frequencies[term] < common]
    if not rare:
        together = tuple(word.term for word in words if frequencies.get(word.term))
        return [Clause(together, 1)] if together else [Clause((term,), 1) for term in held]
    kept: list[Clause] = []
    hits = 0
    for term in rare:
        hits += frequencies[term]
        if kept and hits > _MOST_HITS:
            break
        kept.append(Clause((term,), rank.whole_weight(weights[term])))
    return kept


def _ranked(
    lexical: dict[int, float], nearest: Sequence[tuple[int, float]], options: RankingOptions
) -> list[tuple[int, float]]:
    """Return (chunk seq, score) over the threshold, best first."""
    by_words = sorted(lexical, key=lambda seq: (-lexical[seq], seq))
    if not nearest:
        order = by_words
    else:
        by_vectors = [seq for seq, _ in nearest]
        order = rank.fuse([(options.lexical_weight, by_words), (options.vector_weight, by_vectors)])
    cosines = dict(nearest)
    earned = [max(lexical.get(seq, 0.0), cosines.get(seq, 0.0)) for seq in order]
    scored = zip(order, rank.descending(earned), strict=True)
    return [(seq, score) for seq, score in scored if score >= options.score_threshold]


def _result(chunk: FoundChunk, score: float) -> SearchResult:
    return SearchResult(
        file_id=chunk.file_id,
        filename=chunk.filename,
        score=score,
        attributes=chunk.attributes,
        text=chunk.text,
        page=chunk.page,
        heading=chunk.heading,
        position=chunk.position,
    )
