"""The Dockerfile and the compose file, read as text: no container engine is needed for this."""

import fnmatch
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.running import Workplace

from understudy.settings.load import load_settings

ROOT = Path(__file__).parents[2]
_WAIT_S = 60


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with their words, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(name, " ".join(words.split())) for name, words in pairs]


def final_stage() -> list[tuple[str, str]]:
    every = instructions()
    last = max(index for index, (name, _) in enumerate(every) if name == "FROM")
    return every[last:]


def words_of(name: str) -> str:
    """Return what the final stage says last with an instruction."""
    return [words for each, words in final_stage() if each == name][-1]


def environment() -> dict[str, str]:
    pairs = re.findall(r"(\w+)=(\S+)", " ".join(w for n, w in final_stage() if n == "ENV"))
    return dict(pairs)


def healthcheck() -> list[str]:
    command: list[str] = json.loads(words_of("HEALTHCHECK").partition("CMD ")[2])
    return [sys.executable if command[0] == "python" else command[0], *command[1:]]


def test_every_instruction_is_one() -> None:
    known = "FROM WORKDIR ENV RUN COPY USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD"
    assert {name for name, _ in instructions()} <= set(known.split())


def test_it_runs_as_a_user_without_rights() -> None:
    user = words_of("USER")
    assert user not in {"root", "0"}
    assert any(name == "RUN" and "--uid 10001 --home-dir /data" in w for name, w in final_stage())
    order = [name for name, _ in final_stage()]
    assert order.index("RUN") < order.index("USER") < order.index("ENTRYPOINT")


def test_the_data_is_a_volume_that_the_user_owns() -> None:
    assert words_of("VOLUME") == words_of("WORKDIR") == "/data"
    assert any("--owner=understudy" in words and "/data" in words for _, words in final_stage())


def test_its_variables_are_settings_and_none_is_missing(tmp_path: Path) -> None:
    settings = load_settings(None, environment(), tmp_path).settings
    assert (settings.host, str(settings.data_dir)) == ("0.0.0.0", "/data")
    assert not settings.is_loopback
    assert not settings.open
    assert words_of("EXPOSE") == str(settings.port)
    assert not any(name == "ARG" for name, _ in instructions())


def test_it_starts_the_server() -> None:
    command = [*json.loads(words_of("ENTRYPOINT")), *json.loads(words_of("CMD"))]
    assert command == ["understudy", "serve"]


def test_it_installs_the_tested_versions() -> None:
    installs = [words for name, words in instructions() if name == "RUN" and "install" in words]
    pip = [words for words in installs if "pip install" in words]
    assert len(pip) == 3
    assert all("-c constraints.txt" in words for words in pip)


def test_what_it_copies_is_there_and_not_ignored() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    kept = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    sources = [
        source
        for name, words in instructions()
        if name == "COPY" and not words.startswith("--from")
        for source in words.split()[:-1]
    ]
    assert "constraints.txt" in sources
    for source in sources:
        assert (ROOT / source).exists()
        assert any(fnmatch.fnmatch(source, rule) or source.startswith(f"{rule}/") for rule in kept)


def test_the_health_check_passes_on_a_server_that_is_ready(tmp_path: Path) -> None:
    with Workplace(tmp_path).serving() as url:
        port = url.removesuffix("/v1").rpartition(":")[2]
        done = subprocess.run(
            healthcheck(), env={"UNDERSTUDY_PORT": port}, capture_output=True, timeout=_WAIT_S
        )
    assert done.returncode == 0, done.stderr


def test_the_health_check_fails_where_nobody_answers() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
        done = subprocess.run(
            healthcheck(), env={"UNDERSTUDY_PORT": port}, capture_output=True, timeout=_WAIT_S
        )
    assert done.returncode != 0


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_compose_builds_this_checkout_and_keeps_the_data(compose: Any) -> None:
    service = compose["services"]["understudy"]
    assert service["build"] == "."
    (mounted,) = service["volumes"]
    volume, _, target = mounted.partition(":")
    assert target == words_of("VOLUME")
    assert volume in compose["volumes"]


def test_compose_publishes_on_loopback_alone(compose: Any) -> None:
    (port,) = compose["services"]["understudy"]["ports"]
    assert port == f"127.0.0.1:{words_of('EXPOSE')}:{words_of('EXPOSE')}"


def test_compose_needs_no_variable(compose: Any) -> None:
    assert "${" not in (ROOT / "compose.yaml").read_text(encoding="utf-8")
    (file,) = compose["services"]["understudy"]["env_file"]
    assert file == {"path": ".env", "required": False}


def test_compose_takes_what_a_server_does_not_need(compose: Any) -> None:
    service = compose["services"]["understudy"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "privileged" not in service
