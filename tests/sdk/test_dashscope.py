"""Qwen models through the server, asked by unmodified programs, from hosts that behave as those of
DashScope do. Without a key, and with a key of another region, the error says what to do.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.sdk.clients import Client, python_client
from tests.sdk.programs.reporting import TEXTS
from tests.sdk.servers import RunningServer, running_server
from tests.upstreams.dashscope import KEYS, dashscope
from tests.upstreams.scripted import ScriptedUpstream

pytestmark = pytest.mark.xdist_group("langchain")

QWEN = {"MODEL": "qwen-plus"}
SETTINGS = """
[providers.dashscope]
base_url = "{intl}"

[providers.dashscope-cn]
base_url = "{cn}"
"""
PROGRAMS = [
    ("openai-3.52.0", "openai_1_and_later.py"),
    ("langchain", "langchain_client.py"),
]


class Hosts:
    """Two hosts of DashScope, and servers in front of them."""

    def __init__(self, stack: ExitStack, folder_of: pytest.TempPathFactory) -> None:
        self._stack = stack
        self._folder_of = folder_of
        prefix = "/compatible-mode/v1"
        self.intl, self.cn = (
            stack.enter_context(ScriptedUpstream(dashscope(region), prefix=prefix))
            for region in ("intl", "cn")
        )

    def server(self, **environ: str) -> RunningServer:
        """Return a server that was started with these variables."""
        settings = SETTINGS.format(intl=self.intl.base_url, cn=self.cn.base_url)
        folder = self._folder_of.mktemp("dashscope")
        return self._stack.enter_context(running_server(folder, settings, environ))


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    with ExitStack() as stack:
        yield Hosts(stack, tmp_path_factory)


@pytest.fixture(scope="module")
def server_with_key(hosts: Hosts) -> RunningServer:
    return hosts.server(DASHSCOPE_API_KEY=KEYS["intl"])


@pytest.fixture(scope="module", params=PROGRAMS, ids=[name for name, _ in PROGRAMS])
def client(request: pytest.FixtureRequest) -> Client:
    return python_client(*request.param)


def test_qwen_answers_streams_and_calls_tools(
    client: Client, hosts: Hosts, server_with_key: RunningServer
) -> None:
    count_before = len(hosts.intl.calls)
    report = client.report(server_with_key, "stream", "tools", **QWEN)
    for language, streamed in report["stream"].items():
        assert streamed["plain"] == streamed["streamed"] == f"You said: {TEXTS[language]}"
    assert "Madrid" in str(report["tools"])
    asked = hosts.intl.calls[count_before:]
    assert len(asked) == 2 * len(TEXTS) + 2
    assert {call.json["model"] for call in asked} == {"qwen-plus"}
    assert {call.key for call in asked} == {KEYS["intl"]}


def test_without_a_key_the_error_names_the_variable_and_the_keyless_model(
    client: Client, hosts: Hosts
) -> None:
    error = client.report(hosts.server(), "one_error", MODEL="dashscope/qwen-plus")["one_error"]
    assert "AuthenticationError" in error["class"]
    assert "DASHSCOPE_API_KEY" in error["message"]
    assert "understudy-extractive" in error["message"]


def test_a_key_of_another_region_is_told_apart_from_a_wrong_one(
    client: Client, hosts: Hosts
) -> None:
    server = hosts.server(DASHSCOPE_API_KEY=KEYS["cn"])
    error = client.report(server, "one_error", MODEL="dashscope/qwen-plus")["one_error"]
    assert "AuthenticationError" in error["class"]
    assert hosts.cn.base_url.split("/")[2] in error["message"]
    assert "'dashscope-cn'" in error["message"]
    assert KEYS["cn"] not in error["message"] + server.log.read_text(encoding="utf-8")
