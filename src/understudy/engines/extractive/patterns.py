"""Whether strings found in a text fit a schema's pattern, lengths and values."""

from typing import Any

from understudy.engines.json_schema import matches


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
