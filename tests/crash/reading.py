"""Documents to read, and what the database and the clients of a server say of them afterwards."""

import asyncio
import contextlib
import io
import random
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from reportlab.pdfgen.canvas import Canvas
from tests.databases import Database

_LONG_TEXTS = 2
_PARAGRAPHS = 1200
_PAGES = 12
_VOCABULARY = (
    "the contract of sale binds seller and buyer when goods leave harbour under insurance or "
    "credit while delivery payment notice claim damage interest court appeal remain as agreed"
).split()
_CHUNKS = (
    "SELECT f.file_id, c.position, c.page, c.heading, c.text, c.tokens, c.terms"
    " FROM vector_store_files AS f JOIN chunks AS c ON c.file_seq = f.seq"
    " ORDER BY f.file_id, c.position"
)
_CHUNKS_WITHOUT_FILE = (
    "SELECT count(*) FROM chunks WHERE file_seq NOT IN (SELECT seq FROM vector_store_files)"
)


@dataclass(frozen=True)
class Outcome:
    """What became of the documents: by file name its status and the code of its error, and the
    chunks in the table, in their order."""

    statuses: dict[str, tuple[str, str | None]]
    chunks: dict[str, list[tuple[Any, ...]]]


def documents() -> dict[str, bytes]:
    """Return contents by file name: long texts, a short one, a PDF, and one that is broken."""
    made = {f"long-{n}.txt": _prose(n, _PARAGRAPHS) for n in range(_LONG_TEXTS)}
    pages = [f"Page {n} speaks of {' '.join(_VOCABULARY)}." for n in range(_PAGES)]
    return {
        "broken.pdf": b"%PDF-1.7\nnothing follows",
        **made,
        "pages.pdf": _pdf([*pages, f"At the end stands {last_word('pages.pdf')}."]),
        "short.txt": _prose(_LONG_TEXTS, 3, "short.txt"),
    }


def last_word(filename: str) -> str:
    """Return the word with which the document of this name ends, and no other does."""
    return "omega" + "".join(letter for letter in filename if letter.isalnum())


def prose(paragraphs: int, filename: str) -> bytes:
    """Return a text of so many paragraphs, which ends with the last word of this name."""
    return _prose(0, paragraphs, filename)


def upload(client: httpx2.Client, filename: str, content: bytes) -> str:
    """Upload a file and return its id."""
    form = {"files": {"file": (filename, content)}, "data": {"purpose": "assistants"}}
    return str(answer(client.post("/files", **form))["id"])


def add_documents(client: httpx2.Client) -> tuple[str, dict[str, str]]:
    """Upload the documents and queue them; return the vector store and file names by id."""
    names = {upload(client, name, content): name for name, content in documents().items()}
    store = answer(client.post("/vector_stores", json={"file_ids": list(names)}))
    return store["id"], names


def is_read(client: httpx2.Client, store_id: str) -> bool:
    """Tell whether no file of the store is in progress."""
    return answer(client.get(f"/vector_stores/{store_id}"))["status"] == "completed"


def file_counts(client: httpx2.Client, store_id: str) -> dict[str, int]:
    """Return how many files the store says are in each status."""
    counts: dict[str, int] = answer(client.get(f"/vector_stores/{store_id}"))["file_counts"]
    return counts


def listed_counts(client: httpx2.Client, store_id: str) -> dict[str, int]:
    """Return the same, counted from the lists of files."""
    files = f"/vector_stores/{store_id}/files?limit=100"
    statuses = ("in_progress", "completed", "failed", "cancelled")
    counts = {
        status: len(answer(client.get(f"{files}&filter={status}"))["data"]) for status in statuses
    }
    return {**counts, "total": len(answer(client.get(files))["data"])}


def filenames_with(client: httpx2.Client, store_id: str, word: str) -> list[str]:
    """Return the names of the files in which a search finds a chunk that holds the word."""
    found = answer(client.post(f"/vector_stores/{store_id}/search", json={"query": word}))["data"]
    return [hit["filename"] for hit in found if word in hit["content"][0]["text"]]


def outcome(
    client: httpx2.Client, database: Database, store_id: str, names: dict[str, str]
) -> Outcome:
    """Return what became of the documents."""
    files = answer(client.get(f"/vector_stores/{store_id}/files?limit=100"))["data"]
    errors = {file["id"]: (file["last_error"] or {}).get("code") for file in files}
    chunks: dict[str, list[tuple[Any, ...]]] = {}
    for file_id, *chunk in rows(database, _CHUNKS):
        chunks.setdefault(names[file_id], []).append(tuple(chunk))
    return Outcome({names[f["id"]]: (f["status"], errors[f["id"]]) for f in files}, chunks)


def chunks_without_file(database: Database) -> int:
    """Return how many chunks belong to no row of the queue."""
    ((count,),) = rows(database, _CHUNKS_WITHOUT_FILE)
    return int(count)


def indexed_words(database: Database) -> dict[int, int]:
    """Return how many words the full-text index holds for each chunk it knows, by seq."""
    if database.kind == "postgresql":
        return dict(rows(database, "SELECT seq, length(terms_indexed) FROM chunks"))
    with contextlib.closing(sqlite3.connect(_sqlite_file(database))) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, chunks_fts, instance)"
        )
        return dict(connection.execute("SELECT doc, count(*) FROM temp.words GROUP BY doc"))


def words_to_index(database: Database) -> dict[int, int]:
    """Return how many different words each chunk has, by seq."""
    found = rows(database, "SELECT seq, terms FROM chunks")
    return {seq: len(set(terms.split())) for seq, terms in found}


def _prose(seed: int, paragraphs: int, filename: str | None = None) -> bytes:
    chosen = random.Random(seed)
    made = [
        f"Clause {n}. " + " ".join(chosen.choices(_VOCABULARY, k=40)) + "."
        for n in range(paragraphs)
    ]
    return "\n\n".join([*made, last_word(filename or f"long-{seed}.txt")]).encode()


def _pdf(pages: list[str]) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, invariant=True)
    for page in pages:
        canvas.drawString(72, 720, page[:90])
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def answer(response: httpx2.Response) -> Any:
    """Return the JSON of an answer, which must not be an error."""
    assert response.status_code == 200, response.text
    return response.json()


def _sqlite_file(database: Database) -> Path:
    return database.data_dir / "understudy.db"


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    """Return what the database of a server answers to a query."""
    if database.kind == "postgresql":
        return asyncio.run(_postgres_rows(str(database.url), query))
    with contextlib.closing(sqlite3.connect(_sqlite_file(database))) as connection:
        return connection.execute(query).fetchall()


async def _postgres_rows(url: str, query: str) -> list[tuple[Any, ...]]:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()
