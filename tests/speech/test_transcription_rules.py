"""What an engine cannot do is refused by name where a program would miss it, else told."""

from dataclasses import replace
from typing import Any

import pytest

from understudy.errors import UnsupportedParameter
from understudy.speech.base import TranscribeCapabilities
from understudy.speech.stt import listening_of, refuse, without_effect
from understudy.wire.audio import ServerVad, TranscriptionRequest, TranslationRequest

PLAIN = TranscribeCapabilities(languages=("en",))
ABLE = TranscribeCapabilities(
    languages=None,
    translation=True,
    word_times=True,
    logprobs=True,
    prompt=True,
    temperature=True,
    diarization=True,
)
ASKED = TranscriptionRequest(model=None, response_format="json", prompt=None, temperature=0.0)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": "diarized_json"}, "response_format"),
        ({"speaker_names": ("ana",)}, "known_speaker_names"),
        ({"logprobs": True}, "include"),
        (
            {"response_format": "verbose_json", "granularities": frozenset({"word"})},
            "timestamp_granularities",
        ),
    ],
)
def test_what_a_program_would_miss_is_refused(fields: dict[str, Any], param: str) -> None:
    wanted = replace(ASKED, **fields)
    with pytest.raises(UnsupportedParameter, match="'m' cannot") as refused:
        refuse("transcriptions", wanted, PLAIN, "m")
    assert refused.value.param == param
    refuse("transcriptions", wanted, ABLE, "m")


def test_a_translation_needs_an_engine_that_translates() -> None:
    wanted = TranslationRequest(model=None, response_format="json", prompt="p", temperature=0.5)
    with pytest.raises(UnsupportedParameter, match="whisper"):
        refuse("translations", wanted, PLAIN, "m")
    refuse("translations", wanted, ABLE, "m")
    heard = listening_of("translations", wanted, ABLE)
    assert (heard.translate, heard.prompt, heard.temperature) == (True, "p", 0.5)


def test_hints_without_effect_are_named() -> None:
    wanted = replace(
        ASKED,
        prompt="names",
        temperature=0.5,
        keywords=("Ana",),
        languages=("en", "es"),
        chunking=ServerVad(),
        without_effect=("timestamp_granularities",),
    )
    all_of_them = ("prompt", "temperature", "keywords", "languages", "chunking_strategy")
    assert without_effect(wanted, PLAIN) == ("timestamp_granularities", *all_of_them)
    assert without_effect(wanted, ABLE) == (
        "timestamp_granularities",
        "languages",
        "chunking_strategy",
    )
    assert without_effect(replace(ASKED, chunking="auto"), PLAIN) == ()


def test_keywords_are_part_of_the_prompt() -> None:
    wanted = replace(ASKED, prompt="A call.", keywords=("Ana", "Acme"))
    assert listening_of("transcriptions", wanted, ABLE).prompt == "A call. Ana, Acme"


def test_one_possible_language_is_the_language() -> None:
    one, two = replace(ASKED, languages=("es",)), replace(ASKED, languages=("es", "en"))
    assert listening_of("transcriptions", one, ABLE).language == "es"
    assert listening_of("transcriptions", two, ABLE).language is None
    named = replace(two, language="zh")
    assert listening_of("transcriptions", named, ABLE).language == "zh"


def test_words_are_heard_for_their_times_and_for_their_probabilities() -> None:
    words = replace(ASKED, response_format="verbose_json", granularities=frozenset({"word"}))
    assert listening_of("transcriptions", words, ABLE).words
    assert listening_of("transcriptions", replace(ASKED, logprobs=True), ABLE).words
    assert not listening_of("transcriptions", ASKED, ABLE).words
