"""One list of segments in every shape."""

import math

import msgspec
import pytest

from understudy.speech.base import Heard, Segment, Word
from understudy.speech.subtitles import (
    content_type,
    render_transcription,
    render_translation,
    srt,
    text_after,
    text_of,
    vtt,
)
from understudy.wire.audio import TranscriptionRequest, parse_transcription, parse_translation

HEARD = Heard("es", 7.25)
SEGMENTS = (
    Segment(
        " Hola,  mundo.",
        0.0,
        2.5,
        words=(Word(" Hola,", 0.1, 0.5, 0.5), Word(" mundo.", 0.6, 2.4)),
        average_logprob=-0.25,
        no_speech_probability=0.01,
        compression_ratio=0.9,
        temperature=0.2,
        tokens=(1, 2),
    ),
    Segment(" ¿Qué tal?", 2.5, 7.0, speaker="B"),
)


def request(response_format: str, *granularities: str) -> TranscriptionRequest:
    lists = {"timestamp_granularities": list(granularities)}
    return parse_transcription({"response_format": response_format}, lists)


def rendered(response_format: str, *granularities: str) -> object:
    answer = render_transcription(HEARD, SEGMENTS, request(response_format, *granularities))
    return msgspec.to_builtins(answer)


def test_srt() -> None:
    assert rendered("srt") == (
        "1\n00:00:00,000 --> 00:00:02,500\nHola, mundo.\n\n"
        "2\n00:00:02,500 --> 00:00:07,000\n¿Qué tal?\n\n"
    )


def test_vtt() -> None:
    assert rendered("vtt") == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:02.500\nHola, mundo.\n\n"
        "00:00:02.500 --> 00:00:07.000\n¿Qué tal?\n\n"
    )


def test_text() -> None:
    assert rendered("text") == "Hola, mundo. ¿Qué tal?\n"


def test_json() -> None:
    assert rendered("json") == {
        "text": "Hola, mundo. ¿Qué tal?",
        "usage": {"type": "duration", "seconds": 8},
    }


def test_json_with_probabilities() -> None:
    asked = parse_transcription({}, {"include": ["logprobs"]})
    answer = msgspec.to_builtins(render_transcription(HEARD, SEGMENTS, asked))
    assert answer["logprobs"] == [
        {"token": " Hola,", "logprob": math.log(0.5), "bytes": list(b" Hola,")}
    ]


def test_verbose_json() -> None:
    answer = rendered("verbose_json")
    assert isinstance(answer, dict)
    assert "words" not in answer
    first, second = answer.pop("segments")
    assert answer == {
        "task": "transcribe",
        "language": "spanish",
        "duration": 7.25,
        "text": "Hola, mundo. ¿Qué tal?",
        "usage": {"type": "duration", "seconds": 8},
    }
    assert first == {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": 2.5,
        "text": " Hola,  mundo.",
        "tokens": [1, 2],
        "temperature": 0.2,
        "avg_logprob": -0.25,
        "compression_ratio": 0.9,
        "no_speech_prob": 0.01,
    }
    assert (second["id"], second["avg_logprob"], second["tokens"]) == (1, 0.0, [])


def test_verbose_json_of_words_alone() -> None:
    answer = rendered("verbose_json", "word")
    assert isinstance(answer, dict)
    assert "segments" not in answer
    assert answer["words"] == [
        {"word": "Hola,", "start": 0.1, "end": 0.5},
        {"word": "mundo.", "start": 0.6, "end": 2.4},
    ]


def test_diarized_json() -> None:
    assert rendered("diarized_json") == {
        "task": "transcribe",
        "duration": 7.25,
        "text": "Hola, mundo. ¿Qué tal?",
        "segments": [
            {
                "type": "transcript.text.segment",
                "id": "seg_001",
                "start": 0.0,
                "end": 2.5,
                "text": "Hola, mundo.",
                "speaker": "A",
            },
            {
                "type": "transcript.text.segment",
                "id": "seg_002",
                "start": 2.5,
                "end": 7.0,
                "text": "¿Qué tal?",
                "speaker": "B",
            },
        ],
        "usage": {"type": "duration", "seconds": 8},
    }


def test_translations() -> None:
    def answer(response_format: str) -> object:
        asked = parse_translation({"response_format": response_format})
        return msgspec.to_builtins(render_translation(HEARD, SEGMENTS, asked))

    assert answer("json") == {"text": "Hola, mundo. ¿Qué tal?"}
    assert answer("srt") == rendered("srt")
    verbose = answer("verbose_json")
    assert isinstance(verbose, dict)
    assert (verbose["task"], verbose["language"], len(verbose["segments"])) == (
        "translate",
        "english",
        2,
    )


@pytest.mark.parametrize(
    ("moment_s", "expected"),
    [
        (0.0004, "00:00:00,000"),
        (59.9996, "00:01:00,000"),
        (3599.9996, "01:00:00,000"),
        (3600 + 62.005, "01:01:02,005"),
        (100 * 3600.0, "100:00:00,000"),
        (-1.0, "00:00:00,000"),
    ],
)
def test_times(moment_s: float, expected: str) -> None:
    assert srt([Segment("a", moment_s, moment_s)]).splitlines()[1] == f"{expected} --> {expected}"


def test_no_cue_ends_before_it_begins() -> None:
    assert "00:00:05.000 --> 00:00:05.000" in vtt([Segment("a", 5, 4)])


def test_what_would_break_a_cue_is_taken_out() -> None:
    broken = Segment("a --> b\n\n2\n<i>&c", 0, 1)
    assert srt([broken]).splitlines()[2:] == ["a -> b 2 <i>&c", ""]
    assert vtt([broken]).splitlines()[3:] == ["a --&gt; b 2 &lt;i&gt;&amp;c", ""]


def test_silent_segments_are_no_cues() -> None:
    assert srt([Segment(" ", 0, 1), Segment("a", 1, 2)]).startswith("1\n00:00:01,000")
    assert (srt([]), vtt([])) == ("", "WEBVTT\n\n")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("one", "two"), "one two"),
        ((" one ", " two"), "one two"),
        (("你好。", "世界"), "你好。世界"),
        (("你好", "OpenAI"), "你好OpenAI"),
        (("one", "", "two"), "one two"),
    ],
)
def test_joining(texts: tuple[str, ...], expected: str) -> None:
    segments = [Segment(text, 0, 0) for text in texts]
    assert text_of(segments) == expected
    so_far = ""
    for segment in segments:
        so_far += text_after(so_far, segment)
    assert so_far == expected


def test_content_types() -> None:
    assert content_type("vtt") == "text/plain; charset=utf-8"
    assert content_type("diarized_json") == "application/json"
