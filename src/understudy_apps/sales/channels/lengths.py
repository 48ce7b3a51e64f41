"""Cuts long texts for channels that limit a message. Pure."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re

MAX_TEXT_CHARACTERS = 4000
"""The longest message that is taken from a visitor."""

_BREAKS = (
    re.compile(r"\n\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?。！？])\s*"),
    re.compile(r"\s"),
)
_LEAST_FILLED = 0.5


def parts_of(text: str, most: int) -> list[str]:
    """Return a text in parts of at most `most` UTF-16 units, as Telegram counts.

    Each ends at a paragraph, else at a line, a sentence or a word, if one ends in its second half.
    """
    parts = []
    rest = text.strip()
    while _units(rest) > most:
        end = _end(rest, _characters(rest, most))
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*parts, rest] if rest else parts


def _end(text: str, longest: int) -> int:
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(text, 0, longest)]
        if ends and ends[-1] >= longest * _LEAST_FILLED:
            return ends[-1]
    return longest


def _characters(text: str, units: int) -> int:
    """Return how many characters fit into so many units."""
    used = 0
    for position, character in enumerate(text):
        used += _units(character)
        if used > units:
            return position
    return len(text)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
