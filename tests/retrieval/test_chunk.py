"""Chunks: never too large, nothing lost, pages apart, rows whole under their header."""

import re
import tracemalloc
from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.retrieval.extract.documents import blocks_of, write

from understudy.retrieval.chunk import Chunk, Chunking, chunks
from understudy.retrieval.extract.blocks import Block, pieces
from understudy.wire.tokens import count as count_tokens

SMALL = Chunking(max_tokens=100, overlap_tokens=50)
WITHOUT_OVERLAP = Chunking(max_tokens=100, overlap_tokens=0)
_WORDS = st.sampled_from(["alfa", "ñandú.", "12.345,67", "\n\n", "\n", "营业时间", "—", "  "])
_TEXTS = st.lists(_WORDS | st.text(max_size=20) | st.just("x" * 300), max_size=400).map(" ".join)
_LETTER_TEXTS = st.lists(
    st.sampled_from(["x", "xxx", " ", "\n", "\n\n", "x. "]), min_size=40, max_size=150
).map(lambda parts: "x" + "".join(parts))


def block(text: str, page: int | None = None, heading: str | None = None) -> Block:
    return Block(text, page, heading)


def table(text: str, header: str | None, page: int | None = None) -> Block:
    return Block(text, page, None, is_table=True, header=header)


def cut(*blocks: Block, chunking: Chunking = SMALL) -> list[Chunk]:
    return list(chunks(blocks, chunking))


def bare(text: str) -> str:
    """Return `text` without white space, as Python and the splitter see it."""
    return "".join(text.split())


def numbered(count: int) -> str:
    return " ".join(f"palabra{n}" + ("." if n % 9 == 0 else "") for n in range(count))


@given(_TEXTS)
def test_no_text_is_lost_and_no_chunk_is_too_large(text: str) -> None:
    found = cut(block(text), chunking=WITHOUT_OVERLAP)
    assert bare("".join(chunk.text for chunk in found)) == bare(text)
    assert all(chunk.tokens == count_tokens(chunk.text) <= 100 for chunk in found)
    assert [chunk.index for chunk in found] == list(range(len(found)))


@given(st.lists(_WORDS, max_size=400), st.integers(100, 300), st.data())
def test_with_overlap_every_piece_follows_in_the_text(
    words: list[str], max_tokens: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, max_tokens // 2))
    position, end = 0, 0
    text = " ".join(f"<{n:04}>{word}" for n, word in enumerate(words))
    whole = bare(text)
    for chunk in cut(block(text), chunking=Chunking(max_tokens, overlap)):
        assert chunk.tokens <= max_tokens
        piece = bare(chunk.text)
        position = whole.index(piece, position)
        assert position <= end, "text between two chunks is lost"
        end = max(end, position + len(piece))
    assert end == len(whole)


@given(st.lists(st.lists(st.sampled_from(["a b c", "1.5", "词" * 90, "w" * 500]), min_size=1)))
def test_tables_never_exceed_the_limit_either(rows: list[list[str]]) -> None:
    lines = [" | ".join(row) for row in rows]
    found = cut(*(table(line, "Nombre | Valor") for line in lines))
    assert all(chunk.tokens <= 100 for chunk in found)
    assert all(chunk.text.startswith("Nombre | Valor\n") for chunk in found)
    assert bare("".join(c.text.removeprefix("Nombre | Valor\n") for c in found)) == bare(
        "".join(lines)
    )


@pytest.mark.parametrize("overlap", [100, 200, 400])
def test_neighbours_overlap_by_about_what_was_asked(overlap: int) -> None:
    found = cut(block(numbered(3_000)), chunking=Chunking(800, overlap))
    words = [set(re.findall(r"palabra\d+", chunk.text)) for chunk in found]
    per_word = count_tokens(numbered(3_000)) / 3_000
    shared = [len(a & b) * per_word for a, b in pairwise(words)]
    assert len(found) > 4
    assert all(0.6 * overlap <= tokens <= 1.05 * overlap for tokens in shared)


def test_overlap_bridges_the_pieces_in_which_long_text_is_read(tmp_path: Path) -> None:
    parts = blocks_of(write(tmp_path / "long.txt", numbered(60_000)))
    assert len(parts) > 5
    found = cut(*parts, chunking=Chunking())
    words = [set(re.findall(r"palabra\d+", chunk.text)) for chunk in found]
    assert all(a & b for a, b in pairwise(words))


def test_no_text_is_lost_between_the_pieces_in_which_long_text_is_read() -> None:
    text = numbered(60_000)
    found = cut(*map(block, pieces(text)), chunking=WITHOUT_OVERLAP)
    assert bare("".join(chunk.text for chunk in found)) == bare(text)


def test_text_of_several_scripts_keeps_the_limit() -> None:
    text = numbered(400) + "\n\n" + "店铺在节假日营业。" * 200 + "\n\n" + numbered(400)
    found = cut(block(text), chunking=WITHOUT_OVERLAP)
    assert all(chunk.tokens <= 100 for chunk in found)
    assert bare("".join(chunk.text for chunk in found)) == bare(text)


@given(st.lists(_LETTER_TEXTS, min_size=2, max_size=8), st.sampled_from([0, 30, 50]))
def test_a_chunk_has_the_heading_of_its_first_word(texts: list[str], overlap: int) -> None:
    """Each block writes a letter of its own, which is its heading too."""
    parts = [
        block(text.replace("x", letter), heading=letter)
        for text, letter in zip(texts, "ABCDEFGH", strict=False)
    ]
    for chunk in cut(*parts, chunking=Chunking(100, overlap)):
        assert chunk.heading == chunk.text.strip()[0]


@pytest.mark.parametrize("end", [" ", "\n", "\n\n"])
def test_white_space_at_the_end_of_a_block_does_not_lend_its_heading(end: str) -> None:
    """The first text fills one chunk, so that the second begins with what stands between."""
    found = cut(
        block(" ".join(["A"] * 90) + end, heading="A"),
        block(" ".join(["B"] * 60), heading="B"),
        chunking=WITHOUT_OVERLAP,
    )
    assert [(chunk.heading, chunk.text[0]) for chunk in found] == [("A", "A"), ("B", "B")]


def test_chunks_are_well_filled() -> None:
    text = "\n\n".join(numbered(40) for _ in range(300))
    sizes = [chunk.tokens for chunk in cut(block(text), chunking=Chunking())]
    assert sum(sizes) / len(sizes) > 560


def test_short_text_is_one_chunk() -> None:
    found = cut(block("uno"), block("dos"), chunking=Chunking())
    assert [chunk.text for chunk in found] == ["uno\n\ndos"]


def test_blocks_that_end_in_white_space_go_on_without_a_gap() -> None:
    assert cut(block("- uno\n"), block("- dos\n"))[0].text == "- uno\n- dos"


def test_text_is_cut_between_paragraphs_rather_than_inside() -> None:
    text = "\n\n".join(numbered(25) for _ in range(40))
    for chunk in cut(block(text), chunking=WITHOUT_OVERLAP):
        assert chunk.text.startswith("palabra0. ")
        assert chunk.text.endswith("palabra24")


def test_pages_are_never_mixed() -> None:
    found = cut(block("uno", 1), block("más", 1), block("dos", 2), block(numbered(200), 3))
    assert [(c.page, c.text) for c in found][:2] == [(1, "uno\n\nmás"), (2, "dos")]
    assert {chunk.page for chunk in found[2:]} == {3}
    assert len(found) > 4


def test_a_chunk_has_the_heading_under_which_it_begins() -> None:
    first, second = numbered(90), numbered(90).replace("palabra", "otra")
    found = cut(block(first, heading="A"), block(second, heading="B"), chunking=WITHOUT_OVERLAP)
    assert found[0].heading == "A"
    assert found[-1].heading == "B"
    for chunk in found:
        assert chunk.heading == ("A" if chunk.text.startswith("palabra") else "B")


def test_rows_stay_whole_under_their_header() -> None:
    rows = [f"Ciudad: {n}; Precio: {n},50 €" for n in range(100)]
    found = cut(
        table("\n".join(rows[:60]), "Ciudad | Precio"),
        table("\n".join(rows[60:]), "Ciudad | Precio"),
    )
    lines = [chunk.text.splitlines() for chunk in found]
    assert all(first == "Ciudad | Precio" for first, *_ in lines)
    assert [row for _, *rest in lines for row in rest] == rows
    assert all(chunk.tokens > 80 for chunk in found[:-1])


def test_every_chunk_of_a_table_begins_with_its_title() -> None:
    rows = "\n".join(f"Ciudad: {n}; Precio: {n},50 €" for n in range(60))
    found = cut(Block(rows, 1, "Tarifas", is_table=True, header="Ciudad | Precio"))
    assert len(found) > 2
    for chunk in found:
        assert chunk.text.startswith("Tarifas\nCiudad | Precio\nCiudad: ")
        assert (chunk.heading, chunk.tokens <= SMALL.max_tokens) == ("Tarifas", True)


def test_a_table_is_not_mixed_with_text_or_another_table() -> None:
    found = cut(block("antes", 1), table("a: 1", "a", 1), table("b: 2", "b", 1), block("fin", 1))
    assert [chunk.text for chunk in found] == ["antes", "a\na: 1", "b\nb: 2", "fin"]


def test_a_header_too_large_to_repeat_is_left_out() -> None:
    found = cut(table("a: 1\nb: 2", numbered(80)))
    assert [chunk.text for chunk in found] == ["a: 1\nb: 2"]


def test_indentation_is_kept() -> None:
    assert cut(block("    def f():\n        pass\n"))[0].text == "    def f():\n        pass"


def test_nothing_gives_nothing() -> None:
    assert cut() == []
    assert cut(block(" \n ")) == []


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("hello world", 4), ("12345", 2), ("你好吗", 3)]
)
def test_the_documented_count(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_memory_does_not_grow_with_the_document() -> None:
    assert peak_bytes(20) > 100_000
    assert peak_bytes(60) < 1.2 * peak_bytes(20)


def peak_bytes(count: int) -> int:
    """Return the most memory that chunking `count` blocks of text and of a table takes."""

    def blocks() -> Iterator[Block]:
        for n in range(count):
            yield block(f"Bloque {n}. " + "una frase cualquiera. " * 700)
        for n in range(count):
            yield table(f"a: {n}; b: valor cualquiera\n" * 200, "a | b")

    tracemalloc.start()
    try:
        deque(chunks(blocks(), Chunking()), maxlen=0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
