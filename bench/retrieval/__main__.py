"""`python -m bench.retrieval`: the quality of search; `--speed` its speed."""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from bench.retrieval import speed
from bench.retrieval.documents import documents
from bench.retrieval.evaluate import (
    THRESHOLDS,
    Answer,
    ask,
    corpus_store,
    figures,
    separation,
)
from bench.retrieval.questions import MOST_SHARED, Question, questions
from understudy.retrieval.search import RankingOptions

_SIZES = [10_000, 200_000]


def main() -> None:
    """Ask the questions, or measure the speed, and print the figures."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="retrieval-") as folder:
        run = _speed if options.speed else _quality
        asyncio.run(run(Path(folder), options))


async def _quality(folder: Path, options: argparse.Namespace) -> None:
    made = documents()
    asked = questions(made)
    _check(asked)
    print(f"{len(made)} documents, {sum(d.pages for d in made)} pages, {len(asked)} questions")
    async with corpus_store(made, folder) as store:
        answers = await ask(store, asked, RankingOptions())
    _report(answers)
    if options.misses:
        for answer in answers:
            if answer.question.has_answer and answer.rank != 1:
                print(f"rank {answer.rank or '-':>2}  {answer.score:.3f}  {answer.question.text}")


def _check(asked: list[Question]) -> None:
    """Make sure that the questions are put as they must be."""
    loud = [q.text for q in asked if q.has_answer and q.shared > MOST_SHARED]
    assert not loud, f"these share too many words with their passage: {loud}"
    assert len(asked) >= 60
    assert sum(not q.has_answer for q in asked) * 5 >= len(asked)


def _report(answers: list[Answer]) -> None:
    """Print how well pages are found, then what thresholds tell apart."""
    held_out = [a for a in answers if a.question.is_held_out]
    adjusted_on = [a for a in answers if not a.question.is_held_out]
    kinds = {"all": answers, "adjusted on": adjusted_on, "held out": held_out}
    print("questions    with answer  hit@1  hit@5    MRR  no result    AUC")
    for name, chosen in kinds.items():
        f = figures(chosen, THRESHOLDS[0])
        print(
            f"{name:<12} {f.answerable:>11}  {f.hit_at_1:.3f}  {f.hit_at_5:.3f}"
            f"  {f.mean_reciprocal_rank:.3f}  {f.without_result:>9}  {separation(chosen):.3f}"
        )
    print("\nquestions    threshold  without answer, let through  with answer, left out")
    for least in THRESHOLDS:
        for name, chosen in kinds.items():
            f = figures(chosen, least)
            through = f"{f.unanswerable_above}/{f.unanswerable}"
            left_out = f"{f.answerable_below}/{f.answerable}"
            print(f"{name:<12} {least:>9.2f}  {through:>27}  {left_out:>21}")


async def _speed(folder: Path, options: argparse.Namespace) -> None:
    found = await speed.measure(folder / "sqlite", options.sizes, None)
    if options.postgres:
        async with speed.postgres(folder) as url:
            found += await speed.measure(folder / "postgresql", options.sizes, url)
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} after the run\n")
    print("database      chunks   p50 ms   p95 ms  stored/s")
    for f in found:
        print(
            f"{f.database:<10} {f.chunks:>9} {f.p50_ms:>8.1f} {f.p95_ms:>8.1f}"
            f" {f.stored_per_s:>9.0f}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.retrieval", description=__doc__)
    parser.add_argument("--misses", action="store_true", help="print what was not found first")
    parser.add_argument("--speed", action="store_true", help="measure speed instead of quality")
    parser.add_argument("--postgres", action="store_true", help="measure PostgreSQL as well")
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, help="chunks in a store")
    return parser.parse_args()


if __name__ == "__main__":
    main()
