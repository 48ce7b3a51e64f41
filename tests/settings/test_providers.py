"""How providers known by name, the settings and the native key variables come together."""

import pytest

from understudy.settings import Settings
from understudy.settings.providers import DASHSCOPE_HOSTS, KNOWN_PROVIDERS

KEY = "sk-secret-4711-4711"


def enabled(settings: Settings) -> set[str]:
    return {name for name, provider in settings.providers.items() if provider.enabled}


def key_of(settings: Settings, provider: str) -> str | None:
    key = settings.providers[provider].key
    return key.get_secret_value() if key else None


def test_known_providers_are_there_and_none_is_enabled(settings) -> None:
    made = settings()
    assert set(made.providers) == set(KNOWN_PROVIDERS)
    assert enabled(made) == set()


def test_naming_a_known_provider_enables_it_and_keeps_its_defaults(settings) -> None:
    made = settings("[providers.ollama]")
    assert enabled(made) == {"ollama"}
    assert made.providers["ollama"].base_url == "http://127.0.0.1:11434/v1"
    assert made.providers["ollama"].capabilities.token_ids is False


def test_single_values_of_a_known_provider_can_change(settings) -> None:
    made = settings("[providers.ollama.capabilities]\ntools = false")
    capabilities = made.providers["ollama"].capabilities
    assert (capabilities.tools, capabilities.text_completions) == (False, True)


def test_changing_one_load_leaves_the_known_providers_alone(settings) -> None:
    settings('[providers.ollama]\nbase_url = "http://10.1.1.1/v1"')
    assert settings().providers["ollama"].base_url == "http://127.0.0.1:11434/v1"


def test_an_explicit_word_on_enabled_wins(settings) -> None:
    made = settings("[providers.ollama]\nenabled = false", environ={"DASHSCOPE_API_KEY": KEY})
    assert enabled(made) == {"dashscope"}
    off = settings("[providers.dashscope]\nenabled = false", environ={"DASHSCOPE_API_KEY": KEY})
    assert enabled(off) == set()


@pytest.mark.parametrize("source", ["environ", "dotenv"])
def test_a_dashscope_key_alone_enables_the_international_host(settings, source: str) -> None:
    given = {"environ": {"DASHSCOPE_API_KEY": KEY}, "dotenv": f"DASHSCOPE_API_KEY={KEY}\n"}
    made = settings(**{source: given[source]})
    assert enabled(made) == {"dashscope"}
    assert {key_of(made, name) for name in DASHSCOPE_HOSTS} == {KEY}


def test_a_named_region_is_the_one_enabled(settings) -> None:
    made = settings("[providers.dashscope-cn]", environ={"DASHSCOPE_API_KEY": KEY})
    assert enabled(made) == {"dashscope-cn"}


def test_an_openai_key_in_the_environment_enables_nothing(settings) -> None:
    made = settings(environ={"OPENAI_API_KEY": KEY})
    assert enabled(made) == set()
    assert made.providers["openai"].is_usable


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("dashscope", "DASHSCOPE_API_KEY"),
        ("openai", "OPENAI_API_KEY"),
        ("vllm", "VLLM_API_KEY"),
        ("sglang", "SGLANG_API_KEY"),
        ("llamacpp", "LLAMA_API_KEY"),
    ],
)
def test_native_key_variables(settings, provider: str, variable: str) -> None:
    assert key_of(settings(), provider) is None
    assert key_of(settings(environ={variable: KEY}), provider) == KEY


def test_the_environment_is_stronger_than_dotenv_for_native_names_too(settings) -> None:
    made = settings(dotenv="OPENAI_API_KEY=from-file", environ={"OPENAI_API_KEY": "from-env"})
    assert key_of(made, "openai") == "from-env"


def test_a_key_in_the_settings_is_stronger_than_the_variable(settings) -> None:
    made = settings('[providers.openai]\nkey = "own"', environ={"OPENAI_API_KEY": KEY})
    assert key_of(made, "openai") == "own"


def test_an_own_key_variable(settings) -> None:
    table = '[providers.acme]\nbase_url = "http://10.0.0.9/v1"\nkey_variable = "ACME_KEY"\n'
    assert key_of(settings(table, environ={"ACME_KEY": KEY}), "acme") == KEY


def test_a_provider_that_requires_a_key_is_usable_with_one_alone(settings) -> None:
    assert not settings().providers["dashscope"].is_usable
    assert settings(environ={"DASHSCOPE_API_KEY": KEY}).providers["dashscope"].is_usable
    assert settings().providers["ollama"].is_usable


@pytest.mark.parametrize("rendered", [repr, str, Settings.model_dump_json, Settings.model_dump])
def test_secrets_are_in_no_rendering(settings, rendered) -> None:
    made = settings(
        f'database_url = "postgresql://u:{KEY}@db/u"\n[providers.openai]\nkey = "{KEY}"\n',
        environ={"DASHSCOPE_API_KEY": KEY},
    )
    assert KEY not in str(rendered(made))
    assert key_of(made, "openai") == KEY


def test_secrets_are_not_in_a_refusal(refusal) -> None:
    message = refusal(
        f'database_url = ["{KEY}"]\n[providers.acme]\nbase_url = "http://x/v1"\nkey = ["{KEY}"]\n'
    )
    assert "providers.acme.key" in message
    assert KEY not in message
