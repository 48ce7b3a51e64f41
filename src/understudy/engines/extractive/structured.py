"""Instances of JSON schemas: from what a text gives, completed with the least that is valid.

Pure. Every instance that leaves this module was judged by `jsonschema`, which fetches nothing.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from understudy.engines.extractive import (
    abbreviations,
    arguments,
    closed,
    generate,
    mentions,
    words,
)
from understudy.engines.extractive import schema as schemas
from understudy.engines.extractive.context import Context
from understudy.engines.extractive.evidence import Evidence
from understudy.engines.extractive.parameters import Parameter, parameter, parameters
from understudy.engines.extractive.validity import UnsatisfiableError, is_valid, refuse_unreadable
from understudy.engines.json_schema import matches

_DEEPEST = 24
_DEEPEST_OPTIONAL = 4
_MOST_ITEMS = 1_000
_MOST_STEPS = 4_000
_ANSWER_NAMES = frozenset(
    "answer response reply text content message output result explanation summary respuesta "
    "texto resumen mensaje 回答 答案 内容".split()
)


class _ExhaustedError(UnsatisfiableError):
    """Building took more steps than any schema that is meant to be met."""


@dataclass
class _Builder:
    """What an instance is built from. Without evidence, the least instance."""

    root: dict[str, Any]
    evidence: Evidence | None = None
    answer: str = ""
    steps_left: int = _MOST_STEPS

    def step(self) -> None:
        """Count a step; raises _ExhaustedError when there were too many."""
        self.steps_left -= 1
        if self.steps_left < 0:
            raise _ExhaustedError


def instance(schema: dict[str, Any], evidence: Evidence, answer: str) -> Any:
    """Return an instance of `schema` filled from `evidence`; texts in search of one get `answer`.

    Raises UnsatisfiableError when neither a filled nor a least instance is valid.
    """
    schema = schemas.undialected(schema)
    refuse_unreadable(schema)
    for builder in (_Builder(schema, evidence, answer), _Builder(schema)):
        try:
            value = _value(builder, "", schema, 0)
            if is_valid(value, schema, schema):
                return value
        except UnsatisfiableError:
            continue
    raise UnsatisfiableError


def completed(schema: dict[str, Any], given: dict[str, Any], evidence: Evidence) -> dict[str, Any]:
    """Return `given` with what else the object `schema` requires, from `evidence` or the least.

    Where no valid object can be built, `given` is all there is.
    """
    schema = schemas.undialected(schema)
    for builder in (_Builder(schema, evidence), _Builder(schema)):
        try:
            refuse_unreadable(schema)
            value = _object(builder, schemas.resolved(schema, schema), given, 0)
            if is_valid(value, schema, schema):
                return value
        except UnsatisfiableError:
            continue
    return given


# --- building ---------------------------------------------------------------------------------


def _value(builder: _Builder, name: str, schema: Any, depth: int, given: Any = None) -> Any:
    builder.step()
    if depth > _DEEPEST:
        raise UnsatisfiableError
    schema = schemas.resolved(schemas.as_schema(schema), builder.root)
    if "$ref" in schema:
        raise UnsatisfiableError
    if given is not None and is_valid(given, schema, builder.root):
        return given
    if "const" in schema:
        return schema["const"]
    for keyword in ("anyOf", "oneOf"):
        if isinstance(schema.get(keyword), list) and schema[keyword]:
            return _branch(builder, name, schema, keyword, depth)
    if isinstance(schema.get("enum"), list):
        return _enum(builder, schema)
    if builder.evidence is None and "default" in schema:
        return schema["default"]
    return _typed(builder, name, schema, depth)


def _typed(builder: _Builder, name: str, schema: dict[str, Any], depth: int) -> Any:
    match schemas.type_of(schema):
        case "object":
            return _object(builder, schema, {}, depth)
        case "array":
            return _array(builder, name, schema, depth)
        case "integer" | "number":
            return _number(builder, name, schema)
        case "boolean":
            return bool(_found(builder, name, schema))
        case "null":
            return None
    return _string(builder, name, schema)


def _branch(builder: _Builder, name: str, schema: dict[str, Any], keyword: str, depth: int) -> Any:
    """Return the first branch's instance that the whole accepts; null last, first when deep."""
    rest = {key: value for key, value in schema.items() if key != keyword}
    branches = [schemas.resolved(schemas.as_schema(b), builder.root) for b in schema[keyword]]
    prefers_null = depth > _DEEPEST_OPTIONAL or not _is_known(builder, name, schema)
    branches.sort(key=lambda branch: (branch.get("type") == "null") != prefers_null)
    for branch in branches:
        try:
            value = _value(builder, name, schemas.merged(rest, branch), depth + 1)
            if is_valid(value, schema, builder.root):
                return value
        except _ExhaustedError:
            raise
        except UnsatisfiableError:
            continue
    raise UnsatisfiableError


def _is_known(builder: _Builder, name: str, schema: dict[str, Any]) -> bool:
    """Tell whether there is something to say under `name`, so that null is not the answer."""
    one = parameter(name, schema, builder.root, required=True)
    if builder.answer and _is_plain_string(one) and _is_answer(one):
        return True
    return _found(builder, name, schema) is not None


def _enum(builder: _Builder, schema: dict[str, Any]) -> Any:
    options: list[Any] = schema["enum"]
    named: list[Any] = []
    if builder.evidence is not None:
        context = Context(builder.evidence, frozenset(), builder.root)
        named = closed.enum_matches(options, context)
    for option in (*named, *options):
        if is_valid(option, schema, builder.root):
            return option
    raise UnsatisfiableError


def _found(builder: _Builder, name: str, schema: dict[str, Any]) -> Any:
    """Return what the evidence gives for one value on its own."""
    if builder.evidence is None:
        return None
    one = parameter(name, schema, builder.root, required=True)
    context = Context(builder.evidence, frozenset(), builder.root)
    return arguments.fill([one], context).get(name)


def _object(
    builder: _Builder, schema: dict[str, Any], given: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    found = {**_found_properties(builder, schema, depth), **given}
    properties = schemas.as_schema(schema.get("properties"))
    required = [n for n in schema.get("required") or [] if isinstance(n, str)]
    result: dict[str, Any] = {}
    for name in [*properties, *(n for n in required if n not in properties)]:
        if name in required:
            part = properties.get(name, _additional(schema, name))
            result[name] = _value(builder, name, part, depth + 1, found.get(name))
        elif name in found and is_valid(
            found[name], schemas.as_schema(properties[name]), builder.root
        ):
            result[name] = found[name]
    _pad_object(builder, schema, result, depth)
    return result


def _found_properties(builder: _Builder, schema: dict[str, Any], depth: int) -> dict[str, Any]:
    if builder.evidence is None or depth > _DEEPEST_OPTIONAL:
        return {}
    scalars = [one for one in parameters(schema, builder.root) if one.kind != "object"]
    context = Context(builder.evidence, frozenset(), builder.root)
    found = arguments.fill(scalars, context)
    for one in scalars:
        if one.kind == "person" and not one.required and one.name not in found:
            named = next(filter(context.is_free, builder.evidence.proper_nouns), None)
            found[one.name] = abbreviations.restored(named.value) if named else None
    strings = [one for one in scalars if _is_plain_string(one)]
    for one in strings:
        if builder.answer and _is_answer(one):
            found[one.name] = builder.answer
        elif one.required and one.name not in found:
            left = mentions.leftover(one, context)
            found[one.name] = (
                abbreviations.restored(left.value) if left else _only(builder.answer, strings)
            )
            context.used += [(left.start, left.end)] if left else []
    return {name: value for name, value in found.items() if value is not None}


def _is_plain_string(one: Parameter) -> bool:
    return one.kind in ("person", "string", "text") and "format" not in one.schema


def _only(answer: str, strings: list[Parameter]) -> str | None:
    """Return the answer for the one string of an object, which has no other place for it."""
    return answer if answer and len(strings) == 1 else None


def _is_answer(one: Parameter) -> bool:
    return not _ANSWER_NAMES.isdisjoint(words.split_identifier(one.name).lower().split())


def _additional(schema: dict[str, Any], name: str) -> Any:
    by_pattern = schema.get("patternProperties")
    for pattern, part in by_pattern.items() if isinstance(by_pattern, dict) else ():
        if matches(pattern, name):
            return part
    extra = schema.get("additionalProperties")
    return extra if isinstance(extra, dict) else {}


def _pad_object(
    builder: _Builder, schema: dict[str, Any], result: dict[str, Any], depth: int
) -> None:
    """Add properties up to `minProperties`, and those that present ones depend on."""
    for present, needed in schemas.as_schema(schema.get("dependentRequired")).items():
        for name in needed if present in result and isinstance(needed, list) else ():
            result.setdefault(name, _value(builder, name, _additional(schema, name), depth + 1))
    least = schema.get("minProperties")
    properties = schemas.as_schema(schema.get("properties"))
    spare = [*properties, *(f"field_{number}" for number in range(_MOST_ITEMS))]
    for name in spare:
        if not isinstance(least, int) or len(result) >= least:
            break
        part = properties.get(name, _additional(schema, name))
        result.setdefault(name, _value(builder, name, part, depth + 1))


def _array(builder: _Builder, name: str, schema: dict[str, Any], depth: int) -> list[Any]:
    prefix = schema.get("prefixItems")
    prefix = prefix if isinstance(prefix, list) else []
    items = schema.get("items", {})
    least = schema.get("minItems")
    least = min(least, _MOST_ITEMS) if isinstance(least, int) else 0
    found = _found(builder, name, schema) if depth <= _DEEPEST_OPTIONAL and not prefix else None
    result = [
        item for item in found or [] if is_valid(item, schemas.as_schema(items), builder.root)
    ]
    highest = schema.get("maxItems")
    result = result[:highest] if isinstance(highest, int) else result
    if schema.get("uniqueItems") is True:
        result = _unique(result)
    for part in prefix if not result and (least or not builder.evidence) else ():
        result.append(_value(builder, name, part, depth + 1))
    while len(result) < least or ("contains" in schema and not result):
        result.append(_next_item(builder, name, schema, result, depth))
    return result


def _next_item(
    builder: _Builder, name: str, schema: dict[str, Any], items: list[Any], depth: int
) -> Any:
    part = schema.get("items", {})
    part = schemas.merged(schemas.as_schema(part), schemas.as_schema(schema.get("contains")))
    plain = _Builder(builder.root)
    if schema.get("uniqueItems") is not True:
        return _value(plain if items else builder, name, part, depth + 1)
    for candidate in _distinct(plain, name, part, depth):
        if _canonical(candidate) not in map(_canonical, items):
            return candidate
    raise UnsatisfiableError


def _distinct(builder: _Builder, name: str, schema: dict[str, Any], depth: int) -> Iterator[Any]:
    schema = schemas.resolved(schema, builder.root)
    candidates: list[Any] = list(schema["enum"]) if isinstance(schema.get("enum"), list) else []
    least = _value(builder, name, schema, depth + 1)
    candidates.append(least)
    kind = schemas.type_of(schema)
    if kind in ("number", "integer") and isinstance(least, int | float):
        step = schema.get("multipleOf") or 1
        candidates += [least + step * (number - _MOST_ITEMS // 2) for number in range(_MOST_ITEMS)]
    if kind == "string" and isinstance(least, str):
        candidates += [f"{least}{number}" for number in range(_MOST_ITEMS)]
        candidates += [str(number) for number in range(_MOST_ITEMS)]
    candidates += [True, False] if kind == "boolean" else []
    yield from (c for c in candidates if is_valid(c, schema, builder.root))


def _unique(items: list[Any]) -> list[Any]:
    return list({_canonical(item): item for item in items}.values())


def _canonical(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return repr(value)


def _number(builder: _Builder, name: str, schema: dict[str, Any]) -> int | float:
    whole = schemas.type_of(schema) == "integer"
    found = _found(builder, name, schema)
    if found is not None and is_valid(found, schema, builder.root):
        return int(found) if whole else found
    for candidate in _numbers(schema, whole=whole):
        if is_valid(candidate, schema, builder.root):
            return candidate
    raise UnsatisfiableError


def _numbers(schema: dict[str, Any], *, whole: bool) -> Iterator[int | float]:
    """Yield numbers near zero and near the bounds that may satisfy them."""
    yield 0
    low = _bound(schema, "minimum", "exclusiveMinimum", max)
    high = _bound(schema, "maximum", "exclusiveMaximum", min)
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and step > 0:
        first = math.ceil(low / step) if low is not None else math.floor((high or 0) / step)
        yield from ((first + offset) * step for offset in (0, 1, -1, 2, -2))
    for bound in (low, high):
        if bound is not None:
            yield from (
                math.ceil(bound),
                math.floor(bound),
                math.ceil(bound) + 1,
                math.floor(bound) - 1,
            )
            yield bound
    if low is not None and high is not None and not whole:
        yield (low + high) / 2
    yield 1


def _bound(schema: dict[str, Any], inclusive: str, exclusive: str, pick: Any) -> float | None:
    values = [schema.get(inclusive), schema.get(exclusive)]
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    finite = [value for value in numbers if math.isfinite(value)]
    return pick(finite) if finite else None


def _string(builder: _Builder, name: str, schema: dict[str, Any]) -> str:
    candidates: list[Any] = [_found(builder, name, schema), ""]
    candidates += generate.strings(schema)
    for candidate in candidates:
        if isinstance(candidate, str) and is_valid(candidate, schema, builder.root):
            if candidate or not generate.wants_format(schema):
                return candidate
    raise UnsatisfiableError
