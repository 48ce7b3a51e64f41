"""Requests for voice turns, as JSON and as forms."""

from typing import Any

import pytest

from understudy.errors import InvalidRequest
from understudy.wire.audio_turns import TurnRequest, TurnSpeech, body_of_form, parse_turn


def test_a_form_says_what_json_says() -> None:
    fields = {
        "model": "m",
        "messages": '[{"role": "user", "content": "Hi"}]',
        "instructions": "Be kind.",
        "speech[voice]": "nova",
        "speech[speed]": "1.5",
        "transcription[language]": "en",
        "thread_id": " ",
    }
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "instructions": "Be kind.",
        "speech": {"voice": "nova", "speed": 1.5},
        "transcription": {"language": "en"},
    }
    assert body_of_form(fields) == body
    assert parse_turn(body).speech.speed == 1.5


def test_nothing_need_be_said() -> None:
    assert parse_turn({}) == TurnRequest()
    assert parse_turn({"speech": {"voice": {"id": "v1"}}}).speech.voice_id == "v1"
    assert TurnSpeech().voice_id == "alloy"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"thread_id": "thread_1"}, "assistant_id"),
        ({"assistant_id": "asst_1", "messages": []}, "messages"),
        ({"speech": {"speed": 5}}, "speech.speed"),
        ({"speech": {"response_format": "midi"}}, "speech.response_format"),
        ({"transcription": {"language": "english"}}, "transcription.language"),
        ({"messages": "Hi"}, "messages"),
    ],
)
def test_what_makes_no_sense_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_turn(body)
    assert refused.value.param == param


@pytest.mark.parametrize("name", ["messages", "speech[speed]"])
def test_fields_that_are_no_json_are_named(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        body_of_form({name: "{"})
    assert refused.value.param == name
