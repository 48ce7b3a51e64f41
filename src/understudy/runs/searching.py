"""Makes the searches that a model has called for, and writes down what they found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from msgspec import structs

from understudy.retrieval.search import VectorSearch
from understudy.retrieval.vector_stores import VectorStores
from understudy.runs.file_search import (
    Found,
    Options,
    Wanted,
    asked_in,
    execute,
    named_files,
    options,
)
from understudy.runs.messages import threads_of
from understudy.runs.tool_resources import resources_in
from understudy.runs.tools import search_queries
from understudy.store.items import Item
from understudy.store.runs import StoredRun
from understudy.store.storage import Storage
from understudy.wire.steps import (
    FileSearch,
    FileSearchResult,
    FileSearchToolCall,
    ResultContent,
    RunStep,
    StepToolCall,
    ToolCallsDetails,
    UsedRanking,
)

_RANKER: Final = "default_2024_08_21"


@dataclass(frozen=True, slots=True)
class Searches:
    """Makes the searches of every run of one process; `wait_s` is for files still being read."""

    storage: Storage
    vectors: VectorSearch | None
    wait_s: float

    async def make(
        self, run: StoredRun, step: RunStep, items: Sequence[Item]
    ) -> tuple[RunStep, list[Item]]:
        """Return the step and the items of its searches, with what was found."""
        store_ids = await self._store_ids(run)
        wanted = options(run.document["tools"])
        named = named_files(run.document["instructions"], items, run.id)
        searched: dict[str, Item] = {}
        for item in items:
            if item.step_id == step.id and item.type == "file_search_call":
                queries = search_queries(item.document["arguments"], asked_in(items))
                search = Wanted(queries, store_ids, named, wanted)
                found = await execute(self._stores(run), search, self.wait_s)
                searched[item.document["call_id"]] = _searched(item, queries, found)
        return _shown(step, searched, wanted), list(searched.values())

    def _stores(self, run: StoredRun) -> VectorStores:
        return VectorStores(self.storage, run.project_id, lambda: None, self.vectors)

    async def _store_ids(self, run: StoredRun) -> list[str]:
        """Return the stores of the assistant, as they were when the run began, and the thread's."""
        async with self.storage.database.read() as connection:
            thread = await threads_of(run.project_id).find(connection, run.thread_id)
        return [*run.document["assistant_store_ids"], *resources_in(thread.document).store_ids]


def _searched(item: Item, queries: Sequence[str], found: Found) -> Item:
    document: dict[str, Any] = {
        **item.document,
        "status": "completed",
        "queries": list(queries),
        "results": found.results,
    }
    return replace(item, document=document, extra={**item.extra, "note": found.note})


def _shown(step: RunStep, searched: dict[str, Item], wanted: Options) -> RunStep:
    if not isinstance(step.step_details, ToolCallsDetails):
        return step
    calls: list[StepToolCall] = [
        FileSearchToolCall(call.id, _file_search(searched[call.id], wanted))
        if isinstance(call, FileSearchToolCall) and call.id in searched
        else call
        for call in step.step_details.tool_calls
    ]
    return structs.replace(step, step_details=ToolCallsDetails(calls))


def _file_search(item: Item, wanted: Options) -> FileSearch:
    results = [
        FileSearchResult(
            one["file_id"], one["filename"], one["score"], [ResultContent(one["text"])]
        )
        for one in item.document["results"]
    ]
    return FileSearch(UsedRanking(_RANKER, wanted.score_threshold), results)
