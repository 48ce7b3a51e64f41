"""Raw chunks come out as chunks that every client reads."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.engines.decode import decode_answer
from understudy.engines.normalise import StreamNormaliser
from understudy.engines.server_sent_events import EventSplitter

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 17, "model": "m"}
USAGE = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
    return {**HEAD, "choices": [choice]}


def normalise(chunks: list[dict[str, Any]], choices: int = 1) -> list[dict[str, Any]]:
    """Return what comes out as plain data, the last chunks included."""
    normaliser = StreamNormaliser("asked", 40, choices)
    taken = [normaliser.take(decode_answer(msgspec.json.encode(one))) for one in chunks]
    assert normaliser.is_finished
    return [msgspec.to_builtins(c) for c in [*taken, *normaliser.finish()] if c is not None]


def deltas(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice["delta"] for one in chunks for choice in one["choices"]]


def finishes(chunks: list[dict[str, Any]]) -> list[str]:
    reasons = [choice["finish_reason"] for one in chunks for choice in one["choices"]]
    return [reason for reason in reasons if reason is not None]


def test_a_plain_stream_passes_as_it_is() -> None:
    out = normalise(
        [
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": "Hel"}),
            chunk({"content": "lo"}),
            chunk({}, "stop"),
            {**HEAD, "choices": [], "usage": USAGE},
        ]
    )
    assert deltas(out) == [
        {"role": "assistant", "content": ""},
        {"content": "Hel"},
        {"content": "lo"},
        {},
    ]
    assert finishes(out) == ["stop"]
    assert out[-1]["choices"] == []
    assert all("usage" not in one for one in out[:-1])
    assert out[-1]["usage"]["total_tokens"] == 5
    assert {(one["id"], one["created"], one["model"], one["object"]) for one in out} == {
        ("chatcmpl-1", 17, "m", "chat.completion.chunk")
    }


def test_the_role_comes_once_and_first() -> None:
    out = normalise(
        [
            chunk({"content": "a"}),
            chunk({"role": "assistant", "content": "b"}),
            chunk({"role": "assistant", "content": None}, "stop"),
        ]
    )
    assert deltas(out) == [{"role": "assistant", "content": "a"}, {"content": "b"}, {}]


@pytest.mark.parametrize(
    "nothing",
    [
        {"content": None},
        {"content": ""},
        {"tool_calls": []},
        {"tool_calls": None, "content": "", "role": "assistant"},
        {"reasoning_content": None},
        {"reasoning_content": "", "content": None},
        {"refusal": None, "annotations": [], "audio": None},
        {},
        None,
    ],
)
def test_deltas_without_anything_are_dropped(nothing: dict[str, Any] | None) -> None:
    out = normalise([chunk({"content": "a"}), chunk(nothing), chunk({}, "stop")])
    assert deltas(out) == [{"role": "assistant", "content": "a"}, {}]


def test_no_delta_ever_holds_a_null_or_an_empty_call_list() -> None:
    out = normalise(
        [
            chunk({"role": "assistant", "content": None, "tool_calls": [], "refusal": None}),
            chunk({"content": "a", "tool_calls": [], "function_call": None}),
            chunk({"content": None}, "stop"),
        ]
    )
    for delta in deltas(out):
        assert None not in delta.values()
        assert delta.get("tool_calls") != []


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_has_one_name_and_stays_apart(name: str) -> None:
    out = normalise([chunk({name: "hm"}), chunk({"content": "so"}), chunk({}, "stop")])
    assert deltas(out) == [
        {"role": "assistant", "reasoning_content": "hm"},
        {"content": "so"},
        {},
    ]


def test_empty_content_beside_something_else_is_left_out() -> None:
    out = normalise(
        [chunk({"content": "a"}), chunk({"reasoning": "hm", "content": ""}), chunk({}, "stop")]
    )
    assert deltas(out)[1] == {"reasoning_content": "hm"}


def test_think_tags_stay_in_the_text() -> None:
    out = normalise([chunk({"content": "<think>hm</think>so"}), chunk({}, "stop")])
    assert deltas(out)[0]["content"] == "<think>hm</think>so"


def test_content_as_parts_becomes_text() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    assert (
        deltas(normalise([chunk({"content": parts}), chunk({}, "stop")]))[0]["content"] == "Hello"
    )


CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("given", "calls", "expected"),
    [
        ("stop", True, "tool_calls"),
        ("tool_calls", True, "tool_calls"),
        ("function_call", True, "tool_calls"),
        ("", True, "tool_calls"),
        ("length", True, "length"),
        ("content_filter", True, "content_filter"),
        ("tool_calls", False, "stop"),
        ("function_call", False, "stop"),
        ("stop", False, "stop"),
        ("length", False, "length"),
        ("max_tokens", False, "length"),
        ("eos", False, "stop"),
        ("end_turn", False, "stop"),
        ("", False, "stop"),
        ("STOP", False, "stop"),
        ("SAFETY", False, "content_filter"),
    ],
)
def test_finish_reasons(given: str, calls: bool, expected: str) -> None:
    said = chunk({"content": "a", "tool_calls": [CALL] if calls else None})
    assert finishes(normalise([said, chunk({}, given)])) == [expected]


def test_calls_after_text_finish_as_calls() -> None:
    out = normalise([chunk({"content": "Let me see."}), chunk({"tool_calls": [CALL]}, "stop")])
    assert finishes(out) == ["tool_calls"]


def test_a_legacy_function_call_becomes_a_tool_call() -> None:
    out = normalise(
        [
            chunk({"function_call": {"name": "f", "arguments": ""}}),
            chunk({"function_call": {"arguments": '{"a":1}'}}),
            chunk({}, "function_call"),
        ]
    )
    first, second, _ = deltas(out)
    assert first["tool_calls"][0]["function"] == {"name": "f", "arguments": ""}
    assert second["tool_calls"] == [{"index": 0, "function": {"arguments": '{"a":1}'}}]
    assert finishes(out) == ["tool_calls"]


def test_a_finish_reason_with_every_chunk_finishes_once_at_the_end() -> None:
    out = normalise([chunk({"content": text}, "stop") for text in ("a", "b", "c")])
    assert [delta.get("content") for delta in deltas(out)] == ["a", "b", "c", None]
    assert finishes(out) == ["stop"]


def test_text_after_the_finish_reason_is_kept_and_needs_its_own() -> None:
    normaliser = StreamNormaliser("m", 0)
    for one in [chunk({"content": "a"}), chunk({}, "stop"), chunk({"content": "b"})]:
        normaliser.take(decode_answer(msgspec.json.encode(one)))
    assert not normaliser.is_finished


@pytest.mark.parametrize("unfinished", [None, "null"])
def test_a_stream_without_a_reason_is_not_finished(unfinished: str | None) -> None:
    normaliser = StreamNormaliser("m", 0)
    normaliser.take(decode_answer(msgspec.json.encode(chunk({"content": "a"}, unfinished))))
    assert not normaliser.is_finished


def test_an_empty_stream_is_not_finished() -> None:
    assert not StreamNormaliser("m", 0).is_finished


def test_one_of_two_choices_without_a_reason_is_not_finished() -> None:
    normaliser = StreamNormaliser("m", 0, choices=2)
    for index, reason in ((0, "stop"), (1, None)):
        one = chunk({"content": "a"}, reason)
        one["choices"][0]["index"] = index
        normaliser.take(decode_answer(msgspec.json.encode(one)))
    assert not normaliser.is_finished


def test_choice_0_opens_first() -> None:
    later, first = chunk({"content": "b"}, "stop"), chunk({"content": "a"}, "length")
    later["choices"][0]["index"] = 1
    out = normalise([later, first], choices=2)
    order = [(c["index"], c["delta"]) for one in out for c in one["choices"]]
    assert order == [
        (0, {"role": "assistant", "content": ""}),
        (1, {"role": "assistant", "content": "b"}),
        (0, {"content": "a"}),
        (0, {}),
        (1, {}),
    ]
    assert finishes(out) == ["length", "stop"]


def test_choices_within_a_chunk_are_put_in_order() -> None:
    both = {
        **HEAD,
        "choices": [
            {"index": 1, "delta": {"content": "b"}, "finish_reason": "stop"},
            {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"},
        ],
    }
    out = normalise([both], choices=2)
    assert [c["index"] for c in out[0]["choices"]] == [0, 1]


@pytest.mark.parametrize("index", [None, 1, 7])
def test_the_only_choice_is_choice_0(index: int | None) -> None:
    odd = chunk({"content": "a"}, "stop")
    odd["choices"][0]["index"] = index
    assert {c["index"] for one in normalise([odd]) for c in one["choices"]} == {0}


def test_missing_head_fields_are_filled() -> None:
    out = normalise([{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}])
    assert len({one["id"] for one in out}) == 1
    assert out[0]["id"].startswith("chatcmpl-")
    assert out[0]["created"] > 1_700_000_000
    assert out[0]["model"] == "asked"


def test_ids_that_change_within_a_stream_are_one() -> None:
    second = {**chunk({"content": "b"}, "stop"), "id": "other", "created": 99}
    out = normalise([chunk({"content": "a"}), second])
    assert {(one["id"], one["created"]) for one in out} == {("chatcmpl-1", 17)}


def test_only_the_last_of_repeated_usage_is_kept() -> None:
    grown = [{**USAGE, "completion_tokens": n, "total_tokens": 2 + n} for n in (1, 2, 9)]
    said = [{**chunk({"content": "a"}), "usage": one} for one in grown]
    out = normalise([*said, chunk({}, "stop")])
    assert [one["usage"]["completion_tokens"] for one in out if "usage" in one] == [9]


def test_usage_on_the_finish_chunk_moves_to_a_chunk_of_its_own() -> None:
    out = normalise([chunk({"content": "a"}), {**chunk({}, "stop"), "usage": USAGE}])
    assert "usage" not in out[-2]
    assert (out[-1]["choices"], out[-1]["usage"]["prompt_tokens"]) == ([], 2)


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}, {"unknown": 4}])
def test_usage_details_are_objects_with_zeros(details: dict[str, Any] | None) -> None:
    said = {**USAGE, "prompt_tokens_details": details, "completion_tokens_details": details}
    out = normalise([chunk({"content": "a"}, "stop"), {**HEAD, "choices": [], "usage": said}])
    assert out[-1]["usage"]["prompt_tokens_details"] == {"cached_tokens": 0, "audio_tokens": 0}
    assert set(out[-1]["usage"]["completion_tokens_details"].values()) == {0}


def test_usage_details_are_kept() -> None:
    said = {
        **USAGE,
        "prompt_tokens_details": {"cached_tokens": 7},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    out = normalise([chunk({"content": "a"}, "stop"), {**HEAD, "choices": [], "usage": said}])
    assert out[-1]["usage"]["prompt_tokens_details"]["cached_tokens"] == 7
    assert out[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 4


def test_missing_usage_is_estimated_at_four_characters_a_token() -> None:
    out = normalise([chunk({"content": "a" * 10}), chunk({"reasoning": "b" * 10}, "stop")])
    counts = out[-1]["usage"]
    assert (counts["prompt_tokens"], counts["completion_tokens"], counts["total_tokens"]) == (
        10,
        5,
        15,
    )


def test_logprobs_stay_with_their_text() -> None:
    logprobs = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]}
    out = normalise([chunk({"content": "a"}, logprobs=logprobs), chunk({}, "stop")])
    assert out[0]["choices"][0]["logprobs"] == {**logprobs, "refusal": None}


def test_chunks_without_choices_and_usage_are_dropped() -> None:
    out = normalise([{**HEAD, "choices": []}, chunk({"content": "a"}, "stop")])
    assert deltas(out)[0] == {"role": "assistant", "content": "a"}


def test_a_whole_message_in_place_of_deltas_is_taken() -> None:
    whole = {**HEAD, "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
    assert deltas(normalise([whole]))[0] == {"role": "assistant", "content": "a"}


STREAM = [
    chunk({"role": "assistant", "content": None, "tool_calls": []}),
    chunk({"reasoning_content": "嗯。"}),
    chunk({"content": "Olá 👋"}),
    chunk({"tool_calls": [CALL]}),
    chunk({"tool_calls": [{**CALL, "id": "", "function": {"name": "", "arguments": " "}}]}),
    chunk({"content": ""}, "stop"),
    {**HEAD, "choices": [], "usage": USAGE},
]
STREAM_BYTES = b"".join(b"data: " + msgspec.json.encode(one) + b"\r\n\r\n" for one in STREAM)


@given(st.lists(st.integers(0, len(STREAM_BYTES)), max_size=30).map(sorted))
def test_any_cut_of_the_bytes_gives_the_same_chunks(cuts: list[int]) -> None:
    splitter = EventSplitter()
    edges = [0, *cuts, len(STREAM_BYTES)]
    pieces = [STREAM_BYTES[a:b] for a, b in pairwise(edges)]
    events = [event for piece in pieces for event in splitter.feed(piece)]
    assert normalise([msgspec.json.decode(event.data) for event in events]) == normalise(STREAM)
