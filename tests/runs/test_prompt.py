"""The chat messages that a thread becomes, as tables of items and messages."""

from dataclasses import replace
from typing import Any

import pytest
from tests.runs.logs import RUN, answered, assistant, call, called, output, search, user

from understudy.chat.validate import validate_chat
from understudy.retrieval.cite import cite
from understudy.runs.prompt import UNANSWERED, Setting, build, results_of_run
from understudy.store.items import Item
from understudy.wire.passages import NONE_FOUND, Passage, parse, render

SETTING = Setting(RUN, search_name="file_search")
PHOTO = {"type": "input_image", "file_id": "file-photo", "detail": "low"}
GONE = {**PHOTO, "file_id": "file-gone"}
LINK = {"type": "input_image", "image_url": "https://example.com/a.png"}
PIXEL = "data:image/png;base64,AAAA"

ITEMS: list[tuple[str, list[Item], list[dict[str, Any]]]] = [
    ("nothing", [], []),
    (
        "messages in their order",
        [user("a"), assistant("b"), user("c")],
        [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ],
    ),
    ("several texts", [user("a", "b")], [{"role": "user", "content": "a\nb"}]),
    ("empty messages", [user("a"), assistant(), assistant("")], [{"role": "user", "content": "a"}]),
    (
        "a refusal",
        [assistant({"type": "refusal", "refusal": "no"})],
        [{"role": "assistant", "content": "no"}],
    ),
    (
        "parallel calls",
        [
            user("a"),
            call("c1", "ping", '{"n": 1}'),
            call("c2", "pong"),
            output("c2", "two"),
            output("c1", "one"),
        ],
        [
            {"role": "user", "content": "a"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [called("c1", n=1), called("c2", "pong")],
            },
            answered("c1", "one"),
            answered("c2", "two"),
        ],
    ),
    (
        "calls of two turns",
        [
            call("c1", step="step_1"),
            output("c1", "one"),
            call("c2", step="step_2"),
            output("c2", "two"),
        ],
        [
            {"role": "assistant", "content": None, "tool_calls": [called("c1")]},
            answered("c1", "one"),
            {"role": "assistant", "content": None, "tool_calls": [called("c2")]},
            answered("c2", "two"),
        ],
    ),
    (
        "calls that a client added one after the other",
        [
            call("c1", run=None, step=None),
            output("c1", "one", run=None),
            call("c2", run=None, step=None),
            output("c2", "two", run=None),
        ],
        [
            {"role": "assistant", "content": None, "tool_calls": [called("c1")]},
            answered("c1", "one"),
            {"role": "assistant", "content": None, "tool_calls": [called("c2")]},
            answered("c2", "two"),
        ],
    ),
    (
        "a text before the calls",
        [user("a"), assistant("let me see", run=RUN), call("c1"), output("c1", "one")],
        [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "let me see", "tool_calls": [called("c1")]},
            answered("c1", "one"),
        ],
    ),
    (
        "a call of a run that a conversation answered, in parts",
        [
            call("c1", run="run_cancelled"),
            Item(
                "fco_1",
                "function_call_output",
                0,
                {
                    "type": "function_call_output",
                    "call_id": "c1",
                    "output": [{"type": "input_text", "text": "one"}, LINK],
                },
            ),
        ],
        [
            {"role": "assistant", "content": None, "tool_calls": [called("c1")]},
            answered("c1", "one\n[image: https://example.com/a.png]"),
        ],
    ),
    (
        "a file that is a part of a message, and one without an id",
        [
            user(
                "read",
                {"type": "input_file", "file_id": "file-1"},
                {"type": "input_file", "filename": "a.txt", "file_data": "QQ=="},
            )
        ],
        [{"role": "user", "content": "read\n[file: a.txt]\nAttached: file (file-1)"}],
    ),
    (
        "a citation that a client brought",
        [
            assistant(
                {
                    "type": "output_text",
                    "text": "Yes.",
                    "annotations": [{"type": "file_citation", "file_id": "file-1", "index": 1}],
                }
            )
        ],
        [{"role": "assistant", "content": "Yes."}],
    ),
    (
        "a call that nobody answered",
        [call("c1", run="run_cancelled"), user("and now?")],
        [
            {"role": "assistant", "content": None, "tool_calls": [called("c1")]},
            answered("c1", UNANSWERED),
            {"role": "user", "content": "and now?"},
        ],
    ),
    (
        "the same call id in two runs",
        [
            call("c1", run="run_1"),
            output("c1", "one", run="run_1"),
            replace(call("c1", run="run_2"), id="fc_again"),
            output("c1", "two", run="run_2"),
        ],
        [
            {"role": "assistant", "content": None, "tool_calls": [called("c1")]},
            answered("c1", "one"),
            {"role": "assistant", "content": None, "tool_calls": [called("c1")]},
            answered("c1", "two"),
        ],
    ),
    (
        "the same call id in two answers of a run",
        [
            call("c1"),
            output("c1", "one"),
            replace(call("c1", step="step_2"), id="fc_again"),
            output("c1", "two"),
        ],
        [
            {"role": "assistant", "content": None, "tool_calls": [called("c1")]},
            answered("c1", "one"),
            {"role": "assistant", "content": None, "tool_calls": [called("c1")]},
            answered("c1", "two"),
        ],
    ),
    (
        "arguments that are no object",
        [
            call("c1", arguments='{"a"'),
            call("c2", arguments="7"),
            output("c1", ""),
            output("c2", ""),
        ],
        [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [called("c1"), called("c2")],
            },
            answered("c1", ""),
            answered("c2", ""),
        ],
    ),
    (
        "a search of an earlier run",
        [user("a"), search("s1", "x", run="run_before"), assistant("b")],
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
    ),
    (
        "a search without results",
        [search("s1", note="Not searched: vs_1.")],
        [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [called("s1", "file_search", queries=["where is s1?"])],
            },
            answered("s1", f"{NONE_FOUND}\nNot searched: vs_1."),
        ],
    ),
]


@pytest.mark.parametrize(("items", "messages"), [c[1:] for c in ITEMS], ids=[c[0] for c in ITEMS])
def test_items_become_messages(items: list[Item], messages: list[dict[str, Any]]) -> None:
    assert build(items, SETTING) == messages


@pytest.mark.parametrize("items", [c[1] for c in ITEMS], ids=[c[0] for c in ITEMS])
def test_a_request_with_these_messages_is_valid(items: list[Item]) -> None:
    validate_chat(
        {"model": "m", "messages": [*build(items, SETTING), {"role": "user", "content": "?"}]}
    )


@pytest.mark.parametrize(
    ("setting", "system"),
    [
        (Setting(RUN), None),
        (Setting(RUN, "  "), None),
        (Setting(RUN, "Be brief."), "Be brief."),
        (Setting(RUN, summary="Ana owes 5."), "What was said before, in short:\nAna owes 5."),
        (Setting(RUN, "A", "B"), "A\n\nWhat was said before, in short:\nB"),
    ],
)
def test_instructions_and_summary_are_the_system_message(
    setting: Setting, system: str | None
) -> None:
    messages = build([user("a")], setting)
    assert [m["content"] for m in messages if m["role"] == "system"] == [system][
        : system is not None
    ]
    assert messages[-1] == {"role": "user", "content": "a"}


def test_passages_are_numbered_through_all_searches_of_the_run() -> None:
    items = [
        search("s0", "old", run="run_before"),
        user("q"),
        search("s1", "x", "y", step="step_1"),
        search("s2", "z", step="step_2"),
    ]
    messages = build(items, SETTING)
    shown = [parse(message["content"]) for message in messages if message["role"] == "tool"]
    assert [[(p.number, p.text) for p in found] for found in shown] == [
        [(1, "x"), (2, "y")],
        [(3, "z")],
    ]
    results = results_of_run(items, RUN)
    assert [result.text for result in results] == ["x", "y", "z"]
    [citation] = cite("It is so【3】.", results).citations
    assert (citation.file_id, citation.filename, citation.page) == ("file-z", "z.pdf", 2)


def test_a_search_is_shown_beside_the_functions_called_with_it() -> None:
    items = [call("c1"), search("s1", "x"), output("c1", "one")]
    [asked, *answers] = build(items, SETTING)
    assert [one["function"]["name"] for one in asked["tool_calls"]] == ["ping", "file_search"]
    assert answers == [
        answered("c1", "one"),
        answered("s1", render([Passage(1, "x.pdf", "x", "2")])),
    ]


def test_markers_of_earlier_answers_are_left_out() -> None:
    text = "Open on Monday 【1】 and Friday【2】."
    citations = [
        {"type": "file_citation", "start_index": text.index(m), "end_index": text.index(m) + 3}
        for m in ("【1】", "【2】")
    ]
    part = {"type": "output_text", "text": text, "annotations": citations}
    [before] = build([assistant(part, run="run_before")], SETTING)
    assert before["content"] == "Open on Monday and Friday."
    [own] = build([assistant(part, run=RUN)], SETTING)
    assert own["content"] == text


def test_images_are_shown_to_a_model_that_sees() -> None:
    setting = Setting(RUN, sees_images=True, images={"file-photo": PIXEL})
    [message] = build([user("look", PHOTO, LINK)], setting)
    assert message["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": LINK["image_url"], "detail": "auto"}},
    ]


@pytest.mark.parametrize(
    ("part", "sees", "role", "shown"),
    [
        (PHOTO, False, "user", "[image: cat.png]"),
        (PHOTO, True, "user", "[image that cannot be shown: cat.png]"),
        (GONE, True, "user", "[image that cannot be shown: it was deleted]"),
        (GONE, False, "user", "[image]"),
        (LINK, False, "user", "[image: https://example.com/a.png]"),
        ({**LINK, "image_url": PIXEL}, False, "user", "[image]"),
        (LINK, True, "assistant", "[image: https://example.com/a.png]"),
    ],
)  # fmt: skip
def test_an_image_that_cannot_be_shown_is_named(
    part: dict[str, Any], sees: bool, role: str, shown: str
) -> None:
    setting = Setting(RUN, sees_images=sees, filenames={"file-photo": "cat.png"})
    make = user if role == "user" else assistant
    assert build([make(part)], setting) == [{"role": role, "content": shown}]


@pytest.mark.parametrize(
    "extra",
    [
        {"attachments": [{"file_id": "file-a", "tools": []}, {"file_id": "file-b", "tools": []}]},
        {"file_ids": ["file-a", "file-b"], "attachments": None},
        {"file_ids": ["file-a", "file-b"], "attachments": [{"file_id": "file-a", "tools": []}]},
    ],
)
def test_attached_files_are_named(extra: dict[str, Any]) -> None:
    setting = Setting(RUN, filenames={"file-a": "rates.pdf"})
    [message] = build([user("read these", **extra)], setting)
    assert message["content"] == "read these\nAttached: rates.pdf (file-a), file (file-b)"
