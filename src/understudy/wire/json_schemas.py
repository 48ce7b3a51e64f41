"""Judging the JSON Schemas that requests carry, for functions and for formats of answers. Pure."""

import functools
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, SchemaError

from understudy.errors import InvalidRequest


def check_schema(schema: dict[str, Any] | None, param: str) -> None:
    """Raise InvalidRequest when `schema` is no JSON Schema."""
    if schema and (problem := _schema_problem(msgspec.json.encode(schema))):
        message = f"Invalid schema for '{param}': {problem}"
        raise InvalidRequest(message, param=param, code="invalid_json_schema")


@functools.lru_cache(maxsize=512)
def _schema_problem(encoded: bytes) -> str | None:
    """Judging a schema costs a millisecond and programs send the same tools with every turn."""
    try:
        Draft202012Validator.check_schema(msgspec.json.decode(encoded))
    except SchemaError as error:
        return f"{error.json_path}: {error.message[:300]}"
    except RecursionError:
        return "it is nested too deeply"
    return None
