"""What `serve` says of a default model that nobody may have, before any request meets it."""

from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import WAIT_S, Workplace

from understudy.cli.default_model import Outlook, default_model_outlook
from understudy.errors import StartupError
from understudy.settings.load import load_settings

LISTING = {"base_url": "http://127.0.0.1:9"}
MAPPED = {**LISTING, "models": {"fast": "acme-7b", "house/small": "acme-1b"}}
LOCKED = {**LISTING, "requires_key": True}
KEY = {"DASHSCOPE_API_KEY": "sk-test"}


def outlook(
    folder: Path, name: str, environ: dict[str, str] | None = None, **values: Any
) -> Outlook:
    flags = {"default_model": name, **values}
    return default_model_outlook(load_settings(flags, environ or {}, folder).settings)


@pytest.mark.parametrize(
    ("name", "providers", "environ"),
    [
        ("understudy-extractive", {}, {}),
        ("understudy/understudy-extractive", {}, {}),
        ("ollama/qwen3:8b", {}, {}),
        ("up/anything", {"up": LISTING}, {}),
        ("fast", {"up": MAPPED}, {}),
        ("house/small", {"up": MAPPED}, {}),
        ("qwen-plus", {}, KEY),
        ("dashscope/qwen-plus", {}, KEY),
    ],
)
def test_what_the_settings_know_needs_no_word(
    tmp_path: Path, name: str, providers: Any, environ: dict[str, str]
) -> None:
    assert outlook(tmp_path, name, environ, providers=providers) == Outlook("known")
    aliased = outlook(tmp_path, "mine", environ, providers=providers, aliases={"mine": name})
    assert aliased == Outlook("known")


@pytest.mark.parametrize("name", ["./models", "../model.bin", "/models/small", "~/models/small"])
def test_a_path_that_is_no_model_is_called_that(tmp_path: Path, name: str) -> None:
    with pytest.raises(StartupError, match=r"looks like a path.* ends in \.gguf"):
        outlook(tmp_path, name)


@pytest.mark.parametrize("name", ["llama3", "meta-llama/Llama-3", "qwen-plus"])
def test_what_a_provider_may_list_is_left_to_it(tmp_path: Path, name: str) -> None:
    told = outlook(tmp_path, name, providers={"up": LISTING, "mapped": MAPPED, "locked": LOCKED})
    assert told.state == "open"
    assert "looked up at up when" in told.detail


@pytest.mark.parametrize(
    ("name", "providers", "remedy"),
    [
        ("gpt-5", {}, "PROVIDER/MODEL with one of these providers: dashscope,"),
        ("gpt-5", {"up": MAPPED}, "up"),
        ("gpt-5", {"up": {**LISTING, "enabled": False}}, "No provider that is enabled"),
        ("understudy/nothing", {}, "understudy-extractive"),
        ("dashscope/qwen-plus", {}, "Set DASHSCOPE_API_KEY"),
        ("qwen-plus", {}, "Set DASHSCOPE_API_KEY"),
        ("locked/m", {"locked": LOCKED}, "Set providers.locked.key"),
    ],
)
def test_what_cannot_answer_is_named_with_the_remedy(
    tmp_path: Path, name: str, providers: Any, remedy: str
) -> None:
    told = outlook(tmp_path, name, providers=providers)
    assert told.state == "doubtful"
    assert f"'{name}'" in told.detail and remedy in told.detail


def test_a_qwen_is_nobodys_where_dashscope_is_switched_off(tmp_path: Path) -> None:
    off = {"dashscope": {"enabled": False}}
    assert outlook(tmp_path, "qwen-plus", KEY, providers=off).detail.startswith("No provider")


@pytest.mark.parametrize("providers", [{}, {"up": MAPPED}, {"locked": LOCKED}])
def test_a_provider_that_does_not_exist_stops_the_start(tmp_path: Path, providers: Any) -> None:
    with pytest.raises(StartupError) as refused:
        outlook(tmp_path, "nosuch/model", providers=providers)
    for part in ("'nosuch/model'", "no provider 'nosuch'", "understudy, ", "[providers.nosuch]"):
        assert part in refused.value.message


def test_serve_refuses_a_provider_that_does_not_exist(workplace: Workplace) -> None:
    ran = workplace.run("serve", "--port", "0", "--model", "nosuch/model")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("understudy: The default model is 'nosuch/model', but")
    assert not workplace.data_dir.exists()


def test_serve_warns_of_a_model_that_nobody_has(workplace: Workplace) -> None:
    with workplace.start("serve", "--port", "0", "--model", "gpt-5[bold]") as process:
        assert process.stderr is not None
        said = "".join(iter(process.stderr.readline, '  api_key = "any"\n'))
        process.terminate()
        process.communicate(timeout=WAIT_S)
    assert "default    gpt-5[bold]: see the warning" in said
    assert "Warning: No provider that is enabled offers the default model 'gpt-5[bold]'" in said
