"""What personas of one process share, and what a conversation calls for beside the memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from understudy.characters.characters import lorebook_of
from understudy.characters.lore import matching
from understudy.characters.persona import Called
from understudy.chat.completion import ChatCompletions
from understudy.engines.extractive.conversation import text_of
from understudy.ids import now_s
from understudy.retrieval.search import SearchRequest, VectorSearch
from understudy.retrieval.vector_stores import VectorStores
from understudy.store.storage import Storage
from understudy.wire import tokens
from understudy.wire.characters import Character

_PASSAGES = 5
_PASSAGE_TOKENS = 500
_LONGEST_QUERY = 4_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What personas of one process share."""

    storage: Storage
    chat: ChatCompletions
    vectors: VectorSearch | None
    clock: Callable[[], int] = now_s

    async def called_for(
        self, project_id: str, character: Character, messages: Sequence[dict[str, Any]]
    ) -> Called:
        """Return what a conversation calls for beside the character and its memory."""
        texts = [text_of(one.get("content")) for one in messages if one["role"] != "system"]
        asked = [one for one in messages if one["role"] == "user"]
        query = text_of(asked[-1].get("content")) if asked else ""
        return Called(
            lore=await self._lore(project_id, character, texts),
            knowledge=await self._knowledge(project_id, character, query),
            is_first=all(one["role"] != "assistant" for one in messages),
        )

    async def _lore(self, project_id: str, character: Character, texts: Sequence[str]) -> list[str]:
        if character.card is None or not character.card.lorebook_entries:
            return []
        async with self.storage.database.read() as connection:
            book = await lorebook_of(connection, project_id, character.id)
        return [] if book is None else matching(book, texts)

    async def _knowledge(self, project_id: str, character: Character, query: str) -> list[str]:
        """Return the passages of the character's stores that are about `query`; one a line."""
        if not character.knowledge or not query.strip():
            return []
        stores = VectorStores(self.storage, project_id, lambda: None, self.vectors)
        usable = await stores.use(character.knowledge)
        request = SearchRequest((query[:_LONGEST_QUERY],), max_num_results=_PASSAGES)
        found = await stores.search_together(usable, request) if usable else []
        return [tokens.cut(result.text, _PASSAGE_TOKENS) for result in found]
