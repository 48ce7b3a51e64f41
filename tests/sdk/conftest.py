"""The servers that clients are pointed at; one of each for all tests of a process."""

from collections.abc import Iterator

import pytest
from tests.sdk.servers import RunningServer, running_server
from tests.upstreams.scripted import ScriptedUpstream

SERVER_KEY = "sk-" + "understudy0" * 4 + "1234"

_ECHOING = """
unknown_model = "error"
default_model = "scripted/echo"
default_embedding_model = "scripted/echo-embedding"
upstream_retries = 0

[mcp]
allow_private_networks = true

[providers.scripted]
base_url = "{base_url}"

[providers.scripted.models]
echo = "echo"
echo-mini = "echo-mini"
thinker = "thinker"
echo-embedding = "echo-embedding"
paced-2000x10 = "paced-2000x10"
"""


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server as it comes: the embedded models, no key needed, unknown models served."""
    with running_server(tmp_path_factory.mktemp("embedded")) as server:
        yield server


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedUpstream]:
    """The scripted provider behind `echoing`."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def echoing(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedUpstream
) -> Iterator[RunningServer]:
    """A server with keys, which refuses unknown models, in front of the scripted provider."""
    settings = _ECHOING.format(base_url=provider.base_url)
    with running_server(tmp_path_factory.mktemp("echoing"), settings, key=SERVER_KEY) as server:
        yield server
