from typing import Any

import pytest

from understudy.responses.mcp.results import result_of

PLENTY = 1_000


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ({"content": []}, ""),
        ({}, ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "a\nb"),
        ({"content": [], "structuredContent": {"a": 1}}, '{"a":1}'),
        (
            {"content": [{"type": "text", "text": "one"}], "structuredContent": {"a": 1}},
            "one",
        ),
        (
            {"content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}]},
            "[image: image/png, not shown]",
        ),
        (
            {"content": [{"type": "resource", "resource": {"uri": "x:1", "text": "read"}}]},
            "read",
        ),
        (
            {"content": [{"type": "resource", "resource": {"uri": "x:1", "blob": "AA"}}]},
            "[data: x:1]",
        ),
        ({"content": [{"type": "resource_link", "uri": "x:2", "name": "n"}]}, "[n: x:2]"),
    ],
)
def test_what_a_model_is_shown_of_an_answer(answer: dict[str, Any], output: str) -> None:
    result = result_of(answer, PLENTY)
    assert (result.output, result.error) == (output, None)


def test_a_long_output_is_cut_and_says_so() -> None:
    answer = {"content": [{"type": "text", "text": "word " * 100}]}
    output = result_of(answer, 10).output
    assert output is not None
    assert output.startswith("word word") and len(output) < 150
    assert output.endswith("[The rest of the output was left out: it is too long.]")
