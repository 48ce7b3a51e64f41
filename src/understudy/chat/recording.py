"""Keeps the answer to a request that says `store: true`. Knows no HTTP and no engine."""

from dataclasses import dataclass

from understudy.ids import new_id, now_s
from understudy.store.chat_completions import StoredChatCompletions
from understudy.wire.chat import ChatChunk, ChatCompletion, ChatRequest
from understudy.wire.stored_chat import stored_messages


@dataclass(frozen=True, slots=True)
class Recording:
    """Where one answer will be kept, and under which id.

    The id is ours: some providers number answers by a few digits, or not at all.
    """

    stored: StoredChatCompletions
    request: ChatRequest
    """As the program sent it."""
    id: str
    created: int

    def sign(self, answer: ChatCompletion | ChatChunk) -> None:
        """Give an answer, or a piece of it, the id and the time under which it will be found."""
        answer.id = self.id
        answer.created = self.created

    async def keep(self, completion: ChatCompletion) -> None:
        """Store the signed answer; it is there for good once this returns."""
        await self.stored.add(
            completion,
            stored_messages(self.id, self.request["messages"]),
            self.request.get("metadata") or {},
        )


def record(stored: StoredChatCompletions, request: ChatRequest) -> Recording:
    """Return the recording of the answer to a validated request."""
    return Recording(stored, request, new_id("chatcmpl-"), now_s())
