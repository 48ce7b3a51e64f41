from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from tests.speech.spoken import gathered, seconds
from tests.speech.tiny_kokoro import write_model, write_voices

from understudy.errors import InvalidValue, ProviderFailed
from understudy.settings.speech import KokoroSettings
from understudy.speech.base import SPOKEN_RATE_HZ, Utterance
from understudy.speech.kokoro import KokoroEngine, work_for

pytestmark = pytest.mark.anyio

PITCHES = {"af_alloy": 0.05, "am_echo": 0.1, "em_alex": 0.15, "ef_dora": 0.2}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kokoro")
    write_model(folder / "model.onnx")
    write_voices(folder / "voices.bin", PITCHES)
    return folder


@pytest.fixture(scope="module")
async def engine(files: Path) -> AsyncIterator[KokoroEngine]:
    own = KokoroSettings(model=files / "model.onnx", voices=files / "voices.bin")
    engine = KokoroEngine("kokoro/tiny", own, workers=1, threads=1)
    yield engine
    await engine.aclose()


def pitch(pcm: bytes) -> float:
    """Return the strongest turn in radians a sample."""
    samples = np.frombuffer(pcm, np.int16)
    return float(np.abs(np.fft.rfft(samples)).argmax() * 2 * np.pi / len(samples))


@pytest.mark.parametrize(
    ("text", "voice", "chosen"),
    [
        ("Good morning", "alloy", "af_alloy"),
        ("Good morning", "Echo", "am_echo"),
        ("Good morning", "ef_dora", "ef_dora"),
        ("Buenos días, señora", "nova", "ef_dora"),
        ("Buenos días, señora", "onyx", "em_alex"),
        ("Good morning", "onyx", "am_echo"),
    ],
)
async def test_names_lead_to_voices_of_the_file(
    engine: KokoroEngine, text: str, voice: str, chosen: str
) -> None:
    spoken = await gathered(engine.speak(Utterance(text, voice)))
    assert pitch(spoken) == pytest.approx(PITCHES[chosen], rel=0.02)


@pytest.mark.parametrize("speed", [0.25, 0.5, 2, 4])
async def test_speed_is_what_it_says(engine: KokoroEngine, speed: float) -> None:
    usual = seconds(await gathered(engine.speak(Utterance("Good morning", "alloy"))))
    changed = seconds(await gathered(engine.speak(Utterance("Good morning", "alloy", speed))))
    assert usual / changed == pytest.approx(speed, rel=0.05)


async def test_nothing_to_pronounce_is_no_audio(engine: KokoroEngine) -> None:
    assert await gathered(engine.speak(Utterance("  ", "alloy"))) == b""


def test_its_voices_are_listed(engine: KokoroEngine) -> None:
    voices = {voice.id: voice.languages for voice in engine.capabilities().voices}
    assert voices["ef_dora"] == ("es",)
    assert len(voices) == 13 + len(PITCHES)
    assert SPOKEN_RATE_HZ == 24_000


@pytest.mark.parametrize(
    ("utterance", "param"),
    [
        (Utterance("Good morning", "nobody"), "voice"),
        (Utterance("早上好", "alloy"), "language"),
        (Utterance("Good morning", "alloy", language="de"), "language"),
    ],
)
def test_what_it_cannot_speak_is_refused(utterance: Utterance, param: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        work_for(utterance, list(PITCHES))
    assert refusal.value.param == param


async def test_a_damaged_model_is_told_until_it_is_mended(files: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    whole = (files / "model.onnx").read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    own = KokoroSettings(model=model, voices=files / "voices.bin")
    engine = KokoroEngine("kokoro/mine", own, workers=1, threads=1)
    with pytest.raises(ProviderFailed, match=r"^'kokoro/mine' failed: .* cannot be loaded"):
        await gathered(engine.speak(Utterance("Good morning", "alloy")))
    model.write_bytes(whole)
    assert seconds(await gathered(engine.speak(Utterance("Good morning", "alloy")))) > 0.5
    await engine.aclose()
