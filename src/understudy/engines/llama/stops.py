"""Finds stop strings in a text that grows. Pure.

llama.cpp finds them too, but loses what only began like one when an answer ends, and it looks for
them in the reasoning as well.
"""

from collections.abc import Sequence
from typing import Any

Piece = tuple[str, list[Any]]
"""A piece of text and what belongs to it: its log probabilities."""


def stop_strings(stop: str | Sequence[str] | None) -> list[str]:
    """Return the stop strings of a request, without empty ones."""
    return [text for text in ([stop] if isinstance(stop, str) else stop or ()) if text]


class StopCutter:
    """Passes a text on as far as no stop string can begin in it."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held: list[Piece] = []
        self.has_stopped = False

    def take(self, text: str, belongings: list[Any]) -> Piece:
        """Return what can be sent once `text` has come."""
        self._held.append((text, belongings))
        held = "".join(text for text, _ in self._held)
        found = [place for stop in self._stops if (place := held.find(stop)) >= 0]
        if found:
            self.has_stopped = True
            return self._cut(min(found))
        return self._release(len(held) - self._beginning(held))

    def rest(self) -> Piece:
        """Return what was held back, when nothing more comes."""
        return self._release(sum(len(text) for text, _ in self._held))

    def _beginning(self, held: str) -> int:
        """Return how many characters at the end could begin a stop string."""
        longest = max((len(stop) for stop in self._stops), default=0) - 1
        for length in range(min(longest, len(held)), 0, -1):
            if any(stop.startswith(held[-length:]) for stop in self._stops):
                return length
        return 0

    def _release(self, length: int) -> Piece:
        """Give out the pieces that lie within the first `length` characters."""
        count = end = 0
        for text, _ in self._held:
            if end + len(text) > length:
                break
            end += len(text)
            count += 1
        given, self._held = self._held[:count], self._held[count:]
        return _joined(given)

    def _cut(self, length: int) -> Piece:
        """Give out the first `length` characters, with what belongs to any of them."""
        text, belongings = self._release(length)
        if len(text) < length:
            rest, more = self._held[0]
            text, belongings = text + rest[: length - len(text)], belongings + more
        self._held = []
        return text, belongings


def _joined(pieces: list[Piece]) -> Piece:
    belongings = [each for _, belongings in pieces for each in belongings]
    return "".join(text for text, _ in pieces), belongings
