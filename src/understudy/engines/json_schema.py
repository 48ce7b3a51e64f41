"""Judging values by JSON Schemas that strangers wrote: nothing is fetched, no pattern can run away.

The schema's own validity is judged where it arrives; this module only applies it.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import regex
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError
from referencing import Registry

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


def validator(schema: Mapping[str, Any]) -> Any:
    """Return jsonschema's validator of `schema`, with formats judged.

    A reference that leads out of the schema raises `referencing.exceptions.Unresolvable`.
    """
    judge = _validator_class()
    return judge(schema, registry=Registry(), format_checker=judge.FORMAT_CHECKER)


@lru_cache(maxsize=1)
def _validator_class() -> Any:
    """Return jsonschema's validator with every keyword that runs a pattern replaced."""
    judges = {
        "pattern": _judge_pattern,
        "patternProperties": _judge_pattern_properties,
        "additionalProperties": _judge_additional,
    }
    extend: Any = validators.extend
    return extend(Draft202012Validator, judges)


def _judge_pattern(_: Any, pattern: Any, text: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(text, str) and not matches(str(pattern), text):
        yield _failure(f"{text!r} does not match {pattern!r}")


def _judge_pattern_properties(
    validator: Any, by_pattern: Any, value: Any, _: Any
) -> Iterator[ValidationError]:
    for pattern, part in by_pattern.items() if isinstance(value, dict) else ():
        for name, member in value.items():
            if matches(pattern, name):
                yield from validator.descend(member, part, path=name, schema_path=pattern)


def _judge_additional(
    validator: Any, part: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    for name in _extra(value, schema):
        if part is False:
            yield _failure(f"{name!r} is not allowed")
        elif isinstance(part, dict):
            yield from validator.descend(value[name], part, path=name)


def _extra(value: dict[str, Any], schema: dict[str, Any]) -> Iterable[str]:
    by_pattern = schema.get("patternProperties") or {}
    for name in value:
        named = name in (schema.get("properties") or {})
        if not named and not any(matches(pattern, name) for pattern in by_pattern):
            yield name


def _failure(message: str) -> ValidationError:
    return ValidationError(message)
