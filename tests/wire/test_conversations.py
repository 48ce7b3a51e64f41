"""What requests may say of conversations."""

from typing import Any

import pytest

from understudy.errors import InvalidRequest
from understudy.wire.base import check_shape
from understudy.wire.conversations import (
    CreateConversation,
    CreateItems,
    UpdateConversation,
    include_of,
)


def test_includes_are_taken_in_both_spellings() -> None:
    query = [
        ("include[]", "file_search_call.results"),
        ("include", "message.input_image.image_url"),
        ("limit", "3"),
    ]
    assert include_of(query) == {"file_search_call.results", "message.input_image.image_url"}
    assert include_of([("limit", "3")]) == frozenset()


def test_an_unknown_include_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="got 'everything'") as caught:
        include_of([("include[]", "everything")])
    assert caught.value.param == "include"
    assert "file_search_call.results" in caught.value.message


@pytest.mark.parametrize(
    ("shape", "body", "param"),
    [
        (CreateConversation, {"items": [{}] * 21}, "items"),
        (CreateConversation, {"items": "hello"}, "items"),
        (CreateConversation, {"metadata": {"k": 1}}, "metadata"),
        (CreateConversation, {"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        (CreateItems, {}, "items"),
        (CreateItems, {"items": [{}] * 21}, "items"),
        (UpdateConversation, {}, "metadata"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(shape: Any, body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_shape(body, shape)
    assert (caught.value.param or "").startswith(param)
