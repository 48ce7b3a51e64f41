"""Filling typed parameters from a text: which mention becomes which argument.

Pure. Values that a schema needs but no text gives are the business of `structured`.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re
from typing import Any

from understudy.engines.extractive import (
    abbreviations,
    amounts,
    closed,
    mentions,
    patterns,
    texts,
    words,
)
from understudy.engines.extractive import schema as schemas
from understudy.engines.extractive.context import Context
from understudy.engines.extractive.evidence import Evidence
from understudy.engines.extractive.parameters import Parameter, label_keys, parameter, parameters

_DEEPEST = 5
_MOST_OBJECTS = 20
_LIST_BREAK = re.compile(r"\s*[,;、，；\n]\s*(?:and\s+|y\s+|e\s+|和)?|\s+(?:and|y|e)\s+|和|以及")


def fill(wanted: list[Parameter], context: Context, depth: int = 0) -> dict[str, Any]:
    """Return the arguments that the evidence gives, in the order of `wanted`."""
    found: dict[str, Any] = {}
    numeric = [one for one in wanted if one.kind == "number"]
    context.labels |= frozenset().union(*(one.name_keys | label_keys(one) for one in wanted))
    for name, number in amounts.assign(numeric, context.evidence).items():
        if not texts.overlaps((number.start, number.end), context.used):
            chosen = next(one for one in numeric if one.name == name)
            found[name] = amounts.value_of(chosen, number)
            context.used.append((number.start, number.end))
    for one in sorted(wanted, key=_rank):
        if one.kind == "number":
            continue
        value = abbreviations.restored(_value(one, context, depth))
        if value is not None and patterns.fits(value, one.schema):
            found[one.name] = value
    return {one.name: found[one.name] for one in wanted if one.name in found}


def _rank(one: Parameter) -> int:
    """Put the kinds that are recognised for certain before those that take what is left."""
    return _ORDER.index(one.kind) * 2 + (not one.required)


_ORDER = (
    "email", "url", "phone", "enum", "currency", "datetime", "date", "time", "id", "person",
    "place", "boolean", "number", "array", "object", "text", "string",
)  # fmt: skip


def _value(one: Parameter, context: Context, depth: int) -> Any:
    match one.kind:
        case "enum":
            return closed.enum(one, context)
        case "boolean":
            return closed.boolean(one, context)
        case "array":
            return _array(one, context, depth)
        case "object":
            return _object(one.schema, context, depth)
        case "date" | "datetime" | "time":
            return closed.moment(one, context)
    mention = mentions.find(one, context)
    if mention is None:
        return None
    context.take(mention)
    return mention.value


def _object(schema: dict[str, Any], context: Context, depth: int) -> dict[str, Any] | None:
    if depth >= _DEEPEST:
        return None
    wanted = parameters(schema, context.root)
    found = fill(wanted, context, depth + 1)
    if not found or any(one.required and one.name not in found for one in wanted):
        return None
    return found


def _array(one: Parameter, context: Context, depth: int) -> list[Any] | None:
    items = schemas.resolved(schemas.as_schema(one.schema.get("items")), context.root)
    singular = parameter(
        one.name,
        {**items, "description": one.schema.get("description")},
        context.root,
        required=one.required,
    )
    evidence = context.evidence
    match singular.kind:
        case "enum":
            found: list[Any] = closed.enum_matches(items.get("enum"), context)
        case "number":
            found = [amounts.value_of(singular, n) for n in evidence.numbers]
        case "object":
            found = _objects(items, context, depth)
        case "email":
            found = [m.value for m in evidence.emails]
        case "url":
            found = [m.value for m in evidence.urls]
        case "id":
            found = [m.value for m in evidence.ids] or [m.value for m in evidence.digits]
        case _:
            found = _strings(singular, context)
    return list(found) or None


def _objects(items: dict[str, Any], context: Context, depth: int) -> list[Any]:
    found = []
    for clause in _LIST_BREAK.split(context.evidence.text)[:_MOST_OBJECTS]:
        part = Evidence(clause, context.evidence.language, context.evidence.now)
        value = _object(items, Context(part, context.subject, context.root), depth)
        if value is not None:
            found.append(value)
    return found


def _strings(one: Parameter, context: Context) -> list[Any]:
    evidence = context.evidence
    if (
        one.name_keys & {"person", "employee", "attende", "invite", "member"}
        or one.kind == "person"
    ):
        moments = [(m.start, m.end) for m in evidence.moments]
        people = [m for m in evidence.proper_nouns if not texts.overlaps((m.start, m.end), moments)]
        context.used.extend((m.start, m.end) for m in people)
        return [m.value for m in people]
    if len(evidence.quoted) > 1:
        return [m.value for m in evidence.quoted]
    return _enumeration(one, context)


def _enumeration(one: Parameter, context: Context) -> list[Any]:
    """Return the members of `cue: a, b and c`, or of the text's own enumeration."""
    text = context.evidence.text
    start = 0
    for word in context.evidence.words:
        if word.keys & one.name_keys:
            start = word.end
            break
    clause = re.split(r"[.!?。！？\n]", text[start:].lstrip(" :：是"))[0]
    parts = [part.strip(" :\"'“”") for part in _LIST_BREAK.split(clause)]
    parts = [
        re.sub(r"^(?:(?:are|is|son|es|the|las?|los|el|an?)\s+)+", "", part, flags=re.IGNORECASE)
        for part in parts
    ]
    kept = [part for part in parts if part and len(part.split()) <= 4 and words.terms(part)]
    return kept if start or len(kept) > 1 else []
