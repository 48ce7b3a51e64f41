import pytest

from understudy.retrieval.confidence import confidence
from understudy.retrieval.rank import Statistics, WeighedWord, weigh
from understudy.retrieval.terms import index_terms, query_words

CHUNKS = 500
SUBJECT = "The Harbour Line. " * 3


def sure(question: str, passage: str, unknown: tuple[str, ...] = ()) -> float:
    """Return the confidence where one chunk in 500 holds each word, and none the unknown ones."""
    words = query_words(question)
    missing = {word.term for text in unknown for word in query_words(text)}
    frequencies = {term: 1 for word in words for term in word.terms if term not in missing}
    weighed = weigh(words, Statistics(CHUNKS, frequencies))
    terms = index_terms(passage)
    return confidence(weighed, terms.split(), CHUNKS)


@pytest.mark.parametrize(
    ("surer", "less_sure"),
    [
        pytest.param(
            sure("bicycle reservation peak", "A reservation for a bicycle outside the peak."),
            sure("bicycle reservation peak", "A reservation for dinner."),
            id="more of the question is found",
        ),
        pytest.param(
            sure("bicycle peak toddler meal", "A bicycle."),
            sure("bicycle peak toddler meal", "A bicycle.", ("toddler", "meal")),
            id="the store knows the words that are missing",
        ),
        pytest.param(
            sure("harbour bicycle meal", SUBJECT + "A bicycle."),
            sure("harbour line meal bicycle", SUBJECT, ("meal", "bicycle")),
            id="more than the subject is found",
        ),
        pytest.param(
            sure("bicycle peak toddler meal", "Bicycle outside the peak."),
            sure("bicycle peak toddler meal", f"Bicycle. {'Other words. ' * 60} Peak."),
            id="the words stand together",
        ),
        pytest.param(
            sure("bicycle peak toddler meal coach ticket", "Bicycle, peak, toddler."),
            sure("bicycle peak", "Bicycle."),
            id="half of a long question is more than half of a short one",
        ),
    ],
)
def test_what_makes_surer(surer: float, less_sure: float) -> None:
    assert surer > less_sure + 0.05


def test_the_words_of_the_subject_count_as_one_rare_word() -> None:
    words = [WeighedWord(4.0, {term: 4.0}) for term in ("harbour", "line", "express")]
    asked = [*words, WeighedWord(4000.0, {"meal": 4000.0})]
    two, three = ["harbour", "line"], ["harbour", "line", "express"]
    assert confidence(asked, three * 3, CHUNKS) == pytest.approx(confidence(asked, two * 3, CHUNKS))
    assert confidence(asked, three, CHUNKS) > confidence(asked, two, CHUNKS) + 0.05


@pytest.mark.parametrize("question", ["bicycle", "bicycle reservation peak"])
def test_a_question_found_whole_is_nearly_sure_however_short(question: str) -> None:
    assert sure(question, question) > 0.9
    assert sure(question, f"{question} " * 9) > 0.9


def test_a_word_of_no_weight_may_be_missing() -> None:
    words = [WeighedWord(4.0, {term: 4.0}) for term in ("harbour", "line", "express")]
    passage = ["harbour", "line", "express"] * 3
    assert confidence([*words, WeighedWord(0.2, {"open": 0.2})], passage, CHUNKS) > 0.9
    assert confidence([*words, WeighedWord(9.0, {"open": 9.0})], passage, CHUNKS) < 0.8


def test_nothing_asked_and_nothing_found_is_not_sure_at_all() -> None:
    assert sure("", "A bicycle.") == 0
    assert sure("volcano", "A bicycle.") == 0
    assert sure("volcano", "A bicycle.", ("volcano",)) == 0


def test_it_stays_between_nothing_and_certainty() -> None:
    many = " ".join(f"word{i}x" for i in range(30))
    assert 0.99 < sure(many, many) <= 1
    assert 0 < sure(f"bicycle {many}", "A bicycle.", (many,)) < 0.3
