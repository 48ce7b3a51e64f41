"""A server per module with the scripted upstream as its default provider."""

from collections.abc import Iterator

import openai
import pytest
from tests.http.fixtures import logs, serve_with
from tests.http.serving import Served, provider_at, serve, settings_for
from tests.upstreams.scripted import ScriptedUpstream

__all__ = ["logs", "serve_with"]

LIMITED = {
    "no-n": {"n": False},
    "no-schema": {"json_schema": False},
    "no-json": {"json_schema": False, "json_object": False},
    "no-tools": {"tools": False},
    "no-force": {"forced_tool_choice": False},
    "no-logprobs": {"logprobs": False},
    "no-penalties": {"penalties": False},
    "native": {"text_completions": True},
}
"""Providers that lack something, by name; each is the same upstream."""


@pytest.fixture(scope="module")
def module_upstream() -> Iterator[ScriptedUpstream]:
    """The provider of the module's server."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def module_server(
    module_upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One server for the tests of a module that leave no trace in it."""
    providers = {
        name: provider_at(module_upstream, capabilities=limits, enabled=False)
        for name, limits in LIMITED.items()
    }
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        default_model="up/echo",
        upstream_retries=0,
        providers={"up": provider_at(module_upstream), **providers},
    )
    with serve(settings) as served:
        yield served


@pytest.fixture
def upstream(module_upstream: ScriptedUpstream) -> ScriptedUpstream:
    """The module's provider, with no memory of earlier tests."""
    module_upstream.calls.clear()
    return module_upstream


@pytest.fixture
def client(server: Served) -> Iterator[openai.OpenAI]:
    """The official client, pointed at the `server` of the test's module."""
    with openai.OpenAI(base_url=f"{server.root}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
def server(module_server: Served, upstream: ScriptedUpstream) -> Served:
    """The module's server."""
    return module_server
