"""The two dialects of Assistants: which one a request speaks, and how an answer is shown in it.

Structs are the latest form. `Annotated[..., V1]` and `V2` beside a field say that only one dialect
has it; a class whose v1 form is another shape says so in a method `as_v1`. Knows no object by name.
"""

import functools
import operator
import typing
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Struct, structs

from understudy.errors import InvalidRequest

Dialect = Literal["v1", "v2"]


class OnlyIn(NamedTuple):
    """Mark of a field that one dialect alone has."""

    dialect: Dialect


V1: Final = OnlyIn("v1")
V2: Final = OnlyIn("v2")

_PREFIX = "assistants="
_V1_BODY_LISTS = ("messages", "additional_messages")
"""Where messages stand in a request; `file_ids` in one of them is v1."""


# --- requests ---------------------------------------------------------------------------------


def dialect_of(beta_header: str | None, body: object) -> Dialect:
    """Return the dialect that `OpenAI-Beta` names; without it, the one the body is written in.

    Raises InvalidRequest for a version of Assistants that there never was.
    """
    entries = [entry.strip() for entry in (beta_header or "").split(",")]
    named = [entry.removeprefix(_PREFIX) for entry in entries if entry.startswith(_PREFIX)]
    if not named:
        return "v1" if _is_v1(body) else "v2"
    if named[-1] == "v1":
        return "v1"
    if named[-1] == "v2":
        return "v2"
    raise InvalidRequest(
        f"The header 'OpenAI-Beta' asks for assistants={named[-1]}; "
        "assistants=v1 and assistants=v2 are served.",
        param="OpenAI-Beta",
        code="invalid_beta",
    )


def _is_v1(body: object) -> bool:
    if not isinstance(body, dict):
        return False
    if body.get("file_ids") is not None:
        return True
    if any(_type_of(tool) == "retrieval" for tool in _list_in(body, "tools")):
        return True
    messages = (message for name in _V1_BODY_LISTS for message in _list_in(body, name))
    return any(_is_v1(message) for message in messages) or _is_v1(body.get("thread"))


def in_latest_words(body: object) -> object:
    """Return a request's body with the tool `retrieval` called `file_search`, its name since v2."""
    if not isinstance(body, dict):
        return body
    changed = dict(body)
    if tools := _list_in(body, "tools"):
        changed["tools"] = [_with_latest_type(tool) for tool in tools]
    if "tool_choice" in body:
        changed["tool_choice"] = _with_latest_type(body["tool_choice"])
    return changed


def _with_latest_type(tool: object) -> object:
    if isinstance(tool, dict) and _type_of(tool) == "retrieval":
        kept = {name: value for name, value in tool.items() if name != "retrieval"}
        return {**kept, "type": "file_search"}
    return tool


def _type_of(value: object) -> object:
    return value.get("type") if isinstance(value, dict) else None


def _list_in(body: dict[str, Any], name: str) -> list[object]:
    value = body.get(name)
    return value if isinstance(value, list) else []


# --- answers ----------------------------------------------------------------------------------


def encode(value: object, dialect: Dialect) -> bytes:
    """Return a struct, or a list or dict of structs, as JSON in that dialect."""
    return msgspec.json.encode(_shown(value, dialect))


def render(value: object, dialect: Dialect) -> Any:
    """Return a struct, or a list or dict of structs, as plain values in that dialect."""
    return msgspec.to_builtins(_shown(value, dialect))


def differs(kind: type[Struct], dialect: Dialect) -> bool:
    """Tell whether a dialect shows structs of that class otherwise than they are encoded."""
    return (dialect == "v1" and hasattr(kind, "as_v1")) or any(_difference(kind, dialect))


def _shown(value: object, dialect: Dialect) -> object:
    """Return `value` itself where it is already as it should be, else a changed copy."""
    if isinstance(value, Struct):
        return _shown_struct(value, dialect)
    if isinstance(value, list):
        shown = [_shown(item, dialect) for item in value]
        return value if all(map(operator.is_, shown, value)) else shown
    if isinstance(value, dict):
        return {name: _shown(item, dialect) for name, item in value.items()}
    return value


def _shown_struct(value: Struct, dialect: Dialect) -> Struct:
    if dialect == "v1" and (as_v1 := getattr(value, "as_v1", None)):
        value = as_v1()
    dropped, descended = _difference(type(value), dialect)
    changes: dict[str, Any] = dict.fromkeys(dropped, UNSET)
    for name in descended:
        before = getattr(value, name)
        after = _shown(before, dialect)
        if after is not before:
            changes[name] = after
    return structs.replace(value, **changes) if changes else value


class _Difference(NamedTuple):
    """Names of the fields that a dialect lacks, and of those that hold something that differs."""

    dropped: tuple[str, ...]
    descended: tuple[str, ...]


@functools.cache
def _difference(kind: type[Struct], dialect: Dialect) -> _Difference:
    dropped, descended = [], []
    for field in structs.fields(kind):
        marks = getattr(field.type, "__metadata__", ())
        if any(isinstance(mark, OnlyIn) and mark.dialect != dialect for mark in marks):
            dropped.append(field.name)
        elif any(differs(part, dialect) for part in _structs_in(field.type)):
            descended.append(field.name)
    return _Difference(tuple(dropped), tuple(descended))


def _structs_in(annotation: object) -> Iterator[type[Struct]]:
    """Yield the struct classes that a field's type names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
        return
    arguments: Iterable[object] = typing.get_args(annotation)
    for argument in arguments:
        yield from _structs_in(argument)
