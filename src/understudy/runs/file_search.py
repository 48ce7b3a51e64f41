"""File search within a run: which stores and files are searched, and what of it the model gets.

Knows nothing of models and prompts: results go into an item, and `prompt` shows them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from understudy.retrieval.filters import Filter
from understudy.retrieval.search import RankingOptions, SearchRequest, SearchResult
from understudy.retrieval.vector_stores import VectorStores
from understudy.store.items import Item
from understudy.wire import tokens

MOST_TOKENS = 16_000
"""What the passages of one search may take of a prompt, as with OpenAI."""
_MOST_RESULTS = 20
_LOOK_EVERY_S = 0.1
_MOST_NAMED = 500
_FILE_ID = re.compile(r"\bfile[-_][A-Za-z0-9_-]{4,64}")


@dataclass(frozen=True, slots=True)
class Options:
    """How the tool of a run searches."""

    max_num_results: int = _MOST_RESULTS
    score_threshold: float = 0.0
    most_tokens: int = MOST_TOKENS
    filters: Filter | None = None
    lexical_weight: float = 1.0
    vector_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """One search: `named` are ids of files to which it is narrowed, if the stores hold them."""

    queries: Sequence[str]
    store_ids: Sequence[str]
    named: Sequence[str] = ()
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave: results as an item holds them, and what the model must know besides."""

    results: list[dict[str, Any]]
    note: str = ""


def options(tools: Sequence[Mapping[str, Any]]) -> Options:
    """Return how the file search among a run's tools is to search."""
    given = next((tool for tool in tools if tool["type"] in ("file_search", "retrieval")), {})
    said = given.get("file_search") or {}
    ranking = said.get("ranking_options") or {}
    return Options(
        max_num_results=said.get("max_num_results") or _MOST_RESULTS,
        score_threshold=ranking.get("score_threshold") or 0.0,
    )


def asked_in(items: Sequence[Item]) -> str:
    """Return the text of the user's last message."""
    for item in reversed(items):
        if item.type == "message" and item.document["role"] == "user":
            parts = item.document["content"]
            return "\n".join(part["text"] for part in parts if part["type"] == "input_text")
    return ""


def named_files(instructions: str, items: Sequence[Item], run_id: str) -> list[str]:
    """Return the ids of files in a run's instructions and in the outputs of its functions."""
    texts = [instructions]
    texts += [
        str(item.document["output"])
        for item in items
        if item.type == "function_call_output" and item.run_id == run_id
    ]
    ids = (match[0] for text in texts for match in _FILE_ID.finditer(text))
    return list(dict.fromkeys(ids))[:_MOST_NAMED]


async def execute(stores: VectorStores, wanted: Wanted, wait_s: float) -> Found:
    """Search the stores once their files are read, or `wait_s` has passed.

    Stores that were deleted or have expired are left out, and the note says so.
    """
    asked = list(dict.fromkeys(wanted.store_ids))
    usable = await stores.use(asked)
    unread = await _wait(stores, usable, wait_s) if usable else 0
    note = " ".join(_notes(asked, usable, unread))
    if not usable:
        return Found([], note)
    request = SearchRequest(
        queries=tuple(wanted.queries),
        max_num_results=wanted.options.max_num_results,
        filters=wanted.options.filters,
        ranking=RankingOptions(
            score_threshold=wanted.options.score_threshold,
            lexical_weight=wanted.options.lexical_weight,
            vector_weight=wanted.options.vector_weight,
        ),
        file_ids=tuple(await stores.holding(usable, wanted.named)),
    )
    results = await stores.search_together(usable, request)
    return Found([*_fitting(results, wanted.options.most_tokens)], note)


async def _wait(stores: VectorStores, store_ids: Sequence[str], wait_s: float) -> int:
    """Wait until every file is read; return how many are not."""
    deadline_s = anyio.current_time() + wait_s
    unread = await stores.count_unread(store_ids)
    while unread and anyio.current_time() < deadline_s:
        await anyio.sleep(_LOOK_EVERY_S)
        unread = await stores.count_unread(store_ids)
    return unread


def _notes(asked: Sequence[str], usable: Sequence[str], unread: int) -> Iterator[str]:
    if not asked:
        yield "No documents are attached."
    if gone := [id_ for id_ in asked if id_ not in usable]:
        yield f"Not searched, since deleted or expired: {', '.join(gone)}."
    if unread:
        yield f"Not searched, since still being read: {unread} of the documents."


def _fitting(results: Sequence[SearchResult], most_tokens: int) -> Iterator[dict[str, Any]]:
    """Yield the best results that fit, the first one in any case, cut if it must be."""
    left = most_tokens
    for number, result in enumerate(results):
        size = tokens.count(result.text)
        if size > left and number:
            return
        left -= size
        yield _as_item(result, tokens.cut(result.text, most_tokens))


def _as_item(result: SearchResult, text: str) -> dict[str, Any]:
    return {
        "file_id": result.file_id,
        "filename": result.filename,
        "score": result.score,
        "text": text,
        "page": result.page,
        "attributes": result.attributes,
    }
