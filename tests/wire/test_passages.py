"""Passages survive the way into a prompt and back, whatever they contain."""

from hypothesis import given
from hypothesis import strategies as st

from understudy.wire import passages

_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(st.lists(st.tuples(_TEXT, _TEXT, st.none() | _TEXT), max_size=4))
def test_parse_reads_what_render_wrote(found: list[tuple[str, str, str | None]]) -> None:
    written = [
        passages.Passage(number, filename, text, page)
        for number, (filename, text, page) in enumerate(found, start=1)
    ]

    assert passages.parse(f"Before.\n{passages.render(written)}\nAfter.") == written


def test_without_passages_leaves_the_prompt() -> None:
    block = passages.render([passages.Passage(1, "a.pdf", "Shops open on Sundays.", "3")])

    assert passages.without_passages(f"Answer from these.\n{block}") == "Answer from these."


def test_a_marker_is_found_by_its_pattern() -> None:
    found = passages.MARKER.search(f"Yes {passages.marker(12)}")

    assert found is not None
    assert found["number"] == "12"
