"""One Python function as a model sees it: name, description, JSON Schema, and arguments checked.

Pure: does not call the function.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, get_args, get_origin, get_type_hints

import pydantic_core
from pydantic import ConfigDict, TypeAdapter, with_config
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict

from understudy_apps import docstrings

if TYPE_CHECKING:
    from openai.types.beta import FunctionToolParam

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_NO_DEFAULT = inspect.Parameter.empty


class _Untitled(GenerateJsonSchema):
    """Schemas without titles, which only repeat names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    hint: Any
    default: Any
    description: str | None

    @property
    def is_optional(self) -> bool:
        return self.default is not _NO_DEFAULT

    @property
    def is_left_out_by_null(self) -> bool:
        """Whether null, which the function itself does not take, stands for the default."""
        return self.is_optional and not _takes_none(self.hint)


class Function:
    """A function with type hints, ready to be offered to a model.

    Raises TypeError for parameters that have no hint or cannot be passed by name, and ValueError
    for a name that no model may call.
    """

    def __init__(self, call: Callable[..., Any], *, strict: bool = False) -> None:
        self.call = call
        self.name = _name_of(call)
        told = docstrings.read(call.__doc__)
        self._parameters = _parameters(call, told)
        self._arguments = TypeAdapter(_shape(self.name, self._parameters))
        schema = self._schema()
        self.definition: FunctionToolParam = {
            "type": "function",
            "function": {
                "name": self.name,
                "description": told.text,
                "parameters": _strict(schema) if strict else schema,
                "strict": strict,
            },
        }

    def arguments(self, text: str) -> dict[str, Any]:
        """Return the arguments that a model wrote as JSON, as the hints want them.

        Raises ValueError (pydantic's ValidationError where the JSON itself is in order).
        """
        given = pydantic_core.from_json(text or "{}")
        if isinstance(given, dict):
            left_out = {one.name for one in self._parameters if one.is_left_out_by_null}
            given = {n: v for n, v in given.items() if v is not None or n not in left_out}
        return dict(self._arguments.validate_python(given))

    def _schema(self) -> dict[str, Any]:
        schema = self._arguments.json_schema(schema_generator=_Untitled)
        del schema["title"]
        for one in self._parameters:
            described = schema["properties"][one.name]
            if one.description:
                described.setdefault("description", one.description)
            if one.is_optional:
                described |= _default_of(one)
        return schema


def _name_of(call: Callable[..., Any]) -> str:
    name = getattr(call, "__name__", "")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"A model cannot call {call!r} by the name {name!r}: a name has 1 to 64 letters, "
            "digits, underscores and hyphens. Wrap it in a function with such a name."
        )
    return name


def _parameters(call: Callable[..., Any], told: docstrings.Described) -> list[_Parameter]:
    hints = get_type_hints(call, include_extras=True)
    found = inspect.signature(call).parameters.values()
    for one in found:
        if one.kind not in _BY_NAME:
            raise TypeError(f"{call!r}: '{one}' cannot be passed by name. Give it a plain name.")
        if one.name not in hints:
            raise TypeError(f"{call!r}: '{one.name}' has no type hint. Add one.")
    return [
        _Parameter(one.name, hints[one.name], one.default, told.parameters.get(one.name))
        for one in found
    ]


def _shape(name: str, parameters: list[_Parameter]) -> Any:
    """Return a TypedDict of the arguments, in which nothing else may stand."""
    fields = {
        one.name: NotRequired[one.hint] if one.is_optional else one.hint for one in parameters
    }
    shape = TypedDict(name, fields)  # type: ignore[misc]
    return with_config(ConfigDict(extra="forbid"))(shape)


def _takes_none(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return _takes_none(get_args(hint)[0])
    return hint in (None, NoneType, Any) or NoneType in get_args(hint)


def _default_of(parameter: _Parameter) -> dict[str, Any]:
    """Return the default as JSON; nothing for one that JSON cannot express."""
    try:
        return {"default": pydantic_core.to_jsonable_python(parameter.default)}
    except pydantic_core.PydanticSerializationError:
        return {}


# --- strict schemas ---------------------------------------------------------------------------


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a function in the subset that strict mode takes.

    There every property is required, so what may be left out may be null instead.
    """
    required = schema.get("required", [])
    properties = {
        name: each if name in required else _nullable(each)
        for name, each in schema["properties"].items()
    }
    closed: dict[str, Any] = _closed({**schema, "properties": properties})
    return closed


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if {"type": "null"} in schema.get("anyOf", []):
        return schema
    about = {name: schema[name] for name in ("description",) if name in schema}
    rest = {name: each for name, each in schema.items() if name not in ("description", "default")}
    return {"anyOf": [rest, {"type": "null"}], **about}


def _closed(schema: Any) -> Any:
    """Return a schema without defaults, whose objects have all their properties and no others."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ("properties", "$defs"):
            closed[name] = {key: _closed(each) for key, each in value.items()}
        elif name != "default":
            closed[name] = value if name == "enum" else _closed(value)
    if "properties" in closed:
        closed |= {"required": list(closed["properties"]), "additionalProperties": False}
    if "$ref" in closed and len(closed) > 1:
        closed["anyOf"] = [{"$ref": closed.pop("$ref")}]
    return closed
