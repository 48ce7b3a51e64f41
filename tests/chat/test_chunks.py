"""A whole answer as a stream and back, and the usage rule."""

import pytest
from msgspec import UNSET
from tests.chat.shapes import calls, chunk, completion, piece, says

from understudy.chat.chunks import chunks_of, with_usage_last, without_usage
from understudy.engines.collect import Collector
from understudy.wire.chat import ChatCompletion, Usage

USAGE = Usage(2, 3, 5)


def collected(answer: ChatCompletion) -> ChatCompletion:
    collector = Collector()
    for one in chunks_of(answer):
        collector.add(one)
    return collector.completion()


@pytest.mark.parametrize(
    "answer",
    [
        completion(says("hello")),
        completion(says("")),
        completion(says("a", finish="length"), says("b", index=1)),
        completion(says(None, finish="tool_calls", tool_calls=calls("f", "g"))),
        completion(says("text first", finish="tool_calls", tool_calls=calls("f"))),
        completion(says("x", reasoning_content="hm", annotations=[{"type": "url_citation"}])),
        completion(says(None, refusal="no")),
    ],
)
def test_an_answer_survives_as_a_stream(answer: ChatCompletion) -> None:
    assert collected(answer) == answer


def test_the_stream_of_an_answer_obeys_the_rules() -> None:
    answer = completion(says("a"), says("b", index=1), usage=USAGE)
    made = list(chunks_of(answer))
    assert {(one.id, one.created, one.model) for one in made} == {("c-1", 1, "m")}
    indexes = [choice.index for one in made for choice in one.choices]
    assert indexes == [0, 1, 0, 1]
    roles = [choice.delta.role for one in made for choice in one.choices]
    assert roles == ["assistant", "assistant", UNSET, UNSET]
    finishes = [choice.finish_reason for one in made for choice in one.choices]
    assert finishes == [None, None, "stop", "stop"]
    assert [one.usage for one in made] == [UNSET] * 4 + [USAGE]
    assert made[-1].choices == []


def test_calls_of_a_stream_have_an_index_an_id_and_a_name_each() -> None:
    answer = completion(says(None, finish="tool_calls", tool_calls=calls("f", "g")))
    first = next(chunks_of(answer)).choices[0].delta
    assert first.content is UNSET
    assert [(one.index, one.id, one.type) for one in first.tool_calls or ()] == [
        (0, "call_0", "function"),
        (1, "call_1", "function"),
    ]


def test_without_usage_when_nobody_asked() -> None:
    (kept,) = without_usage(chunk(piece(content="a"), usage=USAGE))
    assert kept.usage is UNSET
    assert list(without_usage(chunk(usage=USAGE))) == []


def test_usage_last_when_it_was_asked_for() -> None:
    (kept,) = with_usage_last(chunk(piece(content="a")))
    assert kept.usage is None
    (last,) = with_usage_last(chunk(usage=USAGE))
    assert (last.choices, last.usage) == ([], USAGE)


def test_usage_on_a_chunk_with_choices_moves_behind_it() -> None:
    text, last = with_usage_last(chunk(piece(finish="stop"), usage=USAGE))
    assert (text.usage, text.choices[0].finish_reason) == (None, "stop")
    assert (last.choices, last.usage) == ([], USAGE)
