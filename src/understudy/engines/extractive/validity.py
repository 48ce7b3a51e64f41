"""Whether a value is an instance of a schema. Fetches nothing, and no pattern can run away."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from understudy.engines.extractive import patterns


class UnsatisfiableError(Exception):
    """No instance was found that the schema accepts."""


def is_valid(value: Any, schema: Any, root: dict[str, Any]) -> bool:
    """Tell whether `value` is an instance of `schema`, a part of `root`.

    Raises UnsatisfiableError when the schema itself cannot be read.
    """
    from jsonschema.exceptions import UnknownType
    from referencing.exceptions import Unresolvable

    try:
        return bool(_validator(root).evolve(schema=schema).is_valid(value))
    except (Unresolvable, UnknownType, RecursionError, TypeError, ValueError) as error:
        raise UnsatisfiableError from error
    except (AttributeError, KeyError) as error:
        raise UnsatisfiableError from error


def refuse_unreadable(schema: Any) -> None:
    """Raise UnsatisfiableError for what is no schema, or has patterns without a time limit."""
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(formats=()))
    except (SchemaError, RecursionError) as error:
        raise UnsatisfiableError from error
    if {"unevaluatedProperties", "patternProperties"} <= set(_names(schema)):
        raise UnsatisfiableError


def _names(value: Any) -> Iterator[str]:
    parts: Iterable[Any] = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        yield from value
        parts = value.values()
    for part in parts:
        yield from _names(part)


def _validator(root: dict[str, Any]) -> Any:
    import referencing

    judge = _validator_class()
    return judge(root, registry=referencing.Registry(), format_checker=judge.FORMAT_CHECKER)


@lru_cache(maxsize=1)
def _validator_class() -> Any:
    """Return jsonschema's validator with every keyword that runs a pattern replaced."""
    from jsonschema import Draft202012Validator, validators

    judges = {
        "pattern": _judge_pattern,
        "patternProperties": _judge_pattern_properties,
        "additionalProperties": _judge_additional,
    }
    extend: Any = validators.extend
    return extend(Draft202012Validator, judges)


def _judge_pattern(_: Any, pattern: Any, text: Any, __: Any) -> Iterator[Exception]:
    if isinstance(text, str) and not patterns.matches(str(pattern), text):
        yield _failure(f"{text!r} does not match {pattern!r}")


def _judge_pattern_properties(
    validator: Any, by_pattern: Any, value: Any, _: Any
) -> Iterator[Exception]:
    for pattern, part in by_pattern.items() if isinstance(value, dict) else ():
        for name, member in value.items():
            if patterns.matches(pattern, name):
                yield from validator.descend(member, part, path=name, schema_path=pattern)


def _judge_additional(validator: Any, part: Any, value: Any, schema: Any) -> Iterator[Exception]:
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
        if not named and not any(patterns.matches(pattern, name) for pattern in by_pattern):
            yield name


def _failure(message: str) -> Exception:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)
