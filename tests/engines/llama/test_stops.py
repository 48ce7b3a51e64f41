"""Stop strings in texts that come in pieces."""

import pytest

from understudy.engines.llama.stops import StopCutter, stop_strings


@pytest.mark.parametrize(
    ("stop", "expected"), [(None, []), ("", []), ("a", ["a"]), (["a", "", "b"], ["a", "b"])]
)
def test_empty_stop_strings_are_none(stop: str | list[str] | None, expected: list[str]) -> None:
    assert stop_strings(stop) == expected


@pytest.mark.parametrize(
    ("pieces", "stops", "sent", "belonging"),
    [
        (["ab", "cd"], [], "abcd", [0, 1]),
        (["ab", "cd"], ["x"], "abcd", [0, 1]),
        (["a", "b", "c", "d"], ["bc"], "a", [0]),
        (["ab", "cd"], ["bc"], "a", [0]),
        (["aaab"], ["aab"], "a", [0]),
        (["a", "a", "a", "b"], ["aab"], "a", [0]),
        (["one\n", "\ntwo"], ["\n\n"], "one", [0]),
        (["ab", "x", "c"], ["bc"], "abxc", [0, 1, 2]),
        (["later first"], ["first", "later"], "", []),
        (["begins ST"], ["STOP"], "begins ST", [0]),
        (["x", "STOP", "y"], ["STOP"], "x", [0]),
        (["上", "海市"], ["海"], "上", [0]),
    ],
)
def test_a_text_ends_before_its_first_stop_string(
    pieces: list[str], stops: list[str], sent: str, belonging: list[int]
) -> None:
    cutter, text, kept = StopCutter(stops), "", []
    for number, piece in enumerate(pieces):
        more, belongings = cutter.take(piece, [number])
        text, kept = text + more, kept + belongings
        assert not any(stop in text for stop in stops)
        if cutter.has_stopped:
            break
    if not cutter.has_stopped:
        more, belongings = cutter.rest()
        text, kept = text + more, kept + belongings
    assert (text, kept) == (sent, belonging)
    assert cutter.has_stopped == any(stop in "".join(pieces) for stop in stops)
