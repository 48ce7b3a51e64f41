import pytest

from understudy.retrieval.terms import fold, index_terms, query_words, stem


def terms(text: str) -> set[str]:
    return set(index_terms(text).split())


def asked(question: str) -> list[str]:
    return [word.term for word in query_words(question)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.234,56 €", "1234.56"),
        ("1,234.56", "1234,56"),
        ("1.234", "1234"),
        ("1500,00", "1.500"),
        ("12,50", "12.5"),
        ("ISO-9001", "iso 9001"),
        ("ISO-9001", "ISO9001"),
        ("10:30", "10.30"),
        ("2026-05-01", "1 de mayo de 2026"),
        ("01/05/2026", "May 1, 2026"),
        ("2026年5月1日", "1st of May 2026"),
        ("CANCELACIÓN", "cancelar"),
        ("animales", "animal"),
        ("Peñíscola", "penisco\u0301la"),
        ("refunded", "refunds"),
        ("ＡＢＣ１２３", "abc123"),  # noqa: RUF001
        ("北京的门店", "门店在哪里"),
    ],
)
def test_ways_to_write_the_same_meet(one: str, other: str) -> None:
    assert set(asked(one)) & terms(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.234,56", "1.234,65"), ("2026-05-01", "2026-05-02"), ("A-12", "B-13"), ("casa", "cosa")],
)
def test_different_things_do_not_meet(one: str, other: str) -> None:
    rare = {term for term in terms(one) if len(term) > 2 and term not in ("2026", "1234")}
    assert not rare & terms(other) - {"202605", "05"}


def test_terms_are_what_no_database_takes_apart() -> None:
    text = "Straße nº 5, «ñandú» 1.234,56 € — e-mail@x.org; 中文，日本語 ﬁn"  # noqa: RUF001
    assert all(term.isalnum() for term in terms(text))
    assert "  " not in index_terms(text)


def test_the_context_is_found_too() -> None:
    assert {stem("galicia"), stem("tiendas")} <= set(index_terms("Tiendas", "Galicia").split())


def test_no_text_has_no_terms() -> None:
    assert index_terms("", "") == index_terms(" .,! ") == ""
    assert query_words("") == query_words("¿?") == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("¿Cuánto cuesta el sábado?", [stem("sabado")]),
        ("What is the fee for the course?", [stem("fee"), stem("course")]),
        ("请问门店几点开门", ["门店", "开门"]),
    ],
)
def test_questions_lose_the_words_that_ask(question: str, expected: list[str]) -> None:
    assert asked(question) == expected


def test_a_question_of_stop_words_keeps_them() -> None:
    assert asked("to be or not to be") == ["to", "be", "or", "not"]


def test_synonyms_are_worth_less_than_the_word() -> None:
    [word] = query_words("landlord")
    assert stem("lessor") in word.synonyms
    assert all(0 < worth < 1 for _, worth in word.alternatives)
    assert word.term not in word.synonyms


def test_a_long_question_is_cut() -> None:
    assert len(query_words(" ".join(f"palabra{i}" for i in range(500)))) == 32


def test_stems_do_not_depend_on_the_form() -> None:
    assert stem(stem("universidades")) == stem("universidades")
    assert stem("pagos") == stem("pagar")


def test_folding_keeps_letters_of_other_scripts() -> None:
    assert fold("Ñandú ÀÉÏ 한국") == "nandu aei 한국"
