"""Python functions as a model sees them: names, schemas, and arguments that are checked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field, ValidationError

from understudy_apps.functions import Function


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Address(BaseModel):
    street: str
    number: int = 1


@dataclass
class Guest:
    name: str


def order(
    dish: Literal["soup", "rice"],
    size: Size,
    to: Address,
    guests: list[Guest],
    on: date,
    spice: Annotated[int, Field(ge=0, le=3, description="From 0 to 3.")] = 0,
    note: str | None = None,
    tips: float = 0.5,
) -> str:
    """Order a dish.

    Args:
        dish: What to cook.
        to: Where to bring it.
        spice: Not shown, since the hint says more.
        note: For the cook.
    """
    return dish


COMPLETE = """{"dish": "soup", "size": "large", "to": {"street": "Mayor"}, "guests":
    [{"name": "Ana"}], "on": "2026-03-01"}"""


def schema_of(call: Callable[..., Any], *, strict: bool = False) -> Any:
    parameters = Function(call, strict=strict).definition["function"]["parameters"]
    jsonschema.Draft202012Validator.check_schema(parameters)
    return parameters


def test_a_definition_comes_from_hints_and_docstring() -> None:
    definition = Function(order).definition
    assert definition["type"] == "function"
    assert definition["function"]["name"] == "order"
    assert definition["function"]["description"] == "Order a dish."
    schema = schema_of(order)
    assert schema["required"] == ["dish", "size", "to", "guests", "on"]
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert properties["dish"] == {
        "enum": ["soup", "rice"],
        "type": "string",
        "description": "What to cook.",
    }
    assert properties["to"]["description"] == "Where to bring it."
    assert properties["spice"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 3,
        "description": "From 0 to 3.",
        "default": 0,
    }
    assert properties["note"]["description"] == "For the cook."
    assert properties["tips"] == {"type": "number", "default": 0.5}
    assert schema["$defs"]["Size"]["enum"] == ["small", "large"]
    assert schema["$defs"]["Address"]["required"] == ["street"]


def test_properties_have_no_titles_which_would_repeat_their_names() -> None:
    schema = schema_of(order)
    assert "title" not in schema
    shown = [*schema["properties"].values(), *schema["$defs"]["Address"]["properties"].values()]
    assert [each for each in shown if "title" in each] == []


def test_strict_schemas_require_everything_and_null_stands_for_what_is_left_out() -> None:
    schema = schema_of(order, strict=True)
    assert schema["required"] == list(schema["properties"])
    assert schema["properties"]["tips"] == {"anyOf": [{"type": "number"}, {"type": "null"}]}
    assert schema["properties"]["note"]["anyOf"].count({"type": "null"}) == 1
    assert schema["properties"]["to"]["anyOf"] == [{"$ref": "#/$defs/Address"}]
    address = schema["$defs"]["Address"]
    assert (address["required"], address["additionalProperties"]) == (["street", "number"], False)
    assert "default" not in str(schema)
    assert Function(order, strict=True).definition["function"]["strict"] is True


def test_arguments_become_what_the_hints_say() -> None:
    assert Function(order).arguments(COMPLETE) == {
        "dish": "soup",
        "size": Size.LARGE,
        "to": Address(street="Mayor"),
        "guests": [Guest("Ana")],
        "on": date(2026, 3, 1),
    }


def test_null_is_the_default_unless_the_function_takes_it() -> None:
    text = COMPLETE.removesuffix("}") + ', "note": null, "tips": null, "spice": 2}'
    given = Function(order).arguments(text)
    assert (given["note"], given["spice"], "tips" in given) == (None, 2, False)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (COMPLETE.replace("soup", "stew"), ("dish",)),
        (COMPLETE.replace('"dish": "soup", ', ""), ("dish",)),
        (COMPLETE.replace('"Mayor"', "null"), ("to", "street")),
        (COMPLETE.removesuffix("}") + ', "drink": "tea"}', ("drink",)),
        (COMPLETE.replace('"soup"', "null"), ("dish",)),
        ("[]", ()),
    ],
)
def test_arguments_that_do_not_fit(text: str, place: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as raised:
        Function(order).arguments(text)
    assert [error["loc"] for error in raised.value.errors()] == [place]


def test_arguments_that_are_not_json() -> None:
    with pytest.raises(ValueError, match="EOF") as raised:
        Function(order).arguments('{"dish": ')
    assert not isinstance(raised.value, ValidationError)


def test_no_parameters_at_all() -> None:
    def ping() -> str:
        return "pong"

    assert schema_of(ping) == {"type": "object", "properties": {}, "additionalProperties": False}
    assert Function(ping).arguments("") == {}


def test_methods_leave_out_self_and_defaults_without_json_are_not_shown() -> None:
    absent = object()

    class Desk:
        def find(self, *, key: str, missing: Any = absent) -> str:
            return key

    schema = schema_of(Desk().find)
    assert list(schema["properties"]) == ["key", "missing"]
    assert schema["properties"]["missing"] == {}


def without_hint(a) -> None:  # type: ignore[no-untyped-def]
    """Lack a hint."""


def positional(a: int, /) -> None:
    """Have no name for an argument."""


def several(*a: int) -> None:
    """Take any number of arguments."""


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (without_hint, TypeError, "'a' has no type hint"),
        (positional, TypeError, "cannot be passed by name"),
        (several, TypeError, "cannot be passed by name"),
        (lambda: None, ValueError, "<lambda>"),
        (partial(order, dish="soup"), ValueError, "Wrap it"),
    ],
)
def test_functions_that_no_model_can_call(
    call: Callable[..., Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        Function(call)
