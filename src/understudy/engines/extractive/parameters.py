"""A function's parameters as the matching sees them: their words, and the kind they want."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from understudy.engines.extractive import schema as schemas
from understudy.engines.extractive import words

Kind = Literal[
    "enum", "boolean", "number", "date", "datetime", "time", "email", "url", "phone", "id",
    "currency", "place", "person", "text", "array", "object", "string",
]  # fmt: skip

_FORMATS: dict[str, Kind] = {
    "date": "date",
    "date-time": "datetime",
    "time": "time",
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "url": "url",
    "uuid": "id",
}
_NAMES_OF_KINDS: tuple[tuple[Kind, str], ...] = (
    ("email", "email"),
    ("url", "url uri link website"),
    ("currency", "currency"),
    ("phone", "phone"),
    ("text", "question text message body content description subject note reason title summary"),
    ("text", "problem prompt details comment keywords phrase search instructions query topic"),
    ("place", "city location country origin destination region address airport"),
    ("date", "date deadline"),
    ("id", "id sku code código ref reference uuid number número 编号 号码 单号"),
    ("id", "iban bic account cuenta 账号 账户"),
    ("person", "person customer patient employee contact user attendee recipient"),
    ("time", "time"),
)
_END_OF_LABEL = re.compile(
    r"\s*[,;(（，]?\s*(?:e\.g\.|i\.e\.|for example|such as|por ejemplo|p\. ?ej|例如|比如)|[.!?]\s"
    r"|[\n。(（]"
)
_PERSON_NAMES = frozenset({"name", "full name", "first name", "nombre", "姓名", "nombre completo"})
_DATETIME_WORDS = frozenset({"datetime", "timestamp", "start time", "end time"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One property of a schema. `name_keys` come from its name, `keys` from the description too."""

    name: str
    schema: dict[str, Any]
    required: bool
    name_keys: frozenset[str]
    keys: frozenset[str]
    kind: Kind


def parameters(schema: dict[str, Any], root: dict[str, Any]) -> list[Parameter]:
    """Return the properties of an object schema, the required ones first."""
    schema = schemas.resolved(schema, root)
    properties = schema.get("properties")
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    found = [
        parameter(name, schemas.as_schema(value), root, required=name in names)
        for name, value in (properties.items() if isinstance(properties, dict) else ())
    ]
    return sorted(found, key=lambda one: not one.required)


def parameter(
    name: str, schema: dict[str, Any], root: dict[str, Any], *, required: bool
) -> Parameter:
    """Return the parameter of that name and schema."""
    schema = schemas.without_null(schema, root)
    spoken = words.split_identifier(name)
    name_keys = frozenset(words.terms(spoken))
    description = " ".join(str(schema.get(field) or "") for field in ("title", "description"))
    keys = name_keys | frozenset(words.terms(description[:400]))
    return Parameter(
        name, schema, required, name_keys, keys, _kind(spoken, name_keys, keys, schema)
    )


def direction(parameter: Parameter) -> Literal["from", "to", ""]:
    """Return whether a parameter's name says where something comes from or goes to."""
    named = set(words.split_identifier(parameter.name).lower().split())
    if named & _FROM_NAMES:
        return "from"
    return "to" if named & _TO_NAMES else ""


_FROM_NAMES = frozenset("from source origin base departure desde origen start inicio 出发".split())
_TO_NAMES = frozenset(
    "to target destination dest arrival destino hasta end final fin return".split()
)


def label(parameter: Parameter) -> str:
    """Return how a parameter is named to a user: its description's beginning, or its name."""
    description = str(parameter.schema.get("description") or "").strip()
    first = _END_OF_LABEL.split(description)[0].rstrip(".,;: ")
    return first if 0 < len(first) <= 120 else words.split_identifier(parameter.name).lower()


def label_keys(parameter: Parameter) -> frozenset[str]:
    """Return the words of a label that is short enough to be said before a value."""
    keys = words.terms(label(parameter))
    return frozenset(keys) if len(keys) <= _MOST_LABEL_KEYS else frozenset()


_MOST_LABEL_KEYS = 2


def _kind(
    spoken: str, name_keys: frozenset[str], keys: frozenset[str], schema: dict[str, Any]
) -> Kind:
    if isinstance(schema.get("enum"), list) or "const" in schema:
        return "currency" if "currency" in name_keys else "enum"
    declared = schemas.type_of(schema)
    match declared:
        case "boolean":
            return "boolean"
        case "number" | "integer":
            return "number"
        case "array":
            return "array"
        case "object":
            return "object"
    return _string_kind(spoken.lower(), name_keys, keys, schema)


def _string_kind(
    spoken: str, name_keys: frozenset[str], keys: frozenset[str], schema: dict[str, Any]
) -> Kind:
    named = _FORMATS.get(str(schema.get("format")))
    if named:
        return named
    if spoken in _DATETIME_WORDS or {"date", "time"} <= name_keys:
        return "datetime"
    if spoken in _PERSON_NAMES:
        return "person" if not keys & {"product", "event", "company", "store"} else "string"
    if {"name", "person"} <= name_keys or {"name", "customer"} <= name_keys:
        return "person"
    if "id" in spoken.split() or _has_digits(schema.get("pattern")):
        return "id"
    for kind, concepts in _kinds_by_name():
        if name_keys & concepts:
            return kind
    if spoken in ("q", "input"):
        return "text"
    return _kind_by_description(name_keys, keys)


@lru_cache(maxsize=1)
def _kinds_by_name() -> list[tuple[Kind, frozenset[str]]]:
    return [(kind, frozenset(words.terms(names))) for kind, names in _NAMES_OF_KINDS]


def _kind_by_description(name_keys: frozenset[str], keys: frozenset[str]) -> Kind:
    if keys & {"city"} and not name_keys & {"product", "name"}:
        return "place"
    if keys & {"email"}:
        return "email"
    if "id" in keys:
        return "id"
    return "string"


def _has_digits(pattern: object) -> bool:
    return isinstance(pattern, str) and (r"\d" in pattern or "0-9" in pattern)
