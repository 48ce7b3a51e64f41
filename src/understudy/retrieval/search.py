"""Searching vector stores: words and vectors find chunks, one ranking orders them.

Knows nothing of HTTP, and of vectors only that somebody finds the nearest.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.retrieval import rank
from understudy.retrieval.confidence import confidence
from understudy.retrieval.embed import EmbeddingErrors
from understudy.retrieval.filters import Compound, Dialect, Filter, OneOfFiles, to_sql
from understudy.retrieval.rank import Statistics
from understudy.retrieval.terms import QueryWord, query_words
from understudy.store.chunks import (
    Candidate,
    Clause,
    FoundChunk,
    find_candidates,
    load_chunks,
    prefer_indexes,
)
from understudy.store.db import Store
from understudy.store.term_counts import count_terms

_log = logging.getLogger(__name__)

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
    """What to look for; several queries find what any of them finds.

    With `file_ids`, only those files are searched.
    """

    queries: tuple[str, ...]
    max_num_results: int = 10
    filters: Filter | None = None
    ranking: RankingOptions = field(default_factory=RankingOptions)
    file_ids: tuple[str, ...] = ()

    @property
    def where(self) -> Filter | None:
        """The condition on files that all of it makes."""
        if not self.file_ids:
            return self.filters
        named = OneOfFiles(self.file_ids)
        return named if self.filters is None else Compound("and", (named, self.filters))


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

    async def has_any(self, connection: AsyncConnection, vector_store_ids: Sequence[str]) -> bool:
        """Tell whether any of the stores holds vectors."""
        ...

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
    async with _searching(store) as connection:
        if not await _has_vectors(connection, vector_store_ids, request, vectors):
            lexical = await _lexical(connection, vector_store_ids, request, store.dialect)
            ranked = _ranked(lexical, [], request.ranking)[: request.max_num_results]
            return await _loaded(connection, project_id, vector_store_ids, ranked)
    lexical, nearest = await _candidates(store, vector_store_ids, request, vectors)
    ranked = _ranked(lexical, nearest, request.ranking)[: request.max_num_results]
    async with _searching(store) as connection:
        return await _loaded(connection, project_id, vector_store_ids, ranked)


@asynccontextmanager
async def _searching(store: Store) -> AsyncIterator[AsyncConnection]:
    async with store.read() as connection:
        await prefer_indexes(connection)
        yield connection


async def _has_vectors(
    connection: AsyncConnection,
    vector_store_ids: Sequence[str],
    request: SearchRequest,
    vectors: VectorSearch | None,
) -> bool:
    """Tell whether vectors can add anything: if not, a single transaction does it all."""
    if vectors is None or request.ranking.vector_weight == 0:
        return False
    return await vectors.has_any(connection, vector_store_ids)


async def _loaded(
    connection: AsyncConnection,
    project_id: str,
    vector_store_ids: Sequence[str],
    ranked: Sequence[tuple[int, float]],
) -> list[SearchResult]:
    seqs = [seq for seq, _ in ranked]
    found = await load_chunks(connection, project_id, vector_store_ids, seqs)
    return [_result(found[seq], score) for seq, score in ranked if seq in found]


async def _candidates(
    store: Store,
    vector_store_ids: Sequence[str],
    request: SearchRequest,
    vectors: VectorSearch | None,
) -> tuple[dict[int, float], list[tuple[int, float]]]:
    """Return scores by words, and the nearest by vectors, of the sides that have a weight.

    No connection is held while a provider embeds the query: SQLite has few of them.
    """
    lexical: dict[int, float] = {}
    nearest: list[tuple[int, float]] = []

    async def by_words() -> None:
        async with _searching(store) as connection:
            lexical.update(await _lexical(connection, vector_store_ids, request, store.dialect))

    async def by_vectors() -> None:
        nearest.extend(await _nearest(vectors, vector_store_ids, request))

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(by_words)
            tasks.start_soon(by_vectors)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return lexical, nearest


async def _nearest(
    vectors: VectorSearch | None, vector_store_ids: Sequence[str], request: SearchRequest
) -> list[tuple[int, float]]:
    """Return the nearest chunks; none while the query cannot be embedded but words can be found."""
    if vectors is None:
        return []
    try:
        return await vectors.nearest(vector_store_ids, request.queries, request.where, _CANDIDATES)
    except EmbeddingErrors as error:
        if request.ranking.lexical_weight == 0:
            raise
        _log.warning("searching by words alone: %s", error.message)
        return []


async def _lexical(
    connection: AsyncConnection,
    vector_store_ids: Sequence[str],
    request: SearchRequest,
    dialect: Dialect,
) -> dict[int, float]:
    """Return the score of each chunk that shares words with a query, by its best one."""
    best: dict[int, float] = {}
    if request.ranking.lexical_weight == 0:
        return best
    where = None if request.where is None else to_sql(request.where, dialect)
    for query in request.queries:
        words = query_words(query)
        terms = sorted({term for word in words for term in word.terms})
        chunks, frequencies = await count_terms(connection, vector_store_ids, terms)
        statistics = Statistics(chunks, frequencies)
        common = max(_ALWAYS_RARE, chunks // _COMMON_SHARE) + 1
        clauses = _clauses(words, statistics, common)
        candidates = await find_candidates(
            connection, vector_store_ids, clauses, where, _CANDIDATES
        )
        for seq, score in _scored(words, statistics, candidates):
            best[seq] = max(score, best.get(seq, 0.0))
    return best


def _scored(
    words: Sequence[QueryWord], statistics: Statistics, candidates: Sequence[Candidate]
) -> list[tuple[int, float]]:
    """Return (chunk seq, score): the best one's is how sure it is, the others' fall from there."""
    passages = [candidate.terms for candidate in candidates]
    weighed = rank.weigh(words, statistics)
    covered = rank.score(weighed, passages)
    highest = max(covered, default=0.0)
    if not highest:
        return []
    best = passages[covered.index(highest)].split()
    sure = confidence(weighed, best, statistics.chunks)
    return [
        (candidate.seq, share / highest * sure)
        for candidate, share in zip(candidates, covered, strict=True)
    ]


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
