"""Counting, cutting and streaming of text in the embedded model's tokens.

A token is up to four letters of a word, up to three digits, one CJK character or one symbol, each
with the white space before it. Knows nothing of models or prompts' meaning.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOKEN = re.compile(rf"\s*+(?:[{_CJK}]|[^\W\d_{_CJK}]{{1,4}}+|\d{{1,3}}+|\S)|\s++")
_WORD = re.compile(rf"\s*+(?:[{_CJK}]|[^\s{_CJK}]{{1,64}}+)|\s++")

TOKENS_PER_MESSAGE = 4
TOKENS_PER_ANSWER_START = 3


def count(text: str) -> int:
    """Return the number of tokens of `text`."""
    return len(_TOKEN.findall(text))


def cut(text: str, limit: int) -> str:
    """Return the first `limit` tokens of `text`."""
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number == limit:
            return text[: match.start()]
    return text


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
