"""Judging a parsed body against a shape, with errors that name the field as OpenAI writes it."""

import re
from typing import TypeVar

import msgspec

from understudy.errors import InvalidRequest, InvalidValue, MissingParameter, UnderstudyError

Shape = TypeVar("Shape")
_AT = re.compile(r" - at (?:`key` in )?`(?P<keys>key in )?\$(?P<path>.*)`$")
_JSON_NAMES = {"bool": "boolean", "float": "number", "int": "integer", "str": "string"}
_TYPE = re.compile(r"\b(?:bool|float|int|str)\b(?=[^`]*`)")
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`")


def check_shape(body: object, shape: type[Shape]) -> Shape:
    """Return `body` as `shape`; raise InvalidRequest whose `param` names the field at fault."""
    if not isinstance(body, dict):
        raise InvalidRequest(
            f"The request body must be a JSON object, not {json_type(body)}.", code="invalid_type"
        )
    try:
        return msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None


def _named(text: str) -> UnderstudyError:
    """Turn msgspec's `Expected ... - at $.messages[0].role` into OpenAI's form."""
    at = _AT.search(text)
    reason = text[: at.start()] if at else text
    param = at["path"].lstrip(".").replace("[...]", "") if at else ""
    if missing := _MISSING.match(reason):
        return MissingParameter(f"{param}.{missing['field']}" if param else missing["field"])
    reason = _TYPE.sub(lambda match: _JSON_NAMES[match[0]], reason[0].lower() + reason[1:])
    if not param:
        return InvalidRequest(f"Invalid request: {reason}.", code="invalid_value")
    return InvalidValue(param, reason)


def json_type(value: object) -> str:
    """Return the JSON name of a parsed value's type."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
    return "an object"
