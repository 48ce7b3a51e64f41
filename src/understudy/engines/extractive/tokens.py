"""The tokens of a prompt, and the pieces in which the embedded model's text is streamed.

What a token is stands in `wire/tokens.py`. Knows nothing of models or prompts' meaning.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from understudy.wire.tokens import CJK, count, cut

__all__ = ["count", "count_prompt", "cut", "words"]

_WORD = re.compile(rf"\s*+(?:[{CJK}]|[^\s{CJK}]{{1,64}}+)|\s++")

TOKENS_PER_MESSAGE = 4
TOKENS_PER_ANSWER_START = 3


def words(text: str) -> list[str]:
    """Split `text` into the pieces in which it is streamed; together they are `text` again."""
    return _WORD.findall(text)


def count_prompt(messages: Iterable[Any], tools: object) -> int:
    """Return the tokens of a prompt: every message's strings, a fee a message, and the tools."""
    total = TOKENS_PER_ANSWER_START
    for message in messages:
        total += TOKENS_PER_MESSAGE + _count_value(message)
    if tools:
        total += count(json.dumps(tools, ensure_ascii=False, separators=(",", ":")))
    return total


def _count_value(value: Any) -> int:
    if isinstance(value, str):
        return count(value)
    if isinstance(value, dict):
        return sum(_count_value(item) for name, item in value.items() if name not in _UNCOUNTED)
    if isinstance(value, list):
        return sum(_count_value(item) for item in value)
    return 0


_UNCOUNTED = frozenset({"role", "type", "id", "tool_call_id"})
