"""A document from upload to citation: the row that answers comes first, with its page."""

from pathlib import Path

import anyio
import openai
from tests.http.databases import served
from tests.http.serving import Served
from tests.retrieval.extract.documents import REGIONS, SHOP_RULES, shop_rules

from understudy.retrieval.cite import cite, passages
from understudy.retrieval.search import SearchRequest, SearchResult, search
from understudy.store.db import open_store
from understudy.store.keys import project_id

__all__ = ["served"]

OPENING_PAGE = 2 + [*SHOP_RULES].index("Apertura de tiendas en domingos y festivos")


def row(region: str) -> str:
    """Return the row of a region in the table of opening days, as it is read."""
    number = REGIONS.index(region)
    days = f"los {number} primeros domingos y el 8 de diciembre"
    return f"Comunidad: {region}; Días: {days}; Observaciones: Orden {number + 100}"


def found_in_database(served: Served, store_id: str, query: str) -> list[SearchResult]:
    """Return what the server's database gives below HTTP, pages included."""
    url = served.settings.database_url
    data_dir = served.settings.data_dir

    async def found() -> list[SearchResult]:
        async with open_store(url.get_secret_value() if url else None, data_dir) as store:
            request = SearchRequest((query,))
            return await search(store, await project_id(store), [store_id], request)

    return anyio.run(found)


def test_a_spanish_pdf_tells_when_shops_may_open(served: Served, tmp_path: Path) -> None:
    pdf = shop_rules(tmp_path / "normas.pdf")
    with openai.OpenAI(base_url=f"{served.root}/v1", api_key="any", max_retries=0) as client:
        store_id = client.vector_stores.create().id
        done = client.vector_stores.files.upload_and_poll(vector_store_id=store_id, file=pdf)
        assert done.status == "completed"
        for region in REGIONS:
            query = f"¿Qué días pueden abrir las tiendas en {region}?"
            (first, *_) = client.vector_stores.search(store_id, query=query)
            (content,) = first.content
            title, header, *rows = content.text.splitlines()
            assert title == "Apertura de tiendas en domingos y festivos"
            assert header == "Comunidad | Días | Observaciones"
            assert row(region) in rows
            assert (first.file_id, first.filename) == (done.id, "normas.pdf")

    (first, *_) = results = found_in_database(served, store_id, query)
    assert first.page == OPENING_PAGE
    shown = passages(results)[0]
    assert (shown.number, shown.filename, shown.page) == (1, "normas.pdf", str(OPENING_PAGE))
    (citation,) = cite(f"En {region} abren el 8 de diciembre【1】.", results).citations
    assert (citation.file_id, citation.filename) == (done.id, "normas.pdf")
    assert (citation.page, citation.quote) == (OPENING_PAGE, row(region))
