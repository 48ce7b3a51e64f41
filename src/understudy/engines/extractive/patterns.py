"""Whether strings fit a schema's pattern and lengths; a pattern that runs away matches nothing."""

from functools import lru_cache
from typing import Any

import regex

_TIMEOUT_S = 0.02
_MOST_COMPILED = 1_024


class _Pattern:
    """A pattern, and whether it has once used up its time: then it is not run again."""

    def __init__(self, source: str) -> None:
        self._compiled = regex.compile(source)
        self._runs_away = False

    def matches(self, text: str) -> bool:
        """Tell whether `text` holds a match."""
        if self._runs_away:
            return False
        try:
            return self._compiled.search(text, timeout=_TIMEOUT_S) is not None
        except TimeoutError:
            self._runs_away = True
            return False


def matches(pattern: str, text: str) -> bool:
    """Tell whether `text` matches a schema's pattern; one that cannot be read matches nothing."""
    try:
        return _compiled(pattern).matches(text)
    except (regex.error, ValueError, RecursionError):
        return False


@lru_cache(maxsize=_MOST_COMPILED)
def _compiled(pattern: str) -> _Pattern:
    return _Pattern(pattern)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Tell whether a string found in a text may stand for `schema`; other values may."""
    if not isinstance(value, str):
        return True
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not matches(pattern, value):
        return False
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    if isinstance(shortest, int) and len(value) < shortest:
        return False
    if isinstance(longest, int) and len(value) > longest:
        return False
    allowed = schema.get("enum")
    return not isinstance(allowed, list) or value in allowed
