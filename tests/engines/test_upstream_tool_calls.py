"""Pieces of tool calls find their call, whatever the server numbers them."""

from typing import Any

import msgspec
import pytest

from understudy.engines.decode import RawToolCall
from understudy.engines.tool_call_pieces import ToolCallTracker
from understudy.wire.chat import ToolCallDelta


def piece(
    index: int | None = None, call_id: str | None = None, name: str | None = None, args: Any = None
) -> RawToolCall:
    raw = {"index": index, "id": call_id, "function": {"name": name, "arguments": args}}
    return msgspec.convert(raw, RawToolCall)


def put_together(deltas: list[ToolCallDelta]) -> list[tuple[str, str, str]]:
    """Collect (id, name, arguments) by index, as a client does; checks that names come once."""
    calls: dict[int, list[str]] = {}
    for delta in deltas:
        function = msgspec.to_builtins(delta)["function"]
        if delta.index not in calls:
            assert delta.type == "function"
            assert isinstance(delta.id, str) and delta.id
            calls[delta.index] = [delta.id, function["name"], ""]
        else:
            assert delta.id is msgspec.UNSET
            assert delta.type is msgspec.UNSET
            assert "name" not in function
        calls[delta.index][2] += function["arguments"]
    assert list(calls) == list(range(len(calls)))
    return [(i, n, a) for i, n, a in calls.values()]


def track(pieces: list[RawToolCall]) -> list[tuple[str, str, str]]:
    tracker = ToolCallTracker()
    deltas = [delta for one in pieces if (delta := tracker.take(one))]
    return put_together([*deltas, *tracker.unannounced()])


PARIS, ROME = '{"city": "Paris"}', '{"city": "Rome"}'

SHAPES = {
    "as OpenAI streams": [
        piece(0, "call_a", "weather", ""),
        piece(0, args='{"city": '),
        piece(0, args='"Paris"}'),
        piece(1, "call_b", "weather", ""),
        piece(1, args=ROME),
    ],
    "empty ids and names later": [
        piece(0, "call_a", "weather", '{"city": '),
        piece(0, "", "", '"Paris"}'),
        piece(1, "call_b", "weather", ""),
        piece(1, "", "", ROME),
    ],
    "id and name with every piece": [
        piece(0, "call_a", "weather", '{"city": '),
        piece(0, "call_a", "weather", '"Paris"}'),
        piece(1, "call_b", "weather", ROME),
        piece(1, "call_b", "weather", ""),
    ],
    "index 0 for each call": [
        piece(0, "call_a", "weather", PARIS),
        piece(0, "call_b", "weather", ROME),
    ],
    "index 0 for each call, in pieces": [
        piece(0, "call_a", "weather", ""),
        piece(0, args=PARIS),
        piece(0, "call_b", "weather", ""),
        piece(0, args=ROME),
    ],
    "no index": [
        piece(None, "call_a", "weather", ""),
        piece(None, args=PARIS),
        piece(None, "call_b", "weather", ""),
        piece(None, None, None, ROME),
    ],
    "interleaved by index": [
        piece(0, "call_a", "weather", ""),
        piece(1, "call_b", "weather", ""),
        piece(0, args='{"city": '),
        piece(1, args=ROME),
        piece(0, args='"Paris"}'),
    ],
    "interleaved by id alone": [
        piece(None, "call_a", "weather", ""),
        piece(None, "call_b", "weather", ""),
        piece(None, "call_a", None, PARIS),
        piece(None, "call_b", None, ROME),
    ],
    "another id with every piece": [
        piece(0, "call_a", "weather", ""),
        piece(0, "random-1", None, PARIS),
        piece(1, "call_b", "weather", ""),
        piece(1, "random-2", "", ROME),
    ],
    "name after the id": [
        piece(0, "call_a", None, ""),
        piece(0, None, "weather", '{"city": '),
        piece(0, None, None, '"Paris"}'),
        piece(1, "call_b", "", ""),
        piece(1, None, "weather", ROME),
    ],
    "arguments as objects": [
        piece(0, "call_a", "weather", {"city": "Paris"}),
        piece(1, "call_b", "weather", {"city": "Rome"}),
    ],
    "indexes from 1": [piece(1, "call_a", "weather", PARIS), piece(2, "call_b", "weather", ROME)],
}


@pytest.mark.parametrize("pieces", SHAPES.values(), ids=SHAPES.keys())
def test_two_calls_come_out_in_every_shape(pieces: list[RawToolCall]) -> None:
    calls = [(i, n, msgspec.json.decode(a)) for i, n, a in track(pieces)]
    assert calls == [
        ("call_a", "weather", {"city": "Paris"}),
        ("call_b", "weather", {"city": "Rome"}),
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(0, None, "weather", PARIS), piece(1, None, "time", ROME)],
        [piece(0, "", "weather", PARIS), piece(0, "", "time", ROME)],
        [piece(None, None, "weather", PARIS), piece(None, None, "time", ROME)],
        [piece(0, "same", "weather", PARIS), piece(1, "same", "time", ROME)],
        [piece(0, "same", "weather", PARIS), piece(0, "same", "time", ROME)],
    ],
    ids=["no ids", "empty ids, index 0", "no ids, no index", "one id for two", "one id, one index"],
)
def test_missing_and_repeated_ids_become_unique(pieces: list[RawToolCall]) -> None:
    (first, second) = track(pieces)
    assert first[1:] == ("weather", PARIS)
    assert second[1:] == ("time", ROME)
    assert first[0] != second[0]
    assert second[0].startswith("call_")


def test_the_same_tool_twice_without_ids_is_two_calls() -> None:
    calls = track([piece(0, None, "weather", PARIS), piece(0, None, "weather", ROME)])
    assert [arguments for _, _, arguments in calls] == [PARIS, ROME]


def test_a_call_without_arguments_is_one_call() -> None:
    calls = track([piece(0, "call_a", "now", ""), piece(0, "call_a", "now", "")])
    assert calls == [("call_a", "now", "")]


def test_a_name_that_never_comes_still_opens_the_call() -> None:
    assert track([piece(0, "call_a", None, "{}")]) == [("call_a", "", "{}")]


def test_pieces_that_add_nothing_are_dropped() -> None:
    tracker = ToolCallTracker()
    assert tracker.take(piece(0, "call_a", "now", "{}")) is not None
    assert tracker.take(piece(0, "", "", "")) is None


def test_one_id_for_two_calls_of_the_same_tool_is_told_apart_by_index() -> None:
    calls = track(
        [
            piece(0, "same", "weather", ""),
            piece(0, None, None, PARIS),
            piece(1, "same", "weather", ""),
            piece(1, None, None, ROME),
        ]
    )
    assert [arguments for _, _, arguments in calls] == [PARIS, ROME]
    assert calls[0][0] != calls[1][0]
