import pytest

from understudy.retrieval.cite import CitationStream, CitedText, cite, passages
from understudy.retrieval.search import SearchResult


def result(number: int, text: str = "Abre el lunes. Cierra el martes.", page: int | None = 3):
    return SearchResult(f"file-{number}", f"{number}.pdf", 0.9, {}, text, page, None, 0)


RESULTS = [result(1), result(2, "The fee is 40 dollars. Parking is free."), result(3, page=None)]

ANSWERS = [
    "Cierra el martes【1】.",
    "Cierra el martes【1】【1】. Y cuesta【2】【3】.",
    "The fee【2】 of 40【2】",
    "Nada 【9】 de 【0】 nada.",
    "Roto 【1",
    "Roto 【",
    "【1】 al principio",
    "Otra forma 【2†source】 y 【 3 】.",
    "Un corchete 【nota】 queda.",
    "Sin nada, 中文🙂 solo texto  ",
    "Emoji 🙂 中文【1】 después【2】",
]


def in_pieces(answer: str, size: int) -> CitedText:
    stream = CitationStream(RESULTS)
    parts = [stream.feed(answer[i : i + size]) for i in range(0, len(answer), size)]
    parts.append(stream.finish())
    text = "".join(part.text for part in parts)
    return CitedText(text, tuple(citation for part in parts for citation in part.citations))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_stream_gives_what_the_whole_answer_gives(answer: str, size: int) -> None:
    assert in_pieces(answer, size) == cite(answer, RESULTS)


@pytest.mark.parametrize("answer", ANSWERS)
def test_offsets_are_code_points_of_the_marker(answer: str) -> None:
    cited = cite(answer, RESULTS)
    for citation in cited.citations:
        number = int(citation.file_id.removeprefix("file-"))
        assert cited.text[citation.start : citation.end] == f"【{number}】"


@pytest.mark.parametrize(
    ("answer", "text", "files"),
    [
        ("a【1】【1】 b【1】", "a【1】 b【1】", ["file-1", "file-1"]),
        ("a【1】 【1】.", "a【1】.", ["file-1"]),
        ("a【1】【2】", "a【1】【2】", ["file-1", "file-2"]),
        ("a 【9】.", "a.", []),
        ("a 【1", "a", []),
        ("a 【2†source】", "a 【2】", ["file-2"]),
        ("a 【nota】 b", "a 【nota】 b", []),
        ("【" + "x" * 60 + " b", "【" + "x" * 60 + " b", []),
    ],
)
def test_markers(answer: str, text: str, files: list[str]) -> None:
    cited = cite(answer, RESULTS)
    assert cited.text == text
    assert [citation.file_id for citation in cited.citations] == files


def test_a_marker_is_held_back_until_it_is_whole() -> None:
    stream = CitationStream(RESULTS)
    assert stream.feed("Cierra 【").text == "Cierra"
    assert stream.feed("1").text == ""
    piece = stream.feed("】 hoy")
    assert piece.text == " 【1】 hoy"
    assert [(c.start, c.end) for c in piece.citations] == [(7, 10)]


def test_text_without_markers_waits_for_nothing() -> None:
    assert CitationStream(RESULTS).feed("hola").text == "hola"


def test_the_quote_is_the_sentence_that_supports_the_claim() -> None:
    cited = cite("Parking costs nothing, it is free【2】. The fee amounts to 40【2】.", RESULTS)
    assert [citation.quote for citation in cited.citations] == [
        "Parking is free.",
        "The fee is 40 dollars.",
    ]


def test_a_citation_names_file_and_page() -> None:
    [citation] = cite("Cierra【1】", RESULTS).citations
    assert (citation.file_id, citation.filename, citation.page) == ("file-1", "1.pdf", 3)


def test_passages_of_a_later_search_go_on_counting() -> None:
    assert [p.number for p in passages(RESULTS, first=4)] == [4, 5, 6]


def test_passages_are_numbered_from_one() -> None:
    shown = passages(RESULTS)
    assert [(p.number, p.filename, p.page) for p in shown] == [
        (1, "1.pdf", "3"),
        (2, "2.pdf", "3"),
        (3, "3.pdf", None),
    ]
