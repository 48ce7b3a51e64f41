import pytest
from tests.cli.running import Workplace

from understudy.cli.masking import masked_key, masked_url


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("sk-abcdefghijklmnop", "sk-…mnop"),
        ("no-prefix-but-long", "…long"),
        ("thirteenchars", "…hars"),
        ("twelve-chars", "****"),
        ("sk-1", "****"),
        ("", ""),
    ],
)
def test_keys_are_masked(secret: str, shown: str) -> None:
    assert masked_key(secret) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ana:secret@db:5432/app", "postgresql://ana:****@db:5432/app"),
        ("postgresql://ana:se:c@ret@db/app", "postgresql://ana:****@db/app"),
        ("postgresql://:secret@db/app", "postgresql://:****@db/app"),
        (
            "postgresql://db/app?user=a&password=s&x=1",
            "postgresql://db/app?user=a&password=****&x=1",
        ),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("sqlite:///a/file.db", "sqlite:///a/file.db"),
        ("not a url with secret", "****"),
    ],
)
def test_urls_are_masked(url: str, shown: str) -> None:
    assert masked_url(url) == shown


def _shown(workplace: Workplace, *flags: str) -> dict[str, tuple[object, str]]:
    ran = workplace.run("config", "show", "--origin", "--json", *flags)
    assert ran.code == 0, ran.err
    return {entry["name"]: (entry["value"], entry["origin"]) for entry in ran.json}


def test_every_value_has_its_origin(workplace: Workplace) -> None:
    workplace.write_settings(
        'log_level = "debug"\nport = 8100\n[aliases]\nfast = "dashscope/qwen-flash"\n'
        '[providers.mine]\nbase_url = "http://user:pa55@127.0.0.1:9/v1"\n'
        'key = "sk-0123456789abcdef"\n'
    )
    (workplace.folder / ".env").write_text(
        "UNDERSTUDY_JSON_LIMIT_BYTES=2048\nUNDERSTUDY_PORT=8200\n"
    )
    workplace.environment = {
        "UNDERSTUDY_PORT": "8300",
        "UNDERSTUDY_DATABASE_URL": "postgresql://ana:pa55word@db/app",
        "OPENAI_API_KEY": "sk-proj-0123456789wxyz",
    }
    other = workplace.folder / "elsewhere"
    shown = _shown(workplace, "--data-dir", str(other))
    assert shown["data_dir"] == (str(other), "flag")
    assert shown["port"] == (8300, "environment")
    assert shown["database_url"] == ("postgresql://ana:****@db/app", "environment")
    assert shown["json_limit_bytes"] == (2048, ".env")
    assert shown["log_level"] == ("debug", "understudy.toml")
    assert shown["aliases.fast"] == ("dashscope/qwen-flash", "understudy.toml")
    assert shown["providers.mine.base_url"] == (
        "http://user:****@127.0.0.1:9/v1",
        "understudy.toml",
    )
    assert shown["providers.mine.key"] == ("sk-…cdef", "understudy.toml")
    assert shown["providers.openai.key"] == ("sk-…wxyz", "variable OPENAI_API_KEY")
    assert shown["host"] == ("127.0.0.1", "default")


def test_a_named_settings_file_counts_instead(workplace: Workplace) -> None:
    workplace.write_settings("port = 8100\n")
    (workplace.folder / "other.toml").write_text("port = 8999\n")
    assert _shown(workplace, "--config", "other.toml")["port"] == (8999, "other.toml")


def test_the_text_has_a_line_per_setting_and_no_secret(workplace: Workplace) -> None:
    workplace.environment = {"OPENAI_API_KEY": "sk-proj-0123456789wxyz"}
    lines = workplace.run("config", "show").out.splitlines()
    assert "port = 8000" in lines
    assert "open = false" in lines
    assert "providers.openai.key = sk-…wxyz" in lines
    assert not any("0123456789" in line for line in lines)
    with_origin = workplace.run("config", "show", "--origin").out.splitlines()
    assert with_origin[0].split() == ["SETTING", "VALUE", "ORIGIN"]
    assert ["port", "8000", "default"] in [line.split() for line in with_origin]
