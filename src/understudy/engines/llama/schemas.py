"""JSON Schemas as llama.cpp's grammars can express them: what they enforce, and how several
schemas become one. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

JSON_FORMATS: Final = frozenset({"json_object", "json_schema"})
"""The types of `response_format` that become a grammar."""
_UNENFORCED: Final = frozenset(
    {
        "$anchor",
        "$dynamicRef",
        "$id",
        "allOf",
        "contains",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "if",
        "maxProperties",
        "minProperties",
        "multipleOf",
        "not",
        "patternProperties",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
    }
)
_BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_FORMATS: Final = frozenset({"date", "time", "date-time", "uuid"})
_BY_NAME: Final = ("properties", "$defs", "definitions")
_IN_LISTS: Final = ("anyOf", "oneOf", "prefixItems")
_DIRECT: Final = ("items", "additionalProperties")
_VALUES: Final = frozenset({"const", "default", "enum", "examples"})
"""Keywords whose contents are values, not schemas."""


def is_enforced(schema: Schema) -> bool:
    """Tell whether a grammar enforces all of `schema`; what it leaves open has to be validated."""
    return all(_is_enforced_here(part) for part in _parts(schema))


def _is_enforced_here(schema: Schema) -> bool:
    if _UNENFORCED & schema.keys():
        return False
    if _BOUNDS & schema.keys() and schema.get("type") != "integer":
        return False
    if "format" in schema and schema["format"] not in _FORMATS:
        return False
    if set(schema.get("required") or ()) - set(schema.get("properties") or ()):
        return False
    pattern = str(schema.get("pattern", "^$"))
    return pattern.startswith("^") and pattern.endswith("$") and "(?" not in pattern


def _parts(schema: Any) -> Iterator[Schema]:
    """Yield `schema` and every schema in it."""
    if not isinstance(schema, dict):
        return
    yield schema
    inner = [schema.get(name) for name in _DIRECT]
    inner += [part for name in _IN_LISTS for part in schema.get(name) or ()]
    inner += [part for name in _BY_NAME for part in (schema.get(name) or {}).values()]
    for part in inner:
        yield from _parts(part)


def one_of(schemas: Mapping[str, Schema], root: Schema) -> dict[str, Any]:
    """Return `root`, in which `schemas` can be referred to as `#/$defs/NAME`.

    References within each of them are written anew, since they begin at the root.
    """
    return {
        **root,
        "$defs": {name: _moved(each, f"#/$defs/{name}") for name, each in schemas.items()},
    }


def without_places(text: str, names: Iterable[str]) -> str:
    """Return a text about the schema that `one_of` made, in the words of those it was made of."""
    for name in names:
        text = re.sub(rf"#/\$defs/{re.escape(name)}(?=/)", "#", text)
    return text


def reference(name: str) -> dict[str, Any]:
    """Return the schema that stands for the one called `name`."""
    return {"$ref": f"#/$defs/{name}"}


def _moved(schema: Any, place: str) -> Any:
    """Return `schema` with its references as they read when it stands at `place`."""
    if isinstance(schema, list):
        return [_moved(part, place) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: place + part[1:]
        if name == "$ref" and isinstance(part, str) and part.startswith("#")
        else (part if name in _VALUES else _moved(part, place))
        for name, part in schema.items()
    }
