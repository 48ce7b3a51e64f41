"""Fills a JSON schema with values found in a text: what a model would do, without a model.

Numbers come in their order of appearance, enums and booleans by mention, strings from quotes, from
what follows the property's name, or from the whole text.
"""

import re
from dataclasses import dataclass
from typing import Any

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"[\"'“«]([^\"'”»]+)[\"'”»]")
_MAX_DEPTH = 6


@dataclass
class _Source:
    """The text and what of it was used up."""

    text: str
    numbers: list[str]
    quotes: list[str]
    definitions: dict[str, Any]


def fill(schema: dict[str, Any], text: str) -> Any:
    """Return a value that `schema` accepts, made from `text`."""
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    source = _Source(text, _NUMBER.findall(text), _QUOTED.findall(text), definitions)
    return _value(schema, source, "", 0)


def _value(schema: dict[str, Any], source: _Source, name: str, depth: int) -> Any:
    if "$ref" in schema:
        target = source.definitions.get(schema["$ref"].rpartition("/")[2], {})
        return _value(target, source, name, depth + 1) if depth < _MAX_DEPTH else None
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return _value(_preferred(schema[union]), source, name, depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _mentioned(schema["enum"], source.text)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return _of_kind(kind, schema, source, (name, depth))


def _of_kind(kind: str, schema: dict[str, Any], source: _Source, place: tuple[str, int]) -> Any:
    name, depth = place
    match kind:
        case "object":
            return _object(schema, source, depth)
        case "array":
            return _array(schema, source, name, depth)
        case "integer":
            return int(float(source.numbers.pop(0))) if source.numbers else 1
        case "number":
            return float(source.numbers.pop(0)) if source.numbers else 1.0
        case "boolean":
            return not re.search(r"\b(no|not|false|without)\b", source.text, re.IGNORECASE)
        case "null":
            return None
        case _:
            return _string(source, name)


def _object(schema: dict[str, Any], source: _Source, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    wanted = properties if depth == 0 else {n: properties[n] for n in required if n in properties}
    return {name: _value(part, source, name, depth + 1) for name, part in wanted.items()}


def _array(schema: dict[str, Any], source: _Source, name: str, depth: int) -> list[Any]:
    items = schema.get("items", {"type": "string"})
    count = max(schema.get("minItems", 1), 1)
    if items.get("type") in ("integer", "number"):
        count = max(count, len(source.numbers))
    return [_value(items, source, name, depth + 1) for _ in range(count)]


def _string(source: _Source, name: str) -> str:
    if source.quotes:
        return source.quotes.pop(0)
    stem = re.escape(name.replace("_", " "))
    if stem and (found := re.search(rf"\b{stem}\b\W+(?:is |of |= )?(\w+)", source.text, re.I)):
        return found[1]
    if found := re.search(r"\bin ([A-ZÁÉÍÓÚÑ][\w\-]*(?: [A-Z][\w\-]*)*)", source.text):
        return found[1]
    return source.text.strip()


def _mentioned(options: list[Any], text: str) -> Any:
    lowered = text.lower()
    return next((option for option in options if str(option).lower() in lowered), options[0])


def _preferred(options: list[dict[str, Any]]) -> dict[str, Any]:
    return next((option for option in options if option.get("type") != "null"), options[0])
