"""Bounds of JSON that a request hands over to be kept: its depth, and characters no store keeps."""

from understudy.errors import InvalidValue

_DEEPEST = 100


def check_kept_json(value: object, param: str) -> None:
    """Raise InvalidValue for JSON that is nested too deeply or holds U+0000.

    `param` is where the value stands in the request.
    """
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > _DEEPEST:
            raise InvalidValue(param, f"it is nested more than {_DEEPEST} levels deep")
        if isinstance(part, str) and "\0" in part:  # PostgreSQL keeps no NUL
            raise InvalidValue(param, "it holds the character U+0000")
        if isinstance(part, dict):
            waiting.extend((inner, depth + 1) for inner in (*part, *part.values()))
        elif isinstance(part, list):
            waiting.extend((inner, depth + 1) for inner in part)
