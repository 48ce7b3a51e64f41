"""A summary of the older turns of a thread, for models that are told to work with one.

Pure but for the model, which is asked through a callable. The summary is a part of the thread's
document: who stores it is not known here.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from understudy.runs.prompt import ChatMessage
from understudy.runs.truncation import split_turns
from understudy.store.items import Item
from understudy.wire import tokens

DEFAULT_TURNS = 10
"""Kept as they are where the model's settings do not say how many."""
_LONGEST_TRANSCRIPT_TOKENS = 24_000
_NEAR_LIMIT = 0.7
"""The part of a prompt that the turns of a thread may fill before the older ones are due."""
_SPEAKERS = {"user": "User", "assistant": "Assistant"}
_INSTRUCTIONS = (
    "Summarise the conversation for the assistant that goes on with it. Keep names, numbers, "
    "dates, what was decided or promised, and what is still open. At most 300 words, in the "
    "language of the conversation, without an introduction."
)

Complete = Callable[[list[ChatMessage]], Awaitable[str]]
"""Asks the model and returns the text of its answer."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A text in place of all items up to the one with the id `up_to`."""

    up_to: str
    text: str

    def document(self) -> dict[str, Any]:
        """Return it as the thread's document holds it."""
        return {"up_to": self.up_to, "text": self.text}


def read(document: dict[str, Any] | None) -> Summary | None:
    """Return the summary that a thread's document holds, if any."""
    return None if document is None else Summary(document["up_to"], document["text"])


class Summariser:
    """Keeps the last turns of a thread as they are, and the older ones as a summary."""

    def __init__(self, complete: Complete, turns: int) -> None:
        """At least `turns` turns are kept; twice as many are there before a summary is renewed."""
        self._complete = complete
        self._turns = turns

    async def renew(self, items: Sequence[Item], summary: Summary | None) -> Summary | None:
        """Return the summary to use from now on, which is the same one while it is new enough."""
        if summary is not None and all(item.id != summary.up_to for item in items):
            summary = None  # what it ends with was deleted, and so must be what it says of it
        due = due_items(items, summary, self._turns)
        return await self.summary(due, summary, _LONGEST_TRANSCRIPT_TOKENS) if due else summary

    async def summary(
        self, due: Sequence[Item], previous: Summary | None, most_tokens: int
    ) -> Summary | None:
        """Return a summary of items and of what one before them says.

        The model is shown at most `most_tokens` tokens of them at once.
        """
        told = previous
        for part in parts_of(due, min(most_tokens, _LONGEST_TRANSCRIPT_TOKENS)):
            before = "" if told is None else told.text
            text = (await self._complete(request(part, before))).strip()
            if not text:
                return told
            told = Summary(part[-1].id, text)
        return told


def uncovered(items: Sequence[Item], summary: Summary | None) -> list[Item]:
    """Return the items that the summary does not stand for: all, when its last one was deleted."""
    if summary is None:
        return list(items)
    places = [place for place, item in enumerate(items) if item.id == summary.up_to]
    return list(items[places[0] + 1 :]) if places else list(items)


def due_items(items: Sequence[Item], summary: Summary | None, turns: int) -> list[Item]:
    """Return the items to be summarised now: none before there are twice as many turns as kept.

    So the model is asked once for so many turns, not again at each.
    """
    left = uncovered(items, summary)
    older, _ = split_turns(left, 2 * turns)
    return split_turns(left, turns)[0] if older else []


def due_near_limit(items: Sequence[Item], summary: Summary | None, most_tokens: int) -> list[Item]:
    """Return the items to be summarised because all without a summary come near `most_tokens`.

    Whole turns are kept, as many as take half as much as would be too much, and at least one.
    """
    left = uncovered(items, summary)
    if _size(left) < _NEAR_LIMIT * most_tokens:
        return []
    kept = 1
    while _size(split_turns(left, kept + 1)[1]) < _NEAR_LIMIT / 2 * most_tokens:
        kept += 1
    return split_turns(left, kept)[0]


def parts_of(items: Sequence[Item], most_tokens: int) -> list[list[Item]]:
    """Return items in consecutive parts of at most `most_tokens` each; a longer item is alone."""
    parts: list[list[Item]] = []
    size = 0
    for item in items:
        own = _size([item])
        if not parts or size + own > most_tokens:
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += own
    return parts


def _size(items: Sequence[Item]) -> int:
    return sum(tokens.count(_line(item)) for item in items)


def request(items: Sequence[Item], previous: str) -> list[ChatMessage]:
    """Return the chat messages that ask for a summary of items and of what was said before them."""
    lines = [line for item in items if (line := _line(item))]
    if previous:
        lines.insert(0, f"Before: {previous}")
    transcript = tokens.cut("\n".join(lines), _LONGEST_TRANSCRIPT_TOKENS)
    return [
        {"role": "system", "content": _INSTRUCTIONS},
        {"role": "user", "content": f"Summarise this conversation:\n{transcript}"},
    ]


def _line(item: Item) -> str:
    """Return an item as a line of a transcript, empty when it says nothing."""
    document = item.document
    if item.type == "function_call":
        return f"Assistant called {document['name']}({document['arguments']})"
    if item.type == "function_call_output":
        return f"Result: {document['output']}"
    if item.type != "message":
        return ""
    texts = [part.get("text") or part.get("refusal") or "" for part in document["content"]]
    said = "\n".join(text for text in texts if text)
    return f"{_SPEAKERS[document['role']]}: {said}" if said else ""
