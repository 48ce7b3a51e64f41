"""What of an answer is spoken: its words, none of the signs that lay it out."""

import pytest

from understudy.speech.markup import spoken


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Plain words, 2 x 3, snake_case and a-b.",) * 2,
        ("**Total:** 12 _euros_ and ***more***.", "Total: 12 euros and more."),
        ("## Prices\n- one\n* two", "Prices\none\ntwo"),
        (
            "See [the page](https://example.com/a_b) or `pip install`.",
            "See the page or pip install.",
        ),
        ("It closes at 9\u30101\u2020guide.pdf\u3011.", "It closes at 9."),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a, b, 1, 2"),
        ("---", ""),
        ("```", ""),
        ("-5 degrees", "-5 degrees"),
    ],
)
def test_markdown(text: str, words: str) -> None:
    assert spoken(text) == words
