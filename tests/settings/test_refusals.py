"""What stops the start, and how exactly the message says where it came from."""

import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from understudy.errors import StartupError
from understudy.settings import Settings
from understudy.settings.load import load_settings


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"flags": {"port": "x"}}, ["--port", "valid integer"]),
        (
            {"environ": {"UNDERSTUDY_PORT": "70000"}},
            ["UNDERSTUDY_PORT in the environment", "65535"],
        ),
        ({"dotenv": "# a comment\nexport UNDERSTUDY_PORT=x\n"}, [".env, line 2", "port"]),
        ({"toml": 'host = "h"\n\nport = "x"\n'}, ["understudy.toml, line 3", "port"]),
        (
            {"toml": '[providers.a]\nbase_url = "http://h"\n[timeouts]\npool_s = 1\nread_s = 0\n'},
            ["understudy.toml, line 5", "timeouts.read_s", "greater than 0"],
        ),
        (
            {"environ": {"UNDERSTUDY_TIMEOUTS__READ_S": "x"}},
            ["UNDERSTUDY_TIMEOUTS__READ_S in the environment"],
        ),
        (
            {"toml": 'host = "h"\n[providers.acme]\nrequires_key = true\n'},
            ["understudy.toml, line 2", "providers.acme.base_url", "required"],
        ),
        ({"toml": "unknown_model = 'guess'"}, ["line 1", "unknown_model", "'default' or 'error'"]),
        ({"toml": "aliases = 5"}, ["line 1", "aliases", "dictionary"]),
        ({"toml": "providers = 5"}, ["line 1", "providers", "dictionary"]),
        ({"toml": "[providers]\nacme = 5"}, ["line 2", "providers.acme"]),
        (
            {"environ": {"UNDERSTUDY_ALIASES": "{bad"}},
            ["UNDERSTUDY_ALIASES", "environment", "JSON"],
        ),
        ({"dotenv": "UNDERSTUDY_ALIASES={bad\n"}, ["UNDERSTUDY_ALIASES", ".env", "JSON"]),
        ({"toml": "port = \n"}, ["understudy.toml", "not valid TOML", "line 1"]),
        ({"toml": "cors_origins = ['app.example.com']"}, ["line 1", "not an origin"]),
        ({"toml": "cors_origins = ['https://a.example/path']"}, ["line 1", "not an origin"]),
        ({"toml": "json_limit_bytes = 10"}, ["line 1", "1024"]),
        ({"toml": "[models.m]\ntemperature = 3"}, ["line 2", "models.m.temperature"]),
    ],
)
def test_a_bad_value_names_its_place(refusal, given: dict[str, Any], expected: list[str]) -> None:
    message = refusal(**given)
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"environ": {"UNDERSTUDY_PROT": "1"}}, "Did you mean UNDERSTUDY_PORT?"),
        ({"dotenv": "UNDERSTUDY_DEFAULT_MODELL=x\n"}, "Did you mean UNDERSTUDY_DEFAULT_MODEL?"),
        ({"toml": "defalt_model = 'x'"}, "did you mean default_model?"),
        ({"toml": "[timeouts]\nred_s = 1"}, "did you mean read_s?"),
        ({"environ": {"UNDERSTUDY_TIMEOUTS__RED_S": "1"}}, "did you mean read_s?"),
        ({"toml": "[models.m]\ntemprature = 1"}, "did you mean temperature?"),
        ({"toml": "[providers.ollama]\nbaseurl = 'http://h'"}, "did you mean base_url?"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(refusal, given: dict[str, Any], expected: str) -> None:
    message = refusal(**given)
    assert "is no setting" in message
    assert expected in message


def test_an_unknown_name_like_no_other_gets_none(refusal) -> None:
    message = refusal(environ={"UNDERSTUDY_ZZZZ": "1"})
    assert "UNDERSTUDY_ZZZZ in the environment is no setting." in message
    assert "mean" not in message


def test_variables_of_other_programs_are_none_of_ours(settings) -> None:
    assert settings(environ={"PORT": "1", "UNDERSTUDYX": "1", "OPENAI_BASE_URL": "x"}).port == 8000


def test_several_faults_are_told_at_once(refusal) -> None:
    message = refusal("port = 'x'\nheartbeat_s = 0\n")
    assert "port" in message
    assert "heartbeat_s" in message


@pytest.mark.parametrize("name", [".env", "understudy.toml"])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe = 1")
    with pytest.raises(StartupError, match=name.replace(".", r"\.")):
        load_settings(None, {}, tmp_path)


@pytest.mark.parametrize(
    "base_url",
    [
        "localhost:8000",
        "ftp://h/v1",
        "http://",
        "http:///v1",
        "http://h:99999/v1",
        "http://[::1/v1",
    ],
)
def test_a_base_url_that_is_no_address(refusal, base_url: str) -> None:
    message = refusal(f'[providers.acme]\nbase_url = "{base_url}"')
    assert "understudy.toml, line 2: providers.acme.base_url" in message


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8000/v1",
        "http://LocalHost:8000/v1",
        "http://localhost.:8000",
        "http://127.0.0.2:8000/v1",
        "http://[::1]:8000/v1",
        "http://[0:0:0:0:0:0:0:1]:8000/v1",
        "http://[::ffff:127.0.0.1]:8000/v1",
        "http://0.0.0.0:8000/v1",
        f"http://{socket.gethostname().upper()}:8000/v1",
        "http://user@localhost:8000/v1",
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_the_own_address_is_no_provider(refusal, base_url: str, host: str) -> None:
    message = refusal(f'host = "{host}"\n[providers.me]\nbase_url = "{base_url}"')
    assert "providers.me.base_url" in message
    assert "own address" in message


@pytest.mark.parametrize(
    ("port", "base_url"),
    [(80, "http://localhost/v1"), (443, "https://localhost/v1"), (9000, "http://10.0.0.5:9000")],
)
def test_the_own_address_with_other_ports_and_hosts(refusal, port: int, base_url: str) -> None:
    table = f'host = "10.0.0.5"\nport = {port}\n[providers.me]\nbase_url = "{base_url}"'
    assert "own address" in refusal(table)


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:8001/v1", "http://10.0.0.5:8000/v1", "https://localhost/v1"]
)
def test_other_addresses_are_fine(settings, base_url: str) -> None:
    made = settings(f'[providers.acme]\nbase_url = "{base_url}"')
    assert made.providers["acme"].base_url == base_url


def test_a_port_that_a_known_provider_uses_can_be_taken(settings, refusal) -> None:
    made = settings(flags={"port": 8080})
    assert "llamacpp" not in made.providers
    assert "vllm" in made.providers
    assert "own address" in refusal("[providers.llamacpp]", flags={"port": 8080})


@pytest.mark.parametrize(
    "aliases",
    ['a = "a"', 'a = "b"\nb = "a"', 'a = "b"\nb = "c"\nc = "b"'],
)
def test_aliases_in_a_circle(refusal, aliases: str) -> None:
    assert "leads back to itself" in refusal(f"[aliases]\n{aliases}")


def test_aliases_to_aliases_are_fine(settings) -> None:
    assert len(settings('[aliases]\na = "b"\nb = "c"\nd = "b"').aliases) == 3


def test_settings_are_frozen(settings) -> None:
    made: Settings = settings("[providers.ollama]\n[models.m]\n")
    for part, name in [
        (made, "port"),
        (made.timeouts, "read_s"),
        (made.models["m"], "top_p"),
        (made.providers["ollama"], "base_url"),
        (made.providers["ollama"].capabilities, "tools"),
    ]:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, name, 1)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.5", False),
        ("127.attacker.example", False),
        ("localhost.example", False),
    ],
)
def test_what_counts_as_this_machine_alone(host: str, is_loopback: bool) -> None:
    assert Settings(host=host).is_loopback is is_loopback


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/v1"),
        ("0.0.0.0", "http://127.0.0.1:8000/v1"),
        ("::1", "http://[::1]:8000/v1"),
        ("example.com", "http://example.com:8000/v1"),
    ],
)
def test_what_a_client_here_gives_as_base_url(host: str, base_url: str) -> None:
    assert Settings(host=host).base_url == base_url
