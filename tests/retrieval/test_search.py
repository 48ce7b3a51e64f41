from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.databases import Database

from understudy.retrieval.filters import Filter, OneOfFiles, parse_filter
from understudy.retrieval.search import RankingOptions, SearchRequest, SearchResult, search
from understudy.retrieval.terms import index_terms
from understudy.store.chunks import NewChunk, insert_chunks
from understudy.store.db import Store, open_store
from understudy.store.keys import project_id
from understudy.store.schema import chunks, objects, vector_store_files

pytestmark = pytest.mark.anyio

SHOPS = "vs_shops"
TEXTS = {
    "galicia": ["En Galicia abren ocho domingos.", "La sanción en Galicia es de 3.000,50 euros."],
    "madrid": ["En Madrid hay libertad de horario.", "La sanción en Madrid es de 900 euros."],
    "handbook": ["Employees get 27 days of paid leave.", "The landlord returns the deposit."],
    "手册": ["退房时十日内返还押金。", "每月十日发放工资。"],
}


async def fill(store: Store, texts: dict[str, list[str]], vector_store_id: str = SHOPS) -> None:
    owner = {"project_id": await project_id(store), "created_at": 0}
    for name, parts in texts.items():
        made = [
            NewChunk(i, text, i + 1, name, 9, index_terms(text, name))
            for i, text in enumerate(parts)
        ]
        attached = {
            "vector_store_id": vector_store_id,
            "file_id": f"file-{name}",
            "status": "completed",
            "attributes": {"name": name},
            "chunking": {},
        }
        document = {"filename": f"{name}.pdf"}
        async with store.write() as connection:
            await connection.execute(
                insert(objects).values(id=f"file-{name}", kind="file", document=document, **owner)
            )
            added = insert(vector_store_files).values(**attached, **owner)
            row = await connection.execute(added.returning(vector_store_files.c.seq))
            await insert_chunks(connection, vector_store_id, row.scalar_one(), made)


async def ask(
    store: Store, *queries: str, vectors: "Nearest | None" = None, **options: object
) -> list[SearchResult]:
    request = SearchRequest(queries, **options)  # type: ignore[arg-type]
    return await search(store, await project_id(store), [SHOPS], request, vectors)


@dataclass
class Nearest:
    """Vector search whose answers are written down; keeps what it was asked."""

    found: list[tuple[int, float]]
    asked: list[tuple[Sequence[str], Sequence[str], Filter | None]] = field(default_factory=list)

    async def has_any(self, connection: AsyncConnection, vector_store_ids: Sequence[str]) -> bool:
        return True

    async def nearest(
        self,
        vector_store_ids: Sequence[str],
        queries: Sequence[str],
        where: Filter | None,
        limit: int,
    ) -> list[tuple[int, float]]:
        self.asked.append((vector_store_ids, queries, where))
        return self.found[:limit]


async def seq_of(store: Store, text: str) -> int:
    async with store.read() as connection:
        found = await connection.execute(select(chunks.c.seq).where(chunks.c.text == text))
        return found.scalar_one()


@pytest.mark.parametrize(
    ("query", "filename", "position"),
    [
        ("¿Qué multa hay en Galicia?", "galicia.pdf", 1),
        ("sanciones de Madrid", "madrid.pdf", 1),
        ("3000.50", "galicia.pdf", 1),
        ("How much holiday do staff get?", "handbook.pdf", 0),
        ("When does the lessor return my money?", "handbook.pdf", 1),
        ("工资几号发", "手册.pdf", 1),
    ],
)
async def test_the_passage_that_answers_comes_first(
    store: Store, query: str, filename: str, position: int
) -> None:
    await fill(store, TEXTS)
    first = (await ask(store, query))[0]
    assert (first.filename, first.position, first.page) == (filename, position, position + 1)
    assert first.heading == filename.removesuffix(".pdf")
    assert first.attributes == {"name": first.heading}


async def test_results_are_ordered_and_bounded(store: Store) -> None:
    await fill(store, TEXTS)
    results = await ask(store, "sanción en Galicia o Madrid en euros")
    scores = [result.score for result in results]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1
    assert len(results) == 4
    assert (
        await ask(store, "sanción en Galicia", max_num_results=1)
        == (await ask(store, "sanción en Galicia"))[:1]
    )


async def test_a_threshold_cuts_the_tail(store: Store) -> None:
    await fill(store, TEXTS)
    results = await ask(store, "sanción en Galicia")
    least = results[0].score
    cut = await ask(store, "sanción en Galicia", ranking=RankingOptions(score_threshold=least))
    assert len(results) > len(cut) == 1


async def test_nothing_is_found_where_nothing_is_asked(store: Store) -> None:
    await fill(store, TEXTS)
    assert await ask(store, "") == []
    assert await ask(store) == []
    assert await ask(store, "volcano") == []
    assert await ask(store, "\"' OR NOT ( * ) : & | ! <->") == []


async def test_several_queries_find_what_any_of_them_finds(store: Store) -> None:
    await fill(store, TEXTS)
    results = await ask(store, "domingos", "工资")
    assert {result.filename for result in results} == {"galicia.pdf", "手册.pdf"}


async def test_filters_choose_files(store: Store) -> None:
    await fill(store, TEXTS)
    wanted = parse_filter({"type": "eq", "key": "name", "value": "madrid"})
    results = await ask(store, "sanción en Galicia", filters=wanted)
    assert {result.filename for result in results} == {"madrid.pdf"}


async def test_files_can_be_chosen_by_id(store: Store) -> None:
    await fill(store, TEXTS)

    async def found(*file_ids: str, **options: object) -> set[str]:
        results = await ask(store, "sanción de euros", file_ids=file_ids, **options)
        return {result.file_id for result in results}

    assert await found() == {"file-galicia", "file-madrid"}
    assert await found("file-madrid") == {"file-madrid"}
    assert await found("file-madrid", "file-galicia", "file-other") == await found()
    assert await found("file-other") == set()
    galicia = parse_filter({"type": "eq", "key": "name", "value": "galicia"})
    assert await found("file-madrid", filters=galicia) == set()


async def test_files_chosen_by_id_are_what_vectors_look_at(store: Store) -> None:
    await fill(store, TEXTS)
    nearest = Nearest([])
    await ask(store, "sanción", vectors=nearest, file_ids=("file-madrid",))
    [(_, _, where)] = nearest.asked
    assert where == OneOfFiles(("file-madrid",))


async def test_another_store_and_another_project_see_nothing(store: Store) -> None:
    await fill(store, TEXTS)
    request = SearchRequest(("sanción",))
    assert await search(store, await project_id(store), ["vs_other"], request) == []
    assert await search(store, "proj_other", [SHOPS], request) == []


async def test_words_common_to_all_chunks_are_still_found(store: Store) -> None:
    await fill(store, {"many": [f"igual texto {i}" for i in range(1_200)]})
    assert len(await ask(store, "igual texto")) == 10
    [first, *_] = await ask(store, "igual texto 777")
    assert first.position == 777


async def test_vectors_find_what_words_miss(store: Store) -> None:
    await fill(store, TEXTS)
    seq = await seq_of(store, TEXTS["handbook"][0])
    vectors = Nearest([(seq, 0.8)])
    wanted = parse_filter({"type": "ne", "key": "name", "value": "x"})
    [found] = await ask(store, "holibobs", vectors=vectors, filters=wanted)
    assert (found.text, found.score) == (TEXTS["handbook"][0], 0.8)
    assert vectors.asked == [([SHOPS], ("holibobs",), wanted)]


async def test_weights_decide_between_words_and_vectors(store: Store) -> None:
    await fill(store, TEXTS)
    vectors = Nearest([(await seq_of(store, TEXTS["madrid"][0]), 0.4)])

    async def first(lexical: float, vector: float) -> str:
        ranking = RankingOptions(lexical_weight=lexical, vector_weight=vector)
        results = await ask(store, "sanción Galicia", vectors=vectors, ranking=ranking)
        scores = [result.score for result in results]
        assert scores == sorted(scores, reverse=True)
        return results[0].text

    assert await first(3, 1) == TEXTS["galicia"][1]
    assert await first(1, 3) == TEXTS["madrid"][0]
    assert await first(0, 1) == TEXTS["madrid"][0]
    assert await first(1, 0) == TEXTS["galicia"][1]


@pytest.mark.xdist_group("postgresql")
async def test_both_databases_rank_alike(postgres_database: Database, tmp_path: Path) -> None:
    queries = ["sanción euros", "domingos", "leave deposit landlord", "押金 工资", "Madrid 900"]
    many = TEXTS | {f"doc{i}": [f"En sitio{i % 7} cierran {i % 5} euros"] for i in range(150)}
    answers = []
    for opened in (open_store(None, tmp_path / "sqlite"), postgres_database.open()):
        async with opened as store:
            await fill(store, many)
            answers.append([await ask(store, query, max_num_results=50) for query in queries])
    assert answers[0] == answers[1]
    assert all(answers[0])


async def test_a_question_that_nothing_answers_scores_below_one_that_something_does(
    store: Store,
) -> None:
    await fill(store, TEXTS)
    answered = await ask(store, "¿Cuántos euros es la multa en Galicia?")
    unanswered = await ask(store, "¿Cuántos habitantes censaron en Galicia?")
    assert answered[0].position == 1
    assert answered[0].score > 0.5 > unanswered[0].score > 0


async def test_the_first_score_is_how_sure_it_is_and_the_rest_have_their_share(
    store: Store,
) -> None:
    await fill(store, TEXTS)
    alone = await ask(store, "sanción en Galicia", max_num_results=1)
    several = await ask(store, "sanción en Galicia")
    assert several[0].score == alone[0].score > 0.9
    assert several[1].score < 0.8 * several[0].score
