"""The chunks of upstream legacy text completions, as dicts: usage once at the end. Pure."""

from typing import Any

import msgspec

from understudy.engines.answers import CHARACTERS_PER_TOKEN, estimated_usage, usage_of
from understudy.engines.decode import RawUsage, read_text

Chunk = dict[str, Any]


class TextNormaliser:
    """Watches one stream of text completion chunks: its finish reasons and its usage."""

    def __init__(self, prompt: object) -> None:
        self._prompt_characters = prompt_characters(prompt)
        self._completion_characters = 0
        self._usage: RawUsage | None = None
        self._head: Chunk = {}
        self._finished: dict[int, bool] = {}

    @property
    def is_finished(self) -> bool:
        """Whether every choice that began has its finish reason."""
        return bool(self._finished) and all(self._finished.values())

    def take(self, chunk: Chunk) -> Chunk | None:
        """Return `chunk` without its usage, or None when that was all it held.

        Raises MalformedAnswer on another shape.
        """
        raw = read_text(chunk)
        passed = {name: value for name, value in chunk.items() if name != "usage"}
        self._usage = raw.usage or self._usage
        if not self._head:
            self._head = {name: passed[name] for name in passed if name != "choices"}
        for choice in raw.choices or ():
            index = choice.index or 0
            self._completion_characters += len(choice.text or "")
            self._finished[index] = self._finished.get(index, False) or bool(choice.finish_reason)
        return passed if raw.choices else None

    def finish(self) -> Chunk:
        """Return the last chunk, which holds the usage."""
        usage = estimated_usage(self._prompt_characters, self._completion_characters)
        if self._usage is not None:
            usage = usage_of(self._usage)
        return {**self._head, "choices": [], "usage": msgspec.to_builtins(usage)}


def whole_text(answer: Chunk, prompt: object) -> Chunk | None:
    """Return a plain text completion with its usage complete, or None when it holds no choice.

    Raises MalformedAnswer on another shape.
    """
    raw = read_text(answer)
    if not raw.choices:
        return None
    made = sum(len(choice.text or "") for choice in raw.choices)
    usage = estimated_usage(prompt_characters(prompt), made)
    if raw.usage is not None:
        usage = usage_of(raw.usage)
    return {**answer, "usage": msgspec.to_builtins(usage)}


def prompt_characters(prompt: object) -> int:
    """Return the length of a prompt in any of its forms; a token id counts as one token."""
    if isinstance(prompt, str):
        return len(prompt)
    if isinstance(prompt, int):
        return CHARACTERS_PER_TOKEN
    if isinstance(prompt, list):
        return sum(prompt_characters(part) for part in prompt)
    return 0
