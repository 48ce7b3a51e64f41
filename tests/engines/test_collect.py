"""The answer that a stream's chunks make up."""

import pytest
from msgspec import UNSET
from tests.chat.shapes import call_piece, chunk, piece

from understudy.engines.collect import Collector
from understudy.wire.chat import ChatChunk, ChatCompletion, FunctionCall, ToolCall, Usage


def collected(*chunks: ChatChunk) -> ChatCompletion:
    collector = Collector()
    for one in chunks:
        collector.add(one)
    return collector.completion()


def test_pieces_of_text_and_thought_are_joined() -> None:
    made = collected(
        chunk(piece(role="assistant", reasoning_content="h")),
        chunk(piece(reasoning_content="m")),
        chunk(piece(content="he")),
        chunk(piece(content="llo")),
        chunk(piece(finish="stop")),
        chunk(usage=Usage(1, 2, 3)),
    )
    (choice,) = made.choices
    assert (choice.message.content, choice.message.reasoning_content) == ("hello", "hm")
    assert (choice.finish_reason, made.usage) == ("stop", Usage(1, 2, 3))
    assert (made.id, made.created, made.model, made.object) == ("c-1", 1, "m", "chat.completion")


def test_pieces_of_calls_are_joined_by_index() -> None:
    made = collected(
        chunk(piece(tool_calls=[call_piece(0, name="f", arguments="")])),
        chunk(piece(tool_calls=[call_piece(1, name="g", arguments="{")])),
        chunk(piece(tool_calls=[call_piece(0, arguments='{"a":'), call_piece(1, arguments="}")])),
        chunk(piece(tool_calls=[call_piece(0, arguments="1}")])),
        chunk(piece(finish="tool_calls")),
    )
    message = made.choices[0].message
    assert message.content is None
    assert message.tool_calls == [
        ToolCall("call_0", FunctionCall("f", '{"a":1}')),
        ToolCall("call_1", FunctionCall("g", "{}")),
    ]


def test_choices_come_in_order() -> None:
    made = collected(
        chunk(piece(1, content="b")),
        chunk(piece(0, content="a"), piece(1, content="!")),
        chunk(piece(1, "length"), piece(0, "stop")),
    )
    assert [(c.index, c.message.content, c.finish_reason) for c in made.choices] == [
        (0, "a", "stop"),
        (1, "b!", "length"),
    ]


def test_what_was_not_said_stays_absent() -> None:
    message = collected(chunk(piece(role="assistant"))).choices[0].message
    assert (message.content, message.refusal) == (None, None)
    assert message.tool_calls is message.reasoning_content is message.annotations is UNSET


def test_refusals_annotations_and_probabilities_are_joined() -> None:
    first = piece(refusal="n", annotations=[{"a": 1}])
    first.logprobs = {"content": [{"token": "x"}], "refusal": None}
    second = piece(refusal="o", annotations=[{"b": 2}])
    second.logprobs = {"content": [{"token": "y"}]}
    (choice,) = collected(chunk(first), chunk(second)).choices
    assert choice.message.refusal == "no"
    assert choice.message.annotations == [{"a": 1}, {"b": 2}]
    assert choice.logprobs == {"content": [{"token": "x"}, {"token": "y"}], "refusal": None}


def test_without_a_chunk_there_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no chunk"):
        Collector().completion()
