"""Conditions on the attributes of files: what a request may say, and what it means in SQL.

Pure. Values compare with values of their own kind only; a missing key fails every comparison but
`ne` and `nin`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any, Literal, cast, get_args

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Text,
    and_,
    case,
    collate,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from understudy.errors import InvalidValue, MissingParameter
from understudy.store.schema import vector_store_files

Scalar = str | int | float | bool
Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
Dialect = Literal["sqlite", "postgresql"]

_OPERATORS = get_args(Operator)
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_DEEPEST = 16
_MOST_PARTS = 256
_LARGEST = 2**63 - 1
_SQLITE_TYPES = {str: ("text",), bool: ("true", "false"), float: ("integer", "real")}
_POSTGRES_TYPES = {str: "string", bool: "boolean", float: "number"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition on one attribute; `in` and `nin` have a tuple of values."""

    key: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Compound:
    """Several conditions of which all, or any, must hold."""

    operator: Literal["and", "or"]
    filters: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class OneOfFiles:
    """A file is one of these. No request can write it: it is how a search is narrowed."""

    file_ids: tuple[str, ...]


Filter = Comparison | Compound | OneOfFiles


def parse_filter(given: object, param: str = "filters") -> Filter:
    """Return the filter that a request gives.

    Raises InvalidValue or MissingParameter, whose param is the path of what is wrong.
    """
    parsed = _parse(given, param, depth=1)
    if _size(parsed) > _MOST_PARTS:
        raise InvalidValue(param, f"it has more than {_MOST_PARTS} conditions")
    return parsed


def _parse(given: object, param: str, depth: int) -> Filter:
    if not isinstance(given, dict):
        raise InvalidValue(param, "it must be an object with a 'type'")
    if depth > _DEEPEST:
        raise InvalidValue(param, f"filters may be nested {_DEEPEST} deep")
    kind = _required(given, "type", param)
    if kind in ("and", "or"):
        return _parse_compound(given, kind, param, depth)
    if not isinstance(kind, str) or kind not in _OPERATORS:
        allowed = ", ".join([*_OPERATORS, "and", "or"])
        raise InvalidValue(f"{param}.type", f"it must be one of {allowed}")
    key = _required(given, "key", param)
    if not isinstance(key, str) or not _is_storable(key):
        raise InvalidValue(f"{param}.key", "it must be a string, without null characters")
    return Comparison(key, cast("Operator", kind), _parse_value(given, kind, param))


def _parse_compound(
    given: dict[str, object], kind: Literal["and", "or"], param: str, depth: int
) -> Compound:
    parts = _required(given, "filters", param)
    if not isinstance(parts, list) or not parts:
        raise InvalidValue(f"{param}.filters", "it must be a list of filters, not empty")
    parsed = (_parse(part, f"{param}.filters[{i}]", depth + 1) for i, part in enumerate(parts))
    return Compound(kind, tuple(parsed))


def _parse_value(given: dict[str, object], kind: str, param: str) -> Scalar | tuple[Scalar, ...]:
    value, path = _required(given, "value", param), f"{param}.value"
    if kind in ("in", "nin"):
        if not isinstance(value, list):
            raise InvalidValue(path, f"'{kind}' takes a list of strings, numbers or booleans")
        return tuple(_scalar(item, f"{path}[{i}]") for i, item in enumerate(value))
    scalar = _scalar(value, path)
    if kind in _COMPARED and isinstance(scalar, bool):
        raise InvalidValue(path, f"'{kind}' takes a number or a string")
    return scalar


def _scalar(value: object, param: str) -> Scalar:
    if isinstance(value, str) and not _is_storable(value):
        raise InvalidValue(param, "it holds characters that no attribute can have")
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)) and -_LARGEST <= value <= _LARGEST:
        return value
    raise InvalidValue(param, "it must be a string, a number or a boolean")


def _is_storable(text: str) -> bool:
    """Tell whether a database can hold `text`: neither null characters nor lone surrogates."""
    return "\0" not in text and text.encode(errors="replace").decode() == text


def _required(given: dict[str, object], name: str, param: str) -> object:
    if name not in given:
        raise MissingParameter(f"{param}.{name}")
    return given[name]


def _size(parsed: Filter) -> int:
    if isinstance(parsed, Compound):
        return 1 + sum(map(_size, parsed.filters))
    if isinstance(parsed, OneOfFiles):
        return len(parsed.file_ids)
    return len(parsed.value) if isinstance(parsed.value, tuple) else 1


def to_sql(wanted: Filter, dialect: Dialect) -> ColumnElement[bool]:
    """Return the filter as a condition on `vector_store_files`."""
    if isinstance(wanted, OneOfFiles):
        return vector_store_files.c.file_id.in_(wanted.file_ids)
    if isinstance(wanted, Compound):
        join = and_ if wanted.operator == "and" else or_
        return join(*(to_sql(part, dialect) for part in wanted.filters))
    values = wanted.value if isinstance(wanted.value, tuple) else (wanted.value,)
    compare = _COMPARED.get(wanted.operator, eq)
    holds = _sqlite_condition if dialect == "sqlite" else _postgres_condition
    found = or_(false(), *(holds(wanted.key, compare, value) for value in values))
    return not_(found) if wanted.operator in ("ne", "nin") else found


def _kind(value: Scalar) -> type:
    return type(value) if isinstance(value, (str, bool)) else float


def _sqlite_condition(
    key: str, compare: Callable[[Any, Any], Any], value: Scalar
) -> ColumnElement[bool]:
    pairs = func.json_each(vector_store_files.c.attributes).table_valued("key", "type", "atom")
    matches = compare(pairs.c.atom, literal(int(value) if isinstance(value, bool) else value))
    of_kind = pairs.c.type.in_(_SQLITE_TYPES[_kind(value)])
    return exists(select(1).select_from(pairs).where(pairs.c.key == key, of_kind, matches))


def _postgres_condition(
    key: str, compare: Callable[[Any, Any], Any], value: Scalar
) -> ColumnElement[bool]:
    member = vector_store_files.c.attributes.op("->", return_type=JSONB())(literal(key, Text()))
    written = vector_store_files.c.attributes.op("->>", return_type=Text())(literal(key, Text()))
    # CASE, since AND does not promise to look at the kind before the value is converted.
    return case(
        (
            func.jsonb_typeof(member) == _POSTGRES_TYPES[_kind(value)],
            _typed(written, compare, value),
        ),
        else_=false(),
    )


def _typed(
    written: ColumnElement[str], compare: Callable[[Any, Any], Any], value: Scalar
) -> ColumnElement[bool]:
    if isinstance(value, bool):
        return written == literal(str(value).lower(), Text())
    if isinstance(value, str):
        return cast("ColumnElement[bool]", compare(collate(written, "C"), literal(value, Text())))
    number = literal(repr(value), Text()).cast(Numeric())
    return cast("ColumnElement[bool]", compare(written.cast(Numeric()), number))
