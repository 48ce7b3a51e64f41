"""When older turns are summarised, what the model is asked, and what becomes of its answer."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.runs.logs import assistant, call, output, search, user

from understudy.runs.summary import Summariser, Summary, due_items, read, request, uncovered
from understudy.store.items import Item

pytestmark = pytest.mark.anyio


def turns(*numbers: int) -> list[Item]:
    return [
        item
        for n in numbers
        for item in (user(f"q{n}", id_=f"q{n}"), assistant(f"a{n}", id_=f"a{n}"))
    ]


def ids(items: list[Item]) -> str:
    return " ".join(item.id for item in items)


@dataclass
class Model:
    """A model whose answers are written down; keeps what it was asked."""

    answers: list[str]
    asked: list[list[dict[str, Any]]] = field(default_factory=list)

    async def __call__(self, messages: list[dict[str, Any]]) -> str:
        self.asked.append(messages)
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("items", "summary", "due"),
    [
        (turns(1, 2, 3, 4), None, ""),
        (turns(1, 2, 3, 4, 5), None, "q1 a1 q2 a2 q3 a3"),
        (turns(1, 2, 3, 4, 5), Summary("a3", "s"), ""),
        (turns(1, 2, 3, 4, 5, 6, 7, 8), Summary("a3", "s"), "q4 a4 q5 a5 q6 a6"),
        (turns(4, 5, 6, 7, 8), Summary("a3", "s"), "q4 a4 q5 a5 q6 a6"),
    ],
)
def test_older_turns_are_due_when_twice_as_many_are_there(
    items: list[Item], summary: Summary | None, due: str
) -> None:
    assert ids(due_items(items, summary, 2)) == due


def test_what_the_summary_covers_is_not_shown() -> None:
    items = turns(1, 2, 3)
    assert ids(uncovered(items, Summary("a2", "s"))) == "q3 a3"
    assert uncovered(items, Summary("deleted", "s")) == items
    assert uncovered(items, None) == items


async def test_a_summary_is_renewed_from_the_one_before_it() -> None:
    model = Model(["  First.  ", "Second."])
    summariser = Summariser(model, 2)
    assert await summariser.renew(turns(1, 2, 3, 4), None) is None
    first = await summariser.renew(turns(1, 2, 3, 4, 5), None)
    assert first == Summary("a3", "First.")
    assert await summariser.renew(turns(1, 2, 3, 4, 5, 6), first) is first
    second = await summariser.renew(turns(1, 2, 3, 4, 5, 6, 7, 8), first)
    assert second == Summary("a6", "Second.")
    [asked_first, asked_second] = [messages[-1]["content"] for messages in model.asked]
    assert "User: q1\nAssistant: a1\nUser: q2" in asked_first
    assert "q4" not in asked_first
    assert "Before: First.\nUser: q4" in asked_second
    assert "q3" not in asked_second


async def test_a_summary_goes_with_the_item_that_it_ends_with() -> None:
    model = Model(["Anew."])
    old = Summary("deleted", "old secret")
    assert await Summariser(model, 2).renew(turns(1, 2), old) is None
    assert await Summariser(model, 2).renew(turns(1, 2, 3, 4, 5), old) == Summary("a3", "Anew.")
    assert "old secret" not in str(model.asked)


async def test_an_empty_answer_changes_nothing() -> None:
    assert await Summariser(Model([" "]), 1).renew(turns(1, 2, 3), None) is None


def test_calls_are_part_of_the_transcript_and_searches_are_not() -> None:
    items = [
        user("q"),
        call("c1", "ping", '{"n": 1}'),
        output("c1", "pong"),
        search("s1", "secret"),
    ]
    [system, asked] = request(items, "")
    assert system["role"] == "system"
    assert asked["content"].endswith('User: q\nAssistant called ping({"n": 1})\nResult: pong')


def test_a_document_is_read_back() -> None:
    summary = Summary("msg_1", "text")
    assert read(summary.document()) == summary
    assert read(None) is None
