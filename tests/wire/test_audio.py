"""What requests for speech, transcriptions and translations may say."""

import math
from typing import Any

import pytest

from understudy.errors import InvalidRequest
from understudy.wire.audio import (
    VOICES,
    ServerVad,
    parse_speech,
    parse_transcription,
    parse_translation,
)
from understudy.wire.transcripts import speech_delta, speech_usage, transcription_usage

HELLO = {"input": "Hola", "voice": "alloy"}
VAD = "chunking_strategy"


def test_a_speech_of_least_words() -> None:
    request = parse_speech(HELLO)
    assert (request.model, request.voice_id, request.format) == (None, "alloy", "mp3")
    assert len(set(VOICES)) == 13


def test_a_speech_that_says_all() -> None:
    request = parse_speech(
        {
            "model": "tts-1",
            "input": "é" * 4096,
            "voice": {"id": "voice_1"},
            "instructions": "Whisper.",
            "response_format": "opus",
            "speed": 4,
            "stream_format": "sse",
            "something_new": 1,
        }
    )
    assert request.voice_id == "voice_1"
    assert (request.format, request.speed, request.stream_format) == ("opus", 4.0, "sse")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": "é" * 4097}, "input"),
        ({"input": ""}, "input"),
        ({"input": " \n"}, "input"),
        ({"input": 7}, "input"),
        ({"voice": ""}, "voice"),
        ({"voice": {}}, "voice.id"),
        ({"voice": ["alloy"]}, "voice"),
        ({"speed": 0.24}, "speed"),
        ({"speed": 5}, "speed"),
        ({"speed": math.nan}, "speed"),
        ({"speed": "1"}, "speed"),
        ({"response_format": "mp4"}, "response_format"),
        ({"stream_format": "ndjson"}, "stream_format"),
        ({"instructions": "x" * 4097}, "instructions"),
    ],
)
def test_wrong_speeches(change: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_speech(HELLO | change)
    assert caught.value.param == param


@pytest.mark.parametrize("field", ["input", "voice"])
def test_what_a_speech_needs(field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_speech({name: value for name, value in HELLO.items() if name != field})
    assert (caught.value.param, caught.value.code) == (field, "missing_required_parameter")


def test_a_transcription_of_no_words() -> None:
    request = parse_transcription({"model": "", "language": "", "temperature": ""}, {})
    assert (request.model, request.language, request.prompt) == (None, None, None)
    assert (request.response_format, request.temperature) == ("json", 0)
    assert (request.granularities, request.stream, request.chunking) == ({"segment"}, False, None)
    assert request.without_effect == ()


def test_a_transcription_that_says_all() -> None:
    request = parse_transcription(
        {
            "model": "whisper-1",
            "response_format": "verbose_json",
            "language": "ES",
            "prompt": "Understudy",
            "temperature": "0.4",
            "stream": "False",
        },
        {"timestamp_granularities": ["word", "segment"], "languages": ["es", "en"]},
    )
    assert (request.language, request.languages) == ("es", ("es", "en"))
    assert (request.prompt, request.temperature, request.stream) == ("Understudy", 0.4, False)
    assert request.granularities == {"word", "segment"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({VAD: "auto"}, "auto"),
        ({VAD: '{"type": "server_vad", "threshold": 0.2}'}, ServerVad(threshold=0.2)),
        (
            {f"{VAD}[type]": "server_vad", f"{VAD}[silence_duration_ms]": "700"},
            ServerVad(silence_duration_ms=700),
        ),
    ],
)
def test_each_way_to_cut(fields: dict[str, str], expected: object) -> None:
    assert parse_transcription(fields, {}).chunking == expected


@pytest.mark.parametrize(
    ("response_format", "is_streamed", "without_effect"),
    [
        ("json", True, ("timestamp_granularities",)),
        ("diarized_json", True, ("timestamp_granularities",)),
        ("text", True, ("timestamp_granularities",)),
        ("srt", False, ("stream", "timestamp_granularities")),
        ("verbose_json", False, ("stream",)),
    ],
)
def test_what_a_format_has_no_use_for(
    response_format: str, is_streamed: bool, without_effect: tuple[str, ...]
) -> None:
    request = parse_transcription(
        {"response_format": response_format, "stream": "true"},
        {"timestamp_granularities": ["word"]},
    )
    assert (request.stream, request.without_effect) == (is_streamed, without_effect)


@pytest.mark.parametrize(
    ("fields", "lists", "param"),
    [
        ({"response_format": "xml"}, {}, "response_format"),
        ({"language": "English"}, {}, "language"),
        ({"language": "es-MX"}, {}, "language"),
        ({"temperature": "1.1"}, {}, "temperature"),
        ({"temperature": "nan"}, {}, "temperature"),
        ({"temperature": "warm"}, {}, "temperature"),
        ({"stream": "perhaps"}, {}, "stream"),
        ({}, {"timestamp_granularities": ["letter"]}, "timestamp_granularities"),
        ({}, {"include": ["usage"]}, "include"),
        ({"response_format": "text"}, {"include": ["logprobs"]}, "include"),
        ({}, {"languages": ["en", "klingon"]}, "languages"),
        ({}, {"known_speaker_names": list("abcde")}, "known_speaker_names"),
        ({VAD: "sometimes"}, {}, VAD),
        ({VAD: '{"type": "none"}'}, {}, f"{VAD}.type"),
        ({f"{VAD}[threshold]": "0.5"}, {}, f"{VAD}.type"),
        ({f"{VAD}[type]": "server_vad", f"{VAD}[threshold]": "2"}, {}, f"{VAD}.threshold"),
        ({f"{VAD}[type]": "server_vad", f"{VAD}[threshold]": "x"}, {}, f"{VAD}.threshold"),
    ],
)
def test_wrong_transcriptions(
    fields: dict[str, str], lists: dict[str, list[str]], param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_transcription(fields, lists)
    assert caught.value.param == param
    assert caught.value.message.count("Invalid value") == 1


def test_translations_know_no_speakers() -> None:
    assert parse_translation({"response_format": "vtt"}).response_format == "vtt"
    with pytest.raises(InvalidRequest) as caught:
        parse_translation({"response_format": "diarized_json"})
    assert caught.value.param == "response_format"


def test_usage_adds_up() -> None:
    spoken = speech_usage("Hello there, world.", 1.0)
    assert spoken.total_tokens == spoken.input_tokens + spoken.output_tokens
    assert 0 < spoken.input_tokens < spoken.output_tokens
    heard = transcription_usage("Names: Ada", "Hello there, Ada.", 2.0)
    details = heard.input_token_details
    assert heard.input_tokens == details.text_tokens + details.audio_tokens
    assert heard.total_tokens == heard.input_tokens + heard.output_tokens
    assert details.text_tokens > 0
    assert transcription_usage(None, "", 2.0).input_token_details.text_tokens == 0


def test_audio_travels_as_base64() -> None:
    assert speech_delta(b"\x00\xff\xfe").audio == "AP/+"
