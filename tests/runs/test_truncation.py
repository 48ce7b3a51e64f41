"""What of a thread goes into a prompt that is too small for all of it."""

from typing import Any

import pytest
from tests.runs.logs import RUN, answered, assistant, call, called, output, user

from understudy.runs.truncation import (
    Budget,
    PromptTooLong,
    budget,
    count_tokens,
    fit,
    newest_messages,
    split_turns,
)
from understudy.store.items import Item

SYSTEM = {"role": "system", "content": "s"}
NAMES = "abcdefgh"


def ask(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def reply(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def calling(*ids: str) -> list[dict[str, Any]]:
    asked = {"role": "assistant", "content": None, "tool_calls": [called(id_) for id_ in ids]}
    return [asked, *(answered(id_, "x") for id_ in ids)]


def size(messages: list[dict[str, Any]]) -> int:
    return sum(map(count_tokens, messages))


def within(messages: list[dict[str, Any]], tokens: int) -> list[dict[str, Any]]:
    return fit(messages, Budget(tokens, "context"))


LATER = [SYSTEM, ask("c"), *calling("c1", "c2"), reply("d"), ask("e")]
THREAD = [SYSTEM, ask("a"), reply("b"), ask("c"), *calling("c1", "c2"), reply("d"), ask("e")]


def test_all_that_fits_is_kept() -> None:
    assert within(THREAD, size(THREAD)) == THREAD
    assert fit(THREAD, Budget(None, "context")) == THREAD


@pytest.mark.parametrize(
    ("dropped", "kept"),
    [
        (1, LATER),
        (size([ask("a"), reply("b")]), LATER),
        (size([ask("a"), reply("b")]) + 1, [SYSTEM, ask("e")]),
        (size(THREAD) - size([SYSTEM, ask("e")]), [SYSTEM, ask("e")]),
    ],
)  # fmt: skip
def test_the_oldest_go_first_and_questions_with_their_answers(
    dropped: int, kept: list[dict[str, Any]]
) -> None:
    assert within(THREAD, size(THREAD) - dropped) == kept


@pytest.mark.parametrize("tokens", range(size(THREAD) + 1))
def test_a_call_is_never_without_its_outputs(tokens: int) -> None:
    messages = [*THREAD, *calling("c3")]
    try:
        kept = within(messages, tokens)
    except PromptTooLong:
        assert tokens < size([SYSTEM, ask("e"), *calling("c3")])
        return
    assert size(kept) <= tokens
    calls = [one["id"] for m in kept for one in m.get("tool_calls", ())]
    assert calls == [m["tool_call_id"] for m in kept if m["role"] == "tool"]
    assert kept[0] == SYSTEM
    assert ask("e") in kept
    assert kept[-1] == answered("c3", "x")


def test_instructions_of_a_conversation_do_not_go_with_an_answer_before_them() -> None:
    told = {"role": "developer", "content": "t"}
    messages = [SYSTEM, ask("a"), reply("b"), told, ask("c")]
    assert within(messages, size(messages) - 1) == [SYSTEM, told, ask("c")]


def test_a_thread_that_the_assistant_opens_stays_as_it_is() -> None:
    messages = [reply("welcome"), ask("a")]
    assert within(messages, size(messages)) == messages
    assert within(messages, size(messages) - 1) == [ask("a")]


@pytest.mark.parametrize("limit", ["context", "max_prompt_tokens"])
def test_a_last_message_that_is_too_long_names_its_limit(limit: Any) -> None:
    messages = [SYSTEM, ask("word " * 50)]
    with pytest.raises(PromptTooLong, match=f"{size(messages)} tokens where 20 are left") as raised:
        fit(messages, Budget(20, limit))
    assert raised.value.limit == limit


def test_images_count_by_their_detail_and_not_by_their_data() -> None:
    def shown(detail: str) -> int:
        image = {"url": "data:image/png;base64," + "A" * 100_000, "detail": detail}
        return count_tokens(
            {"role": "user", "content": [{"type": "image_url", "image_url": image}]}
        )

    assert shown("low") < shown("high") < 1_000


@pytest.mark.parametrize(
    ("context", "answer", "left", "expected"),
    [
        (None, None, None, Budget(None, "context")),
        (10_000, 1_000, None, Budget(8_997, "context")),
        (10_000, None, None, Budget(5_901, "context")),
        (4_000, 100_000, None, Budget(1_997, "context")),
        (10_000, 1_000, 500, Budget(497, "max_prompt_tokens")),
        (10_000, 1_000, 9_000, Budget(8_997, "context")),
        (None, None, 500, Budget(497, "max_prompt_tokens")),
    ],
)
def test_the_smaller_limit_sets_the_budget(
    context: int | None, answer: int | None, left: int | None, expected: Budget
) -> None:
    made = budget(context_length=context, answer_tokens=answer, prompt_tokens_left=left, tools=[])
    assert made == expected


def test_tools_take_their_part_of_the_budget() -> None:
    def made(tools: list[dict[str, Any]]) -> int:
        of = budget(context_length=9_000, answer_tokens=0, prompt_tokens_left=None, tools=tools)
        return of.tokens or 0

    assert made([called("c1")]) < made([])


LOG = [
    user("a", id_="a"),
    assistant("b", id_="b", run="run_1"),
    user("c", id_="c"),
    call("c1", run="run_2"),
    output("c1", "x", run="run_2"),
    assistant("d", id_="d", run="run_2"),
    user("e", id_="e"),
    user("f", id_="f"),
    assistant("g", id_="g", run=RUN),
    call("c2"),
    output("c2", "x"),
]


def ids(items: list[Item]) -> str:
    return " ".join(item.id for item in items)


OWN = "g fc_c2 fco_c2"


@pytest.mark.parametrize(
    ("count", "kept"),
    [
        (1, f"f {OWN}"),
        (2, f"e f {OWN}"),
        (3, f"d e f {OWN}"),
        (4, f"c fc_c1 fco_c1 d e f {OWN}"),
        (6, ids(LOG)),
        (99, ids(LOG)),
    ],
)
def test_the_newest_messages_are_counted_without_the_runs_own(count: int, kept: str) -> None:
    assert ids(newest_messages(LOG, count, RUN)) == kept


@pytest.mark.parametrize(
    ("count", "kept"),
    [(1, f"e f {OWN}"), (2, f"c fc_c1 fco_c1 d e f {OWN}"), (3, ids(LOG)), (9, ids(LOG))],
)
def test_a_turn_is_all_that_follows_what_the_user_says(count: int, kept: str) -> None:
    older, newer = split_turns(LOG, count)
    assert ids(newer) == kept
    assert [*older, *newer] == LOG


def test_every_name_is_one_token() -> None:
    assert {count_tokens(ask(name)) for name in NAMES} == {5}
