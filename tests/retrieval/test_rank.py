import pytest

from understudy.retrieval.rank import Statistics, descending, fuse, idf, score, weigh
from understudy.retrieval.terms import QueryWord, index_terms, query_words


def scores(question: str, *texts: str, chunks: int = 100) -> list[float]:
    passages = [index_terms(text) for text in texts]
    words = query_words(question)
    frequencies = {
        term: sum(f" {term} " in f" {passage} " for passage in passages)
        for word in words
        for term in word.terms
    }
    return score(weigh(words, Statistics(chunks, frequencies)), passages)


def test_rare_terms_tell_more_and_no_term_tells_less_than_nothing() -> None:
    assert idf(1000, 1) > idf(1000, 10) > idf(1000, 999) > 0
    assert idf(10, 10) > 0
    assert idf(10, 50) > 0


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("deposit return flat", "the deposit for the flat, its return", "the deposit for the car"),
        ("deposit", "deposit deposit", "deposit " + "word " * 60),
        ("deposit return", "deposit return " + "x " * 90, "deposit " + "x " * 90 + " return"),
        ("landlord", "the landlord comes", "the lessor comes"),
        ("landlord", "the lessor comes", "the weather comes"),
        ("退房押金", "退房时返还押金", "押金不退"),
    ],
)
def test_the_better_passage_wins(question: str, better: str, worse: str) -> None:
    first, second = scores(question, better, worse)
    assert first > second


def test_scores_lie_between_nothing_and_everything() -> None:
    whole, none = scores("deposit return flat", "deposit return flat " * 9, "weather")
    assert 0.9 < whole <= 1
    assert none == 0


def test_a_word_that_nothing_holds_lowers_the_score() -> None:
    [known] = scores("deposit", "deposit")
    [unknown] = scores("deposit volcano", "deposit")
    assert unknown < 0.6 * known


def test_a_common_synonym_does_not_count_as_a_rare_word() -> None:
    word = QueryWord("rare", (("common", 0.75),))
    [weighed] = weigh([word], Statistics(1000, {"rare": 1, "common": 900}))
    assert weighed.gains["common"] < 0.05 * weighed.gains["rare"]


def test_nothing_asked_and_nothing_found_score_nothing() -> None:
    assert score([], ["a b"]) == [0.0]
    assert scores("deposit") == []


def test_fusion_prefers_what_both_lists_hold() -> None:
    assert fuse([(1.0, [1, 2, 3]), (1.0, [4, 2, 5])])[0] == 2


def test_fusion_follows_the_heavier_list() -> None:
    assert fuse([(3.0, [1, 2]), (1.0, [2, 1])]) == [1, 2]
    assert fuse([(1.0, [1, 2]), (3.0, [2, 1])]) == [2, 1]


def test_fusion_breaks_ties_by_age() -> None:
    assert fuse([(1.0, [7, 3]), (1.0, [3, 7])]) == [3, 7]
    assert fuse([]) == []


def test_scores_fall_in_the_order_of_the_ranking() -> None:
    assert descending([0.2, 0.9, -0.1, 1.7, 0.3]) == [1.0, 1.0, 1.0, 1.0, 0.3]
    assert descending([]) == []
