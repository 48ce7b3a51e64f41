import re
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest
from tests.speech.spoken import for_listeners, gathered, in_blocks

from understudy.errors import InvalidRequest
from understudy.speech.base import Heard, Listening, Segment, Utterance
from understudy.speech.espeak import EspeakEngine
from understudy.speech.sphinx import SphinxEngine

pytestmark = pytest.mark.anyio

TEXT = (
    "There was a man who lived in a house by the river. He had three sons and one daughter. "
    "He asked for food and water. How are you today? The weather is nice today."
)
_WORD_ERROR_RATE = 0.2
"""A gate against regressions: it says nothing of how well people are heard."""


@pytest.fixture(scope="module")
async def recording() -> bytes:
    engine = EspeakEngine(workers=1)
    spoken = await gathered(engine.speak(Utterance(TEXT, "espeak:klatt4")))
    await engine.aclose()
    return for_listeners(spoken)


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[SphinxEngine]:
    engine = SphinxEngine(workers=1)
    yield engine
    await engine.aclose()


async def heard_by(engine: SphinxEngine, pcm: bytes) -> list[Heard | Segment]:
    return [found async for found in engine.transcribe(in_blocks(pcm), Listening())]


def errors(spoken: Sequence[str], heard: Sequence[str]) -> int:
    """Return the least number of words to add, drop or replace."""
    costs = list(range(len(heard) + 1))
    for row, word in enumerate(spoken, 1):
        before, costs[0] = costs[0], row
        for column, other in enumerate(heard, 1):
            change = before + (word != other)
            before = costs[column]
            costs[column] = min(before + 1, costs[column - 1] + 1, change)
    return costs[-1]


async def test_what_espeak_says_is_understood(engine: SphinxEngine, recording: bytes) -> None:
    first, *segments = await heard_by(engine, recording)
    assert first == Heard("en", len(recording) / 32_000)
    heard = " ".join(segment.text for segment in segments if isinstance(segment, Segment))
    spoken = re.findall("[a-z]+", TEXT.lower())
    assert errors(spoken, heard.split()) / len(spoken) <= _WORD_ERROR_RATE, heard


async def test_words_have_their_times(engine: SphinxEngine, recording: bytes) -> None:
    silence = bytes(3 * 32_000)
    short = recording[: 4 * 32_000]
    [_, *segments] = await heard_by(engine, silence + short)
    words = [word for found in segments if isinstance(found, Segment) for word in found.words]
    assert len(words) > 5
    assert all(word.start_s < word.end_s for word in words)
    assert all(before.end_s <= after.start_s + 0.01 for before, after in pairwise(words))
    assert 3 <= words[0].start_s < 3.5
    assert words[-1].end_s <= 7
    # What was heard before has no influence.
    assert await heard_by(engine, silence + short) == [Heard("en", 7.0), *segments]


async def test_no_word_ends_after_its_recording(engine: SphinxEngine, recording: bytes) -> None:
    torn = recording[: 4 * 32_000 + 2 * 100]  # between two frames, and within a word
    [_, *segments] = await heard_by(engine, torn)
    ends = [found.end_s for found in segments if isinstance(found, Segment)]
    assert max(ends) <= len(torn) / 32_000


@pytest.mark.parametrize("pcm", [b"", bytes(2), bytes(64_000)])
async def test_silence_says_nothing(engine: SphinxEngine, pcm: bytes) -> None:
    assert await heard_by(engine, pcm) == [Heard("en", len(pcm) / 32_000)]


@pytest.mark.parametrize("language", ["en", "en-GB", "EN", None])
async def test_english_by_any_name(engine: SphinxEngine, language: str | None) -> None:
    found = engine.transcribe(in_blocks(b""), Listening(language))
    assert [one async for one in found] == [Heard("en", 0.0)]


async def test_other_languages_name_what_to_install(engine: SphinxEngine) -> None:
    with pytest.raises(InvalidRequest, match=r"pip install 'understudy\[whisper\]'") as error:
        await anext(engine.transcribe(in_blocks(b""), Listening("es")))
    assert error.value.param == "language"
