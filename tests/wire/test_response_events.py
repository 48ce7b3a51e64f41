"""How a stream of a response ends, whatever came of it, and deltas whose lengths tell little."""

import msgspec
import pytest
from tests.sdk.validation import errors_of_object

from understudy.wire.response_events import ended, made, obfuscated
from understudy.wire.responses import ResponseStatus, echoed, parse_create


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("completed", "response.completed"),
        ("incomplete", "response.incomplete"),
        ("failed", "response.failed"),
        ("cancelled", "response.failed"),
    ],
)
def test_every_stream_ends_with_the_whole_response(status: ResponseStatus, name: str) -> None:
    wanted = parse_create({"input": "Hi"})
    response = echoed(wanted, id_="resp_1", created_at=1, model="m", status=status)
    shown = msgspec.to_builtins(response)
    assert ended(shown) == (name, {"type": name, "response": shown})
    assert errors_of_object("ResponseStreamEvent", ended(shown)[1] | {"sequence_number": 3}) == []


@pytest.mark.parametrize("delta", ["", "a", "é😀", "x" * 31, "x" * 33])
def test_padded_deltas_have_few_lengths(delta: str) -> None:
    _, data = made("response.output_text.delta", delta=delta, logprobs=[])
    padded = obfuscated(data)
    assert len((padded["delta"] + padded["obfuscation"]).encode()) % 32 == 0
    assert padded.pop("obfuscation") is not None and padded == data


def test_what_is_no_delta_is_not_padded() -> None:
    _, data = made("response.output_text.done", text="Hi")
    assert obfuscated(data) == data
