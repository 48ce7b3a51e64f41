"""Blocks, what changes them, and both of their forms."""

import pytest

from understudy.characters.memory import (
    EMPTY,
    Block,
    Blocks,
    Edit,
    MemoryFull,
    apply,
    archiving,
    as_text,
    forgetting,
    from_text,
    making_room,
    remembering,
    replacing,
    written,
)
from understudy.errors import Conflict, InvalidValue


def memory(*lines: str, limit: int = 2_000) -> Blocks:
    return (Block("human", "\n".join(lines), limit), Block("notes"))


def lines(blocks: Blocks) -> list[str]:
    return [line for block in blocks for line in block.lines]


def test_a_line_is_added_at_the_end_and_only_once() -> None:
    edit = remembering(memory("a"), "human", "  likes\n tea ")
    assert edit is not None
    after = apply(memory("a"), edit)
    assert lines(after) == ["a", "likes tea"]
    assert remembering(after, "human", "Likes tea.") is None


def test_an_unknown_block_and_an_empty_line_are_refused() -> None:
    with pytest.raises(InvalidValue, match="human, notes"):
        remembering(EMPTY, "secrets", "x")
    with pytest.raises(InvalidValue):
        remembering(EMPTY, "human", " \n ")


def test_over_its_limit_a_block_says_both_numbers_and_stays() -> None:
    blocks = memory("12345", limit=10)
    edit = remembering(blocks, "human", "678901")
    assert edit is not None
    with pytest.raises(MemoryFull, match=r"12 characters.*10") as caught:
        apply(blocks, edit)
    assert (caught.value.status, caught.value.code) == (400, "memory_full")
    room = making_room(blocks[0], "678901")
    assert room is not None
    assert lines(apply(apply(blocks, room), edit)) == ["678901"]
    with pytest.raises(MemoryFull):
        making_room(blocks[0], "x" * 11)


def test_what_is_forgotten_comes_back_in_its_place() -> None:
    blocks = memory("a", "likes tea", "Tea at five", "b")
    (edit,) = forgetting(blocks, "TEA")
    after = apply(blocks, edit)
    assert lines(after) == ["a", "b"]
    assert apply(after, edit.inverse()) == blocks
    assert forgetting(blocks, "coffee") == []
    assert forgetting(blocks, " ") == []


def test_a_replaced_line_keeps_its_place_and_can_be_taken_back() -> None:
    blocks = memory("a", "lives in Madrid", "b")
    edit = replacing(blocks, "madrid", "lives in Seville")
    assert edit is not None
    after = apply(blocks, edit)
    assert lines(after) == ["a", "lives in Seville", "b"]
    assert apply(after, edit.inverse()) == blocks
    assert replacing(blocks, "Paris", "x") is None


def test_an_older_change_can_be_undone_but_not_one_whose_line_is_gone() -> None:
    first = remembering(EMPTY, "human", "a")
    assert first is not None
    blocks = apply(EMPTY, first)
    second = remembering(blocks, "human", "b")
    assert second is not None
    blocks = apply(blocks, second)
    assert lines(apply(blocks, first.inverse())) == ["b"]
    changed = apply(blocks, Edit("replace", "human", ("a",), ("c",), 0))
    with pytest.raises(Conflict, match="no longer holds the line: a"):
        apply(changed, first.inverse())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), ("a",)),
        (("a", "b", "c"), ("a", "c")),
        (("a", "b"), ("x", "a", "y", "b", "z")),
        (("a", "a", "b"), ("b", "a")),
        (("a", "b"), ()),
    ],
)
def test_what_a_person_writes_is_told_as_edits_that_lead_there_and_back(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    edits = written(memory(*before), memory(*after))
    made = memory(*before)
    for edit in edits:
        made = apply(made, edit)
    assert lines(made) == list(after)
    for edit in reversed(edits):
        made = apply(made, edit.inverse())
    assert sorted(lines(made)) == sorted(before)


def test_the_archive_is_no_block() -> None:
    assert apply(EMPTY, archiving("long ago")) == EMPTY
    with pytest.raises(InvalidValue):
        archiving("x" * 4_001)


def test_the_text_of_a_memory_is_read_as_what_it_was_written_from() -> None:
    blocks = (Block("human", "Name: Ana\n# 1 in chess\n\\# odd", 50), Block("días", "", 7))
    assert from_text(as_text(blocks), blocks) == blocks


def test_a_text_without_heading_is_of_the_first_block_and_unnamed_blocks_are_emptied() -> None:
    after = from_text(
        "Name: Eva\nLikes tea", (Block("human", "Name: Ana", 30), Block("notes", "x"))
    )
    assert after == (Block("human", "Name: Eva\nLikes tea", 30), Block("notes"))
    (_, _, new) = from_text("# plans\nParis", EMPTY)
    assert new == Block("plans", "Paris")


@pytest.mark.parametrize("text", ["# human\na\n# human\nb", "# a b\nx", "# \nx"])
def test_a_text_with_a_heading_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        from_text(text, EMPTY)


def test_a_text_over_a_limit_is_refused() -> None:
    with pytest.raises(MemoryFull):
        from_text("# human\n" + "x" * 11, (Block("human", "", 10),))
