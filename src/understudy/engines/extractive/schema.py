"""Reading JSON schemas: references, combined branches, types. Builds no values."""

from typing import Any

Schema = dict[str, Any]

_DEEPEST_REFERENCE = 32


def as_schema(value: object) -> Schema:
    """Return `value` as a schema: `true` and anything that is none allow all."""
    return value if isinstance(value, dict) else {}


def undialected(value: Any) -> Any:
    """Return a schema without the `$schema` of any part, so that one dialect judges the whole."""
    if isinstance(value, dict):
        return {
            name: undialected(part)
            for name, part in value.items()
            if not (name == "$schema" and isinstance(part, str))
        }
    return [undialected(part) for part in value] if isinstance(value, list) else value


def resolved(schema: Schema, root: Schema) -> Schema:
    """Return `schema` with its `$ref` followed and its `allOf` merged into it."""
    for _ in range(_DEEPEST_REFERENCE):
        reference, branches = schema.get("$ref"), schema.get("allOf")
        if isinstance(reference, str):
            rest = {name: value for name, value in schema.items() if name != "$ref"}
            schema = merged(target(reference, root), rest)
        elif isinstance(branches, list):
            schema = {name: value for name, value in schema.items() if name != "allOf"}
            for branch in branches[:_DEEPEST_REFERENCE]:
                schema = merged(schema, _shallow(as_schema(branch), root))
        else:
            break
    return schema


def _shallow(branch: Schema, root: Schema) -> Schema:
    reference = branch.get("$ref")
    if not isinstance(reference, str):
        return branch
    rest = {name: value for name, value in branch.items() if name != "$ref"}
    return merged(target(reference, root), rest)


def target(reference: str, root: Schema) -> Schema:
    """Return the part of `root` that a local reference names; an empty schema for any other."""
    if not reference.startswith("#"):
        return {}
    found: Any = root
    for step in reference[1:].split("/"):
        if not step:
            continue
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return {}
    return as_schema(found)


def merged(one: Schema, other: Schema) -> Schema:
    """Return a schema that asks for what both ask, as far as one schema can say it."""
    result = dict(one)
    for name, value in other.items():
        result[name] = _merged_keyword(name, result[name], value) if name in result else value
    return result


def _merged_keyword(name: str, one: Any, other: Any) -> Any:
    if name == "properties" and isinstance(one, dict) and isinstance(other, dict):
        return _merged_properties(one, other)
    if name == "required" and isinstance(one, list) and isinstance(other, list):
        return [*one, *(item for item in other if item not in one)]
    if name in _LOWER_BOUNDS and _are_numbers(one, other):
        return max(one, other)
    if name in _UPPER_BOUNDS and _are_numbers(one, other):
        return min(one, other)
    if name == "type":
        return _merged_types(one, other)
    if name == "enum" and isinstance(one, list) and isinstance(other, list):
        return [item for item in one if item in other]
    if name == "allOf" and isinstance(one, list) and isinstance(other, list):
        return [*one, *other]
    return other


def _merged_properties(one: Schema, other: Schema) -> Schema:
    result = dict(one)
    for name, value in other.items():
        known = result.get(name)
        both = isinstance(known, dict) and isinstance(value, dict)
        result[name] = merged(as_schema(known), value) if both else value
    return result


def _merged_types(one: Any, other: Any) -> Any:
    first, second = _type_list(one), _type_list(other)
    common = [kind for kind in first if kind in second]
    if {"number", "integer"} <= {*first, *second} and not common:
        common.append("integer")
    return common or other


def _type_list(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else [kind]


def _are_numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) for value in values)


_LOWER_BOUNDS = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_UPPER_BOUNDS = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})


def type_of(schema: Schema) -> str:
    """Return the type to build for `schema`: the first named that is not null, or a guess."""
    named = schema.get("type")
    if isinstance(named, list):
        named = next((kind for kind in named if kind != "null"), "null")
    if isinstance(named, str):
        return named
    if "properties" in schema or "required" in schema or "minProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema or "minItems" in schema:
        return "array"
    if "minimum" in schema or "maximum" in schema or "multipleOf" in schema:
        return "number"
    return "string"


def allows_null(schema: Schema) -> bool:
    """Tell whether `schema` names null among its types or branches."""
    if "null" in _type_list(schema.get("type")):
        return True
    branches = schema.get("anyOf") or schema.get("oneOf") or []
    return isinstance(branches, list) and any(as_schema(b).get("type") == "null" for b in branches)


def without_null(schema: Schema, root: Schema) -> Schema:
    """Return what a value of `schema` looks like when it is not null: its first such branch."""
    schema = resolved(schema, root)
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            rest = {name: value for name, value in schema.items() if name != keyword}
            options = [resolved(as_schema(branch), root) for branch in branches]
            chosen = next((o for o in options if o.get("type") != "null"), options[0])
            return merged(chosen, rest)
    return schema
