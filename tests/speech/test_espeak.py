import itertools
from collections.abc import AsyncIterator

import numpy as np
import numpy.typing as npt
import pytest
from tests.speech.spoken import gathered, seconds

from understudy.errors import InvalidValue, UnsupportedParameter
from understudy.speech import extras
from understudy.speech.base import Utterance
from understudy.speech.espeak import EspeakEngine, work_for

pytestmark = pytest.mark.anyio

OPENAI_VOICES = (
    "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse"
).split()
SENTENCE = "Please send the report to the office before five in the afternoon."


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[EspeakEngine]:
    engine = EspeakEngine(workers=1)
    yield engine
    await engine.aclose()


def timbre(pcm: bytes) -> npt.NDArray[np.float64]:
    """Return how loud each band of 47 Hz is in the mean, in decibels of the whole."""
    samples = np.frombuffer(pcm, np.int16).astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(samples, 2_048)[::512] * np.hanning(2_048)
    power = (np.abs(np.fft.rfft(windows)) ** 2).mean(axis=0)[:512]
    bands = power.reshape(128, 4).mean(axis=1) + 1
    return 10 * np.log10(bands / bands.sum())


async def test_thirteen_names_are_thirteen_voices(engine: EspeakEngine) -> None:
    first, again = [
        [timbre(await gathered(engine.speak(Utterance(SENTENCE, name)))) for name in OPENAI_VOICES]
        for _ in range(2)
    ]
    # Breath and flutter are random.
    alike = max(np.abs(one - other).mean() for one, other in zip(first, again, strict=True))
    unlike = {
        names: np.abs(one - other).mean()
        for names, (one, other) in zip(
            itertools.combinations(OPENAI_VOICES, 2), itertools.combinations(first, 2), strict=True
        )
    }
    assert min(unlike.values()) > 2 * alike, min(unlike, key=lambda names: unlike[names])


@pytest.mark.parametrize(
    ("text", "language"),
    [(SENTENCE, "en-us"), ("Envíe el informe antes de las cinco.", "es"), ("请发送报告。", "cmn")],
)
async def test_the_text_decides_the_language(
    engine: EspeakEngine, text: str, language: str
) -> None:
    assert work_for(Utterance(text, "nova")).voice.split("+")[0] == language
    assert seconds(await gathered(engine.speak(Utterance(text, "nova")))) > 1


async def test_it_speaks_every_language_that_it_says(engine: EspeakEngine) -> None:
    for language in engine.capabilities().languages:
        spoken = await gathered(engine.speak(Utterance("1 2 3", "echo", language=language)))
        assert seconds(spoken) > 0.3, language


@pytest.mark.parametrize("speed", [0.25, 0.4, 0.5, 0.75, 1.5, 2, 3, 4])
@pytest.mark.parametrize("text", ["Hello. How are you? I am fine. Thanks!", "谢谢你的帮助。再见。"])
async def test_speed_is_what_it_says(engine: EspeakEngine, text: str, speed: float) -> None:
    usual = seconds(await gathered(engine.speak(Utterance(text, "alloy"))))
    changed = seconds(await gathered(engine.speak(Utterance(text, "alloy", speed))))
    assert usual / changed == pytest.approx(speed, rel=0.05)


async def test_markup_is_text(engine: EspeakEngine) -> None:
    plain = await gathered(engine.speak(Utterance("Wait. Go on.", "alloy")))
    paused = Utterance('Wait. <break time="10s"/> Go on.', "alloy")
    assert seconds(plain) < seconds(await gathered(engine.speak(paused))) < seconds(plain) + 6


def test_commands_to_espeak_itself_are_taken_out() -> None:
    assert work_for(Utterance("one\x01450S two\0three\nfour", "alloy")).text == (
        "one 450S two three\nfour"
    )


@pytest.mark.parametrize("voice", ["espeak:klatt4", "espeak:KLATT4", "espeak:Andrea", "NOVA"])
async def test_its_own_variants_are_voices(engine: EspeakEngine, voice: str) -> None:
    assert seconds(await gathered(engine.speak(Utterance("Good morning.", voice)))) > 0.3


def test_its_voices_are_listed() -> None:
    names = [voice.id for voice in EspeakEngine(1).capabilities().voices]
    assert names[:13] == OPENAI_VOICES
    assert "espeak:klatt4" in names


@pytest.mark.parametrize("voice", ["nobody", "espeak:nobody", "espeak:../../lang/gmw/en", ""])
def test_an_unknown_voice_is_refused(voice: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        work_for(Utterance("Good morning.", voice))
    assert refusal.value.param == "voice"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InvalidValue, match="does not speak 'xx'") as refusal:
        work_for(Utterance("Good morning.", "alloy", language="xx"))
    assert refusal.value.param == "language"


async def test_a_missing_extra_says_how_to_install_it(
    engine: EspeakEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda package: None)
    with pytest.raises(UnsupportedParameter, match=r"pip install 'understudy\[speech\]'") as error:
        await gathered(engine.speak(Utterance("Good morning.", "alloy")))
    assert error.value.param == "model"
