"""Which engine speaks or transcribes for which name; nothing is started by asking."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from understudy.engines.registry import Registry
from understudy.errors import InvalidRequest, ModelNotFound, UnsupportedParameter
from understudy.settings import Settings
from understudy.settings.providers import ProviderSettings
from understudy.speech import extras
from understudy.speech.models import Foreign, SpeechModels

pytestmark = pytest.mark.anyio

MakeModels = Callable[..., SpeechModels]
ELSEWHERE = {"up": ProviderSettings(base_url="http://127.0.0.1:9/v1")}


@pytest.fixture
async def make() -> AsyncIterator[MakeModels]:
    """Make the models of some settings; closes them."""
    made: list[tuple[Registry, SpeechModels]] = []

    def new(**fields: Any) -> SpeechModels:
        settings = Settings(**fields)
        registry = Registry(settings)
        made.append((registry, SpeechModels(settings, registry)))
        return made[-1][1]

    yield new
    for registry, models in made:
        await models.aclose()
        await registry.aclose()


@pytest.mark.parametrize(
    "name", [None, "tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15"]
)
async def test_openai_names_mean_what_speaks_here(make: MakeModels, name: str | None) -> None:
    assert (await make().speaker(name)).served == "understudy-espeak"


@pytest.mark.parametrize(
    "name",
    [
        None,
        "whisper-1",
        "gpt-transcribe",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15",
        "gpt-4o-transcribe-diarize",
    ],
)
async def test_openai_names_mean_what_transcribes_here(make: MakeModels, name: str | None) -> None:
    assert (await make().listener(name)).served == "understudy-sphinx"


async def test_settings_say_what_openai_names_mean(make: MakeModels) -> None:
    speech = {"tts_model": "up/tts-1", "stt_model": "whisper/small"}
    models = make(providers=ELSEWHERE, speech=speech, unknown_model="error")
    speaker = await models.speaker("tts-1")
    assert isinstance(speaker, Foreign)
    assert (speaker.model, speaker.served) == ("tts-1", "up/tts-1")
    assert (await models.listener("whisper-1")).served == "whisper/small"
    assert (await models.speaker("understudy/understudy-espeak")).served == "understudy-espeak"


async def test_an_alias_comes_before_the_rule(make: MakeModels) -> None:
    models = make(providers=ELSEWHERE, aliases={"whisper-1": "up/whisper-large", "v": "tts-1"})
    listener = await models.listener("whisper-1")
    assert isinstance(listener, Foreign)
    assert listener.model == "whisper-large"
    assert (await models.speaker("v")).served == "understudy-espeak"


async def test_unknown_names_lead_to_the_default_or_to_an_error(make: MakeModels) -> None:
    assert (await make().speaker("tts-99")).served == "understudy-espeak"
    strict = make(unknown_model="error")
    for name in ("tts-99", "kokoro/nobody", "whisper-1", "whisper/../../etc"):
        with pytest.raises((ModelNotFound, InvalidRequest)):
            await strict.speaker(name)
    with pytest.raises(ModelNotFound):
        await strict.listener("whisper//etc/passwd")


@pytest.mark.parametrize("name", ["understudy-sphinx", "whisper/small", "understudy-extractive"])
async def test_a_model_for_something_else_is_refused(make: MakeModels, name: str) -> None:
    with pytest.raises(InvalidRequest, match="not for speech") as refused:
        await make().speaker(name)
    assert (refused.value.param, refused.value.code) == ("model", "model_kind_mismatch")


async def test_a_default_that_leads_nowhere_names_the_setting(make: MakeModels) -> None:
    models = make(speech={"tts_model": "kokoro/gone"})
    with pytest.raises(ModelNotFound, match=r"speech\.tts_model"):
        await models.speaker(None)


async def test_models_of_the_settings_are_found_and_listed(make: MakeModels) -> None:
    files = {"model": Path("k.onnx"), "voices": Path("v.bin")}
    models = make(speech={"kokoro": {"v1": files}, "whisper": {"mine": "folder"}})
    assert (await models.speaker("kokoro/v1")).served == "kokoro/v1"
    assert (await models.listener("whisper/mine")).served == "whisper/mine"
    assert [(model.id, model.kind) for model in models.models()] == [
        ("understudy-espeak", "speech"),
        ("understudy-sphinx", "transcription"),
        ("whisper/mine", "transcription"),
        ("kokoro/v1", "speech"),
    ]


async def test_a_missing_package_is_told_with_the_remedy(
    make: MakeModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedParameter, match=r"understudy\[speech\]") as refused:
        await make().speaker("tts-1")
    assert refused.value.param == "model"
