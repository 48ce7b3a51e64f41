"""Which of the five sources wins, and how their tables are merged."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from understudy.errors import StartupError
from understudy.settings.load import load_settings

SOURCES: dict[str, tuple[int, dict[str, Any]]] = {
    "flag": (1001, {"flags": {"port": 1001}}),
    "environment": (1002, {"environ": {"UNDERSTUDY_PORT": "1002"}}),
    ".env": (1003, {"dotenv": "UNDERSTUDY_PORT=1003\n"}),
    "understudy.toml": (1004, {"toml": "port = 1004\n"}),
}
"""From the strongest to the weakest."""


@pytest.mark.parametrize(("stronger", "weaker"), list(itertools.combinations(SOURCES, 2)))
def test_the_stronger_of_two_sources_wins(load, stronger: str, weaker: str) -> None:
    port, given = SOURCES[stronger]
    loaded = load(**given, **SOURCES[weaker][1])
    assert loaded.settings.port == port
    assert loaded.origins["port",] == stronger


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_is_stronger_than_the_default(load, source: str) -> None:
    port, given = SOURCES[source]
    loaded = load(**given)
    assert loaded.settings.port == port
    assert loaded.origins == {("port",): source}


def test_without_a_source_the_default_holds(load) -> None:
    loaded = load()
    assert loaded.settings.port == 8000
    assert loaded.settings.default_model == "understudy-extractive"
    assert loaded.origins == {}


def test_a_flag_that_was_not_given_decides_nothing(settings) -> None:
    assert settings("port = 1004", flags={"port": None}).port == 1004


def test_tables_are_merged_key_by_key(load) -> None:
    loaded = load(
        toml='[aliases]\na = "from-file"\nb = "from-file"\n[timeouts]\nread_s = 1\npool_s = 2\n',
        environ={"UNDERSTUDY_ALIASES": '{"a": "from-env"}', "UNDERSTUDY_TIMEOUTS__READ_S": "9"},
    )
    assert loaded.settings.aliases == {"a": "from-env", "b": "from-file"}
    assert (loaded.settings.timeouts.read_s, loaded.settings.timeouts.pool_s) == (9, 2)
    assert loaded.origins["aliases", "a"] == "environment"
    assert loaded.origins["timeouts", "pool_s"] == "understudy.toml"


def test_nested_tables_of_the_file(settings) -> None:
    made = settings(
        """
        [models."dashscope/qwen-plus"]
        temperature = 0.3
        fallback = ["ollama/qwen3", "understudy-extractive"]

        [providers.acme]
        base_url = "https://llm.acme.example/v1/"
        models = { fast = "acme-7b" }
        capabilities = { tools = false, context_length = 4096 }
        """
    )
    own = made.models["dashscope/qwen-plus"]
    assert own.temperature == 0.3
    assert own.max_tokens is None
    assert own.fallback == ("ollama/qwen3", "understudy-extractive")
    acme = made.providers["acme"]
    assert acme.base_url == "https://llm.acme.example/v1"
    assert acme.models == {"fast": "acme-7b"}
    assert (acme.capabilities.tools, acme.capabilities.json_schema) == (False, None)
    assert acme.capabilities.context_length == 4096


def test_nested_variables(settings) -> None:
    environ = {
        "UNDERSTUDY_PROVIDERS__ACME__BASE_URL": "http://10.0.0.9/v1",
        "UNDERSTUDY_PROVIDERS__ACME__CAPABILITIES__TOOLS": "false",
    }
    acme = settings(environ=environ).providers["acme"]
    assert acme.base_url == "http://10.0.0.9/v1"
    assert acme.capabilities.tools is False


@pytest.mark.parametrize("name", ["cors_origins", "allowed_hosts", "apps"])
@pytest.mark.parametrize("source", ["variable", "file"])
def test_lists_have_commas_in_variables_and_brackets_in_the_file(settings, name, source) -> None:
    wanted = ("https://a.example", "https://b.example")
    if source == "variable":
        text = " https://a.example, https://b.example ,"
        made = settings(environ={f"UNDERSTUDY_{name.upper()}": text})
    else:
        made = settings(f'{name} = ["https://a.example", "https://b.example"]')
    assert getattr(made, name) == wanted


@pytest.mark.parametrize("source", ["flag", "environment", ".env"])
def test_another_settings_file_can_be_named(load, tmp_path: Path, source: str) -> None:
    other = tmp_path / "other.toml"
    other.write_text("port = 1005")
    given = {
        "flag": {"flags": {"config": other}},
        "environment": {"environ": {"UNDERSTUDY_CONFIG": str(other)}},
        ".env": {"dotenv": f"UNDERSTUDY_CONFIG={other}\n"},
    }[source]
    loaded = load(toml="port = 1004", **given)
    assert loaded.settings.port == 1005
    assert loaded.origins["port",] == "other.toml"


def test_a_named_settings_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"no settings file .*absent\.toml"):
        load_settings({"config": tmp_path / "absent.toml"}, {}, tmp_path)


def test_a_named_settings_file_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"is a folder: name an existing file with --config"):
        load_settings({"config": tmp_path}, {}, tmp_path)


def test_a_folder_in_place_of_the_usual_settings_file_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "understudy.toml").mkdir()
    with pytest.raises(StartupError, match=r"understudy\.toml is a folder: .* move the folder"):
        load_settings(None, {}, tmp_path)


def test_a_folder_without_files_is_fine(tmp_path: Path) -> None:
    assert load_settings(None, {}, tmp_path).settings.port == 8000


def test_the_data_directory_is_absolute_and_of_the_user(settings, monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    made = settings(environ={"UNDERSTUDY_DATA_DIR": "~/understudy"})
    assert made.data_dir == Path("/home/ana/understudy")
    assert settings(environ={"UNDERSTUDY_DATA_DIR": "here"}).data_dir == Path.cwd() / "here"
