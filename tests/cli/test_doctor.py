"""`understudy doctor` on machines that are well and on machines that are not."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.running import Workplace
from tests.upstreams.dashscope import KEYS
from tests.upstreams.scripted import ScriptedUpstream, answer, hang

from understudy.cli.provider_states import provider_states
from understudy.engines.base import Engine
from understudy.engines.dashscope import DashScopeEngine
from understudy.engines.registry import Registry
from understudy.engines.upstream import ConnectionSettings
from understudy.settings import Settings, TimeoutSettings
from understudy.settings.providers import ProviderSettings

REFUSAL = {"error": {"message": "unknown key", "type": "x", "param": None, "code": None}}


@pytest.fixture
def other_program() -> Iterator[int]:
    """A port that a program which speaks no HTTP listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _findings(workplace: Workplace, code: int, *flags: str) -> dict[str, tuple[str, str]]:
    ran = workplace.run("doctor", "--json", *flags)
    assert ran.code == code, ran.out + ran.err
    told = ran.json
    assert told["ok"] == (code == 0)
    return {found["name"]: (found["state"], found["detail"]) for found in told["findings"]}


def test_a_fresh_machine_is_well(workplace: Workplace, free_port: int) -> None:
    workplace.environment = {"UNDERSTUDY_PORT": str(free_port)}
    found = _findings(workplace, 0)
    states = {name: state for name, (state, _) in found.items()}
    assert {
        state for name, state in states.items() if "provider" not in name and name != "disk"
    } == {"ok"}
    assert {state for name, state in states.items() if "provider" in name} == {"note"}
    assert "will be made" in found["data directory"][1]
    assert found["port"][1] == f"127.0.0.1:{free_port} is free"
    assert "DASHSCOPE_API_KEY" in found["provider dashscope"][1]
    assert "openai 3." in found["packages"][1]
    assert not workplace.data_dir.exists()


def test_the_text_tells_the_same(workplace: Workplace) -> None:
    workplace.environment = {"UNDERSTUDY_PORT": "0"}
    ran = workplace.run("doctor", "--ask")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].split()[:2] == ["ok", "Python"]
    assert any(line.startswith("ok  asked understudy (understudy-extractive), ") for line in lines)
    assert lines[-1] == "all is well"
    assert "\x1b" not in ran.out


def test_every_state_of_a_provider_is_told(
    workplace: Workplace, free_port: int, upstream: ScriptedUpstream
) -> None:
    with ScriptedUpstream(answer(REFUSAL, 401)) as rejecting, ScriptedUpstream(hang()) as silent:
        workplace.write_settings(
            "port = 0\n[timeouts]\nlist_models_s = 0.5\n"
            f'[providers.fine]\nbase_url = "{upstream.base_url}"\n'
            f'[providers.rejects]\nbase_url = "{rejecting.base_url}"\nkey = "sk-0123456789"\n'
            f'[providers.silent]\nbase_url = "{silent.base_url}"\n'
            f'[providers.away]\nbase_url = "http://127.0.0.1:{free_port}/v1"\n'
            "[providers.openai]\n"
        )
        found = _findings(workplace, 1)
    expected = {
        "fine": ("ok", "ready, answers at"),
        "rejects": ("problem", "rejected key: "),
        "silent": ("problem", "timeout: "),
        "away": ("problem", "refused: "),
        "openai": ("problem", "no key: No key for provider 'openai': set OPENAI_API_KEY"),
        "dashscope": ("note", "no key: "),
    }
    for name, (state, beginning) in expected.items():
        told_state, detail = found[f"provider {name}"]
        assert (told_state, detail[: len(beginning)]) == (state, beginning)
    assert "sk-0123456789" not in str(found)


def test_a_switched_off_provider_is_never_a_failure(workplace: Workplace, free_port: int) -> None:
    workplace.write_settings(
        f'port = 0\n[providers.away]\nbase_url = "http://127.0.0.1:{free_port}/v1"\n'
        "enabled = false\n"
    )
    assert _findings(workplace, 0)["provider away"][0] == "note"


@pytest.mark.anyio
async def test_a_key_of_another_region_is_told(
    tmp_path: Any, dashscope_intl: ScriptedUpstream, dashscope_cn: ScriptedUpstream
) -> None:
    provider = ProviderSettings(
        base_url=dashscope_intl.base_url,
        key=KEYS["cn"],
        requires_key=True,
        adapter="dashscope",
        enabled=True,
    )
    settings = Settings(data_dir=tmp_path, providers={"dashscope": provider})

    connection = ConnectionSettings(TimeoutSettings(), retries=0, max_connections=10)
    siblings = {"dashscope-cn": dashscope_cn.base_url}
    engine = DashScopeEngine("dashscope", provider, connection, siblings)

    class Regions(Registry):
        """Knows the scripted host of the other region, as the real one knows the real hosts."""

        def engine(self, provider: str) -> Engine:
            return engine

    (state,) = await provider_states(settings, Regions(settings))
    await engine.aclose()
    assert (state.state, state.is_enabled, state.is_ready) == ("wrong region", True, False)
    assert "dashscope-cn" in state.detail
    assert KEYS["cn"] not in state.detail


def test_ask_shows_an_answer_per_usable_provider(
    workplace: Workplace, upstream: ScriptedUpstream
) -> None:
    workplace.write_settings(
        f'port = 0\n[providers.up]\nbase_url = "{upstream.base_url}"\n'
        'models = { nice = "echo" }\n'
    )
    ran = workplace.run("doctor", "--ask", "--json")
    assert ran.code == 0, ran.out
    embedded, up = ran.json["answers"]
    assert (embedded["provider"], embedded["model"]) == ("understudy", "understudy-extractive")
    assert (up["provider"], up["model"], up["state"]) == ("up", "echo", "ok")
    assert up["answer"].startswith("You said: ")
    asked = [call for call in upstream.calls if call.path == "/chat/completions"]
    assert len(asked) == 1


def test_a_provider_that_lists_but_does_not_answer_is_a_problem(
    workplace: Workplace, upstream: ScriptedUpstream
) -> None:
    workplace.write_settings(
        f'port = 0\n[providers.up]\nbase_url = "{upstream.base_url}"\n'
        'models = { x = "nothing" }\n'
    )
    assert workplace.run("doctor").code == 0
    ran = workplace.run("doctor", "--ask", "--json")
    assert ran.code == 1
    assert ran.json["answers"][1]["state"] == "problem"
    assert "does not exist" in ran.json["answers"][1]["answer"]


def test_a_port_of_another_program_is_told(workplace: Workplace, other_program: int) -> None:
    workplace.environment = {"UNDERSTUDY_PORT": str(other_program)}
    state, detail = _findings(workplace, 1)["port"]
    assert state == "problem"
    assert "another program has it" in detail and "--port" in detail


def test_our_own_servers_are_told_apart(workplace: Workplace, tmp_path: Any) -> None:
    with workplace.serving() as url:
        port = url.rpartition(":")[2].removesuffix("/v1")
        workplace.environment = {"UNDERSTUDY_PORT": port}
        assert _findings(workplace, 0)["port"] == (
            "ok",
            f"this data directory's server answers at {url}",
        )
        elsewhere = ("--data-dir", str(tmp_path / "elsewhere"))
        state, detail = _findings(workplace, 1, *elsewhere)["port"]
        assert state == "problem"
        assert "an Understudy server with another data directory has it" in detail


def test_settings_that_make_no_sense_are_a_finding(workplace: Workplace) -> None:
    workplace.write_settings("port = 99999\n")
    state, detail = _findings(workplace, 1)["settings"]
    assert state == "problem"
    assert "line 1" in detail and "port" in detail


def test_the_sources_of_settings_are_told(workplace: Workplace) -> None:
    workplace.write_settings('port = 0\nlog_level = "debug"\n')
    state, detail = _findings(workplace, 0)["settings"]
    assert (state, detail) == ("ok", "values: 1 from environment, 2 from understudy.toml")


def test_a_data_directory_for_everyone_is_noted(workplace: Workplace) -> None:
    workplace.data_dir.mkdir()
    workplace.data_dir.chmod(0o755)
    workplace.environment = {"UNDERSTUDY_PORT": "0"}
    state, detail = _findings(workplace, 0)["data directory"]
    assert state == "note"
    assert "mode 755" in detail and "chmod 700" in detail


def test_a_data_directory_that_is_a_file_is_a_problem(workplace: Workplace) -> None:
    workplace.data_dir.write_text("not a directory")
    found = _findings(workplace, 1)
    assert found["data directory"][0] == "problem"
    assert "--data-dir" in found["data directory"][1]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_data_directory_that_cannot_be_written_is_a_problem(workplace: Workplace) -> None:
    workplace.data_dir.mkdir(mode=0o500)
    assert _findings(workplace, 1)["data directory"][0] == "problem"


def test_a_damaged_database_is_a_problem(workplace: Workplace) -> None:
    workplace.data_dir.mkdir(mode=0o700)
    (workplace.data_dir / "understudy.db").write_bytes(b"no database at all" * 100)
    state, detail = _findings(workplace, 1)["database"]
    assert state == "problem"
    assert "understudy.db" in detail
