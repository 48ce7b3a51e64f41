"""Plain answers, text completions and embeddings come out in OpenAI's form."""

from typing import Any

import msgspec
import pytest

from understudy.engines.answers import plain_answer
from understudy.engines.decode import decode_answer, decode_embeddings
from understudy.engines.text_completions import TextNormaliser, whole_text
from understudy.engines.vectors import embeddings_of
from understudy.wire.embeddings import to_base64

REQUEST: Any = {"model": "asked", "messages": [{"role": "user", "content": "12345678"}]}


def answer(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}
    made = plain_answer(decode_answer(msgspec.json.encode(body)), REQUEST)
    return msgspec.to_builtins(made)


def test_a_plain_answer_is_kept() -> None:
    made = answer({"role": "assistant", "content": "hi"}, id="chatcmpl-1", created=17, model="m")
    assert (made["id"], made["created"], made["model"]) == ("chatcmpl-1", 17, "m")
    assert made["object"] == "chat.completion"
    assert made["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "hi", "refusal": None},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ]


def test_missing_head_fields_are_filled() -> None:
    made = answer({"content": "hi"})
    assert made["id"].startswith("chatcmpl-")
    assert made["created"] > 1_700_000_000
    assert made["model"] == "asked"


@pytest.mark.parametrize(
    ("finish", "has_calls", "expected"),
    [
        ("stop", True, "tool_calls"),
        (None, True, "tool_calls"),
        (None, False, "stop"),
        ("tool_calls", False, "stop"),
        ("length", True, "length"),
        ("eos_token", False, "stop"),
        ("max_tokens", False, "length"),
    ],
)
def test_finish_reasons_agree_with_the_calls(
    finish: str | None, has_calls: bool, expected: str
) -> None:
    calls = [{"id": "c", "function": {"name": "f", "arguments": "{}"}}] if has_calls else []
    assert answer({"tool_calls": calls}, finish)["choices"][0]["finish_reason"] == expected


def test_calls_get_unique_ids_and_text_arguments() -> None:
    calls = [
        {"id": "", "function": {"name": "f", "arguments": {"a": 1}}},
        {"id": "x", "function": {"name": "g", "arguments": None}},
        {"id": "x", "function": {"name": "h", "arguments": '{"b":2}'}},
    ]
    made = answer({"content": None, "tool_calls": calls})["choices"][0]["message"]["tool_calls"]
    assert [call["function"] for call in made] == [
        {"name": "f", "arguments": '{"a":1}'},
        {"name": "g", "arguments": "{}"},
        {"name": "h", "arguments": '{"b":2}'},
    ]
    assert len({call["id"] for call in made}) == 3
    assert made[1]["id"] == "x"


def test_content_is_null_only_beside_calls() -> None:
    assert answer({"content": None})["choices"][0]["message"]["content"] == ""
    calls = [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]
    message = answer({"content": None, "tool_calls": calls})["choices"][0]["message"]
    assert message["content"] is None


def test_empty_extras_are_omitted() -> None:
    message = answer({"content": "a", "tool_calls": [], "annotations": [], "audio": None})
    assert set(message["choices"][0]["message"]) == {"role", "content", "refusal"}


def test_a_legacy_function_call_becomes_a_tool_call() -> None:
    message = answer({"function_call": {"name": "f", "arguments": "{}"}}, "function_call")
    assert message["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "f"
    assert message["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_has_one_name(name: str) -> None:
    message = answer({"content": "a", name: "hm"})["choices"][0]["message"]
    assert message["reasoning_content"] == "hm"


def test_choices_come_in_the_order_of_their_indexes() -> None:
    body = {"choices": [{"index": i, "message": {"content": str(i)}} for i in (2, 0, 1)]}
    made = plain_answer(decode_answer(msgspec.json.encode(body)), REQUEST)
    assert made is not None
    assert [(c.index, c.message.content) for c in made.choices] == [(0, "0"), (1, "1"), (2, "2")]


@pytest.mark.parametrize("body", [b"{}", b'{"choices": []}', b'{"choices": null}'])
def test_an_answer_without_choices_is_none(body: bytes) -> None:
    assert plain_answer(decode_answer(body), REQUEST) is None


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}, (3, 4, 7)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4, 7)),
        ({"input_tokens": 3, "output_tokens": 4}, (3, 4, 7)),
        ({"prompt_tokens": "3", "completion_tokens": 4.0}, (3, 4, 7)),
        (None, (2, 1, 3)),
    ],
)
def test_usage_is_always_reported(usage: Any, counts: tuple[int, int, int]) -> None:
    made = answer({"content": "abc"}, usage=usage)["usage"]
    assert (made["prompt_tokens"], made["completion_tokens"], made["total_tokens"]) == counts
    assert made["prompt_tokens_details"]["cached_tokens"] == 0
    assert made["completion_tokens_details"]["reasoning_tokens"] == 0


def test_vectors_come_in_the_order_of_the_inputs() -> None:
    body = {"data": [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]}
    made = embeddings_of(
        decode_embeddings(msgspec.json.encode(body)), {"model": "m", "input": ["a", "b"]}
    )
    assert made is not None
    assert made.vectors == [[1.0], [2.0]]


def test_base64_vectors_are_read() -> None:
    body = {"data": [{"embedding": to_base64([0.5, -1.0])}], "usage": {"total_tokens": 9}}
    made = embeddings_of(
        decode_embeddings(msgspec.json.encode(body)), {"model": "m", "input": ["a"]}
    )
    assert made is not None
    assert (made.vectors, made.model, made.prompt_tokens) == ([[0.5, -1.0]], "m", 9)


@pytest.mark.parametrize("vectors", [[], [[1.0], [2.0]], ["???"], ["AAA="], [[]]])
def test_vectors_that_do_not_fit_are_no_answer(vectors: list[Any]) -> None:
    body = {"data": [{"embedding": vector} for vector in vectors]}
    raw = decode_embeddings(msgspec.json.encode(body))
    assert embeddings_of(raw, {"model": "m", "input": ["a"]}) is None


def test_missing_embedding_usage_counts_token_ids() -> None:
    raw = decode_embeddings(b'{"data": [{"embedding": [1.0]}, {"embedding": [1.0]}]}')
    made = embeddings_of(raw, {"model": "m", "input": [[1, 2, 3], [4]]})
    assert made is not None
    assert made.prompt_tokens == 4


def test_text_completion_chunks_keep_their_text_and_end_with_usage() -> None:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 17, "model": "m"}
    normaliser = TextNormaliser("12345678")
    said = {**head, "choices": [{"index": 0, "text": "abcd"}], "usage": None}
    assert normaliser.take(said) == {**head, "choices": [{"index": 0, "text": "abcd"}]}
    assert not normaliser.is_finished
    normaliser.take({**head, "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})
    assert normaliser.is_finished
    last = normaliser.finish()
    assert (last["id"], last["choices"]) == ("cmpl-1", [])
    assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"]) == (2, 1)


def test_the_reported_usage_of_a_text_completion_goes_before_the_estimate() -> None:
    normaliser = TextNormaliser("12345678")
    usage = {"prompt_tokens": 30, "completion_tokens": 40}
    assert normaliser.take({"choices": [], "usage": usage}) is None
    assert normaliser.finish()["usage"]["total_tokens"] == 70


@pytest.mark.parametrize(
    ("prompt", "tokens"), [("12345678", 2), (["1234", "5678"], 2), ([7, 8, 9], 3), ([[7], [8]], 2)]
)
def test_the_prompt_of_a_text_completion_is_estimated(prompt: Any, tokens: int) -> None:
    made = whole_text({"choices": [{"text": "1234"}]}, prompt)
    assert made is not None
    assert made["usage"]["prompt_tokens"] == tokens
    assert made["usage"]["completion_tokens"] == 1
