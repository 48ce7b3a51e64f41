import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from scripts.make_tiny_whisper import HEARD, TRANSLATED, write
from tests.speech.spoken import for_listeners, gathered, in_blocks

from understudy.errors import InvalidRequest, ProviderFailed
from understudy.speech.base import Heard, Listening, Segment, Utterance
from understudy.speech.espeak import EspeakEngine
from understudy.speech.whisper import WhisperEngine

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whisper") / "tiny"
    write(folder)
    return folder


@pytest.fixture(scope="module")
async def engine(model: Path) -> AsyncIterator[WhisperEngine]:
    engine = WhisperEngine("whisper/tiny", str(model), workers=1, threads=1)
    yield engine
    await engine.aclose()


@pytest.fixture(scope="module")
async def speech() -> bytes:
    """A second of silence, then speech."""
    engine = EspeakEngine(workers=1)
    spoken = await gathered(engine.speak(Utterance("There was a man by the river.", "alloy")))
    await engine.aclose()
    return bytes(32_000) + for_listeners(spoken)


async def heard_by(
    engine: WhisperEngine, pcm: bytes, listening: Listening
) -> tuple[Heard, list[Segment]]:
    first, *rest = [found async for found in engine.transcribe(in_blocks(pcm), listening)]
    assert isinstance(first, Heard)
    return first, [segment for segment in rest if isinstance(segment, Segment)]


async def test_it_finds_the_language_and_the_text(engine: WhisperEngine, speech: bytes) -> None:
    heard, [segment] = await heard_by(engine, speech, Listening())
    assert heard == Heard("es", len(speech) / 32_000)
    assert segment.text == HEARD
    assert 0.5 < segment.start_s < segment.end_s <= heard.duration_s
    assert segment.average_logprob == pytest.approx(0, abs=0.1)
    assert segment.no_speech_probability == pytest.approx(0, abs=0.1)
    assert segment.tokens


async def test_words_have_times_and_probabilities(engine: WhisperEngine, speech: bytes) -> None:
    wanted = Listening(words=True, temperature=0.3, prompt="At the river")
    _, [segment] = await heard_by(engine, speech, wanted)
    [word] = segment.words
    assert word.text == HEARD
    assert 0.5 < word.start_s < word.end_s
    assert word.probability == pytest.approx(1, abs=0.1)
    assert segment.temperature == 0.3


async def test_it_translates(engine: WhisperEngine, speech: bytes) -> None:
    heard, [segment] = await heard_by(engine, speech, Listening("fr-CA", translate=True))
    assert (heard.language, segment.text) == ("fr", TRANSLATED)


@pytest.mark.parametrize("pcm", [b"", bytes(200), bytes(64_000)])
async def test_silence_says_nothing(engine: WhisperEngine, pcm: bytes) -> None:
    assert (await heard_by(engine, pcm, Listening("en")))[1] == []


async def test_an_unknown_language_is_refused(engine: WhisperEngine, speech: bytes) -> None:
    with pytest.raises(InvalidRequest, match="does not know 'xx'") as error:
        await heard_by(engine, speech, Listening("xx"))
    assert error.value.param == "language"


async def test_nothing_is_fetched_unasked(speech: bytes) -> None:
    engine = WhisperEngine("whisper/none", "nobody/no-such-model", workers=1)
    with pytest.raises(InvalidRequest, match="hf download nobody/no-such-model") as error:
        await heard_by(engine, speech, Listening())
    assert error.value.param == "model"
    await engine.aclose()


async def test_a_folder_that_is_not_there_is_told(speech: bytes, tmp_path: Path) -> None:
    engine = WhisperEngine("whisper/mine", str(tmp_path / "gone"), workers=1)
    with pytest.raises(ProviderFailed, match=r"there is no folder '.*gone'"):
        await heard_by(engine, speech, Listening())
    await engine.aclose()


async def test_a_damaged_model_is_told_until_it_is_mended(
    model: Path, speech: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(model, folder)
    (folder / "model.bin").write_bytes((model / "model.bin").read_bytes()[:100_000])
    engine = WhisperEngine("whisper/mine", str(folder), workers=1, threads=1)
    with pytest.raises(ProviderFailed, match=r"^'whisper/mine' failed"):
        await heard_by(engine, speech, Listening())
    shutil.copyfile(model / "model.bin", folder / "model.bin")
    _, [segment] = await heard_by(engine, speech, Listening())
    assert segment.text == HEARD
    await engine.aclose()
