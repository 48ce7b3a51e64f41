import pytest
from bench.retrieval.documents import documents
from bench.retrieval.evaluate import Answer, figures, separation
from bench.retrieval.questions import MOST_SHARED, Question, questions


def answers(with_answer: list[float], without: list[float]) -> list[Answer]:
    some = Question("how?", "a.pdf", 1, "so", is_held_out=False)
    none = Question("how?", "", 0, "", is_held_out=False)
    return [Answer(some, 1, score) for score in with_answer] + [
        Answer(none, 0, score) for score in without
    ]


@pytest.mark.parametrize(
    ("with_answer", "without", "expected"),
    [
        ([0.9, 0.8], [0.7, 0.1], 1.0),
        ([0.1], [0.7, 0.2], 0.0),
        ([0.5], [0.5], 0.5),
        ([0.9, 0.3], [0.5, 0.2], 0.75),
    ],
)
def test_separation_is_the_share_of_pairs_in_the_right_order(
    with_answer: list[float], without: list[float], expected: float
) -> None:
    assert separation(answers(with_answer, without)) == expected


def test_a_threshold_lets_through_what_reaches_it() -> None:
    found = figures(answers([0.9, 0.5, 0.4, 0.0], [0.5, 0.1]), 0.5)
    assert (found.answerable_below, found.answerable) == (2, 4)
    assert (found.unanswerable_above, found.unanswerable) == (1, 2)
    assert found.without_result == 1


def test_questions_are_put_as_they_must_be() -> None:
    asked = questions(documents())
    assert [q.text for q in asked if q.has_answer and q.shared > MOST_SHARED] == []
    assert len({q.text for q in asked}) == len(asked)
    for held_out in (True, False):
        chosen = [q for q in asked if q.is_held_out == held_out]
        assert len(chosen) >= 60
        assert sum(not q.has_answer for q in chosen) * 5 >= len(chosen)
