"""Calls of functions and their outputs in a conversation: which of them fit together. Pure."""

from collections.abc import Iterable

from understudy.wire.response_items import ItemDocument


class Calls:
    """The calls of a conversation as far as it was noted."""

    def __init__(self, documents: Iterable[ItemDocument] = ()) -> None:
        """`documents` are the items that are there, in their order."""
        self._open: set[str] = set()
        self._answered: set[str] = set()
        for document in documents:
            self.note(document)

    def note(self, document: ItemDocument) -> None:
        """Take the next item of the conversation."""
        match document["type"]:
            case "function_call":
                self._open.add(document["call_id"])
            case "function_call_output":
                self._open.discard(document["call_id"])
                self._answered.add(document["call_id"])

    def objection(self, document: ItemDocument) -> str | None:
        """Return why an item cannot be the next one; None if it can.

        Some providers number the calls of each answer anew, so the id of an answered call may come
        again.
        """
        match document["type"]:
            case "function_call" if document["call_id"] in self._open:
                return f"the call '{document['call_id']}' is there already and has no output yet"
            case "function_call_output" if document["call_id"] not in self._open:
                return self._why_unexpected(document["call_id"])
        return None

    def _why_unexpected(self, call_id: str) -> str:
        if call_id in self._answered:
            return f"the call '{call_id}' has its output already"
        return f"there is no function_call '{call_id}' before this output"
