"""File search for responses: the stores that a tool names, and the searches a model calls for."""

from collections.abc import Sequence
from dataclasses import dataclass

from understudy.errors import NotFound
from understudy.retrieval.filters import parse_filter
from understudy.retrieval.search import VectorSearch
from understudy.retrieval.vector_stores import VectorStores
from understudy.runs.file_search import Found, Options, Wanted, execute
from understudy.store.storage import Storage
from understudy.wire.response_tools import FileSearchTool, ResponseTool
from understudy.wire.vector_stores import check_weights


@dataclass(frozen=True, slots=True)
class StoreSearches:
    """The searches of one project; `wait_s` is for files that are still being read."""

    storage: Storage
    project_id: str
    vectors: VectorSearch | None
    wait_s: float

    async def check(self, tools: Sequence[ResponseTool]) -> None:
        """Raise NotFound for a store that is not there, InvalidRequest for wrong filters."""
        for index, tool in enumerate(tools):
            if not isinstance(tool, FileSearchTool):
                continue
            _options(tool, f"tools[{index}].")
            usable = await self._stores().use(tool.vector_store_ids)
            for place, id_ in enumerate(tool.vector_store_ids):
                if id_ not in usable:
                    raise NotFound(
                        f"No vector store found with id '{id_}', or it has expired.",
                        param=f"tools[{index}].vector_store_ids[{place}]",
                        code="not_found",
                    )

    async def make(self, tool: FileSearchTool, queries: Sequence[str]) -> Found:
        """Search the stores of a tool."""
        wanted = Wanted(queries, tool.vector_store_ids, options=_options(tool, ""))
        return await execute(self._stores(), wanted, self.wait_s)

    def _stores(self) -> VectorStores:
        return VectorStores(self.storage, self.project_id, lambda: None, self.vectors)


def _options(tool: FileSearchTool, prefix: str) -> Options:
    """Return how a tool searches; `prefix` goes before the names of fields in errors."""
    options = Options()
    filters = None if tool.filters is None else parse_filter(tool.filters, f"{prefix}filters")
    lexical, vector, threshold = 1.0, 1.0, 0.0
    if (ranking := tool.ranking_options) is not None:
        threshold = ranking.score_threshold
        if ranking.hybrid_search is not None:
            at = f"{prefix}ranking_options.hybrid_search"
            weights = check_weights(ranking.hybrid_search, at)
            lexical, vector = weights.text_weight, weights.embedding_weight
    return Options(
        max_num_results=tool.max_num_results or options.max_num_results,
        score_threshold=threshold,
        filters=filters,
        lexical_weight=lexical,
        vector_weight=vector,
    )
