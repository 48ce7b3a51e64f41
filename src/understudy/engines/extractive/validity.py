"""Whether a value is an instance of a schema, for schemas that may be unreadable."""

from collections.abc import Iterable, Iterator
from typing import Any

from understudy.engines.json_schema import validator


class UnsatisfiableError(Exception):
    """No instance was found that the schema accepts."""


def is_valid(value: Any, schema: Any, root: dict[str, Any]) -> bool:
    """Tell whether `value` is an instance of `schema`, a part of `root`.

    Raises UnsatisfiableError when the schema itself cannot be read.
    """
    from jsonschema.exceptions import UnknownType
    from referencing.exceptions import Unresolvable

    try:
        return bool(validator(root).evolve(schema=schema).is_valid(value))
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
