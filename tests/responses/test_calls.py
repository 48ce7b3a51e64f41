"""Calls of functions and their outputs: what fits together, and what is refused."""

import pytest

from understudy.errors import InvalidRequest
from understudy.responses.calls import check_calls
from understudy.wire.response_items import ItemDocument

MESSAGE = {"type": "message"}


def call(id_: str) -> ItemDocument:
    return {"type": "function_call", "call_id": id_}


def output(id_: str) -> ItemDocument:
    return {"type": "function_call_output", "call_id": id_}


@pytest.mark.parametrize(
    ("earlier", "given"),
    [
        ([], [call("a")]),
        ([], [MESSAGE, call("a"), output("a")]),
        ([call("a")], [output("a")]),
        ([call("a"), output("a")], [call("a"), output("a")]),
        ([call("a"), call("a")], [output("a")]),
        ([call("a")], [MESSAGE]),
    ],
)
def test_calls_and_outputs_that_fit_together(
    earlier: list[ItemDocument], given: list[ItemDocument]
) -> None:
    check_calls(given, earlier, "input")


@pytest.mark.parametrize(
    ("earlier", "given", "at", "said"),
    [
        ([call("a")], [call("a")], 0, "has no output yet"),
        ([], [output("b")], 0, "No tool call found .* call_id b\\."),
        ([], [output("a"), call("a")], 0, "No tool call found"),
        ([call("a"), output("a")], [MESSAGE, output("a")], 1, "has its output already"),
        ([], [call("a"), output("a"), output("a")], 2, "has its output already"),
    ],
)
def test_what_does_not_fit_is_refused(
    earlier: list[ItemDocument], given: list[ItemDocument], at: int, said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        check_calls(given, earlier, "items")
    assert (caught.value.param, caught.value.code) == (f"items[{at}].call_id", "invalid_value")
