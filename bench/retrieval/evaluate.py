"""Runs the questions and counts: hit@1, hit@5, MRR, and what a threshold tells apart."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from bench.retrieval.documents import Document, write_pdfs
from bench.retrieval.questions import Question
from understudy.ids import now_s
from understudy.retrieval.chunk import Chunking, chunks
from understudy.retrieval.extract import extract
from understudy.retrieval.search import (
    RankingOptions,
    SearchRequest,
    SearchResult,
    VectorSearch,
    search,
)
from understudy.retrieval.terms import index_terms
from understudy.store.chunks import NewChunk, insert_chunks
from understudy.store.db import Store, open_store
from understudy.store.keys import project_id
from understudy.store.schema import objects, vector_store_files

VECTOR_STORE = "vs_bench"
THRESHOLDS = (0.3, 0.45, 0.8)
"""The values of `score_threshold` in docs/retrieval.md, of which it recommends the first."""
_RESULTS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search gave for a question; `rank` counts from 1 and is 0 where the page is absent."""

    question: Question
    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of the answerable questions, and how the threshold tells them from the others."""

    answerable: int
    hit_at_1: float
    hit_at_5: float
    mean_reciprocal_rank: float
    without_result: int
    answerable_below: int
    unanswerable: int
    unanswerable_above: int


@asynccontextmanager
async def corpus_store(made: Sequence[Document], directory: Path) -> AsyncIterator[Store]:
    """Open a store that holds the documents as they come out of their PDFs."""
    write_pdfs(made, directory)
    async with open_store(None, directory / "data") as store:
        for document in made:
            await ingest(store, directory / document.filename)
        yield store


async def ingest(store: Store, path: Path) -> None:
    """Add a file to the benchmark's vector store."""
    pieces = [
        NewChunk(
            chunk.index,
            chunk.text,
            chunk.page,
            chunk.heading,
            chunk.tokens,
            index_terms(chunk.text, path.stem, chunk.heading or ""),
        )
        for chunk in chunks(extract(path, path.name), Chunking())
    ]
    owner = {"project_id": await project_id(store), "created_at": now_s()}
    file_id = f"file-{path.stem}"
    document = {"filename": path.name}
    attached = {"vector_store_id": VECTOR_STORE, "file_id": file_id, "status": "completed"}
    empty = {"attributes": {}, "chunking": {}}
    async with store.write() as connection:
        await connection.execute(
            insert(objects).values(id=file_id, kind="file", document=document, **owner)
        )
        added = insert(vector_store_files).values(**owner, **attached, **empty)
        row = await connection.execute(added.returning(vector_store_files.c.seq))
        await insert_chunks(connection, VECTOR_STORE, row.scalar_one(), pieces)


async def ask(
    store: Store,
    asked: Sequence[Question],
    options: RankingOptions,
    vectors: VectorSearch | None = None,
) -> list[Answer]:
    """Search for each question."""
    project = await project_id(store)
    answers = []
    for question in asked:
        request = SearchRequest((question.text,), _RESULTS, None, options)
        results = await search(store, project, [VECTOR_STORE], request, vectors)
        score = results[0].score if results else 0.0
        answers.append(Answer(question, _rank(question, results), score))
    return answers


def _rank(question: Question, results: Sequence[SearchResult]) -> int:
    for rank, result in enumerate(results, start=1):
        if (result.filename, result.page) == (question.filename, question.page):
            return rank
    return 0


def threshold(answers: Sequence[Answer], excepted: int = 0) -> float:
    """Return the score just over those of the questions without an answer, but for so many."""
    scores = sorted((a.score for a in answers if not a.question.has_answer), reverse=True)
    return scores[excepted] + 0.0005


def separation(answers: Sequence[Answer]) -> float:
    """Return how often a question with an answer scores above one without: the area under ROC."""
    scores = [a.score for a in answers if a.question.has_answer]
    others = [a.score for a in answers if not a.question.has_answer]
    won = sum((score > other) + (score == other) / 2 for score in scores for other in others)
    return won / (len(scores) * len(others))


def figures(answers: Sequence[Answer], least: float) -> Figures:
    """Return what the answers amount to."""
    answerable = [answer for answer in answers if answer.question.has_answer]
    others = [answer for answer in answers if not answer.question.has_answer]
    ranks = [answer.rank for answer in answerable]
    return Figures(
        answerable=len(answerable),
        hit_at_1=sum(rank == 1 for rank in ranks) / len(ranks),
        hit_at_5=sum(1 <= rank <= 5 for rank in ranks) / len(ranks),
        mean_reciprocal_rank=sum(1 / rank for rank in ranks if rank) / len(ranks),
        without_result=sum(answer.score == 0 for answer in answerable),
        answerable_below=sum(answer.score < least for answer in answerable),
        unanswerable=len(others),
        unanswerable_above=sum(answer.score >= least for answer in others),
    )
