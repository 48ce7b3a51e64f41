"""Errors of a shape name the field and say what was expected in JSON's words."""

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta, Struct

from understudy.errors import InvalidRequest
from understudy.wire.base import check_shape


class Inner(Struct):
    name: str


class Outer(Struct):
    count: Annotated[int, Meta(ge=1)]
    items: list[Inner] = msgspec.field(default_factory=list)
    ratio: float | None = None
    flags: dict[str, bool] | None = None


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({}, "count", "Missing required parameter: 'count'."),
        ({"count": "3"}, "count", "expected `integer`, got `string`"),
        ({"count": 0}, "count", "expected `integer` >= 1"),
        ({"count": 1, "ratio": "x"}, "ratio", "expected `number | null`, got `string`"),
        ({"count": 1, "items": [{"name": "a"}, {}]}, "items[1].name", "Missing required"),
        ({"count": 1, "items": [{"name": True}]}, "items[0].name", "expected `string`, got"),
        ({"count": 1, "flags": {"a": 1}}, "flags", "expected `boolean`, got `integer`"),
    ],
)
def test_errors_name_the_field(body: object, param: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_shape(body, Outer)

    assert caught.value.param == param
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("body", "words"),
    [(None, "null"), ([], "an array"), ("x", "a string"), (True, "a boolean"), (1.5, "a number")],
)
def test_a_body_that_is_no_object_is_refused(body: object, words: str) -> None:
    with pytest.raises(InvalidRequest, match=f"must be a JSON object, not {words}"):
        check_shape(body, Outer)


def test_unknown_fields_pass() -> None:
    assert check_shape({"count": 2, "other": {"x": 1}}, Outer).count == 2
