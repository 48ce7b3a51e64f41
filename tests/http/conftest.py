"""A server per module with the scripted upstream as its default provider."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from tests.http.serving import (
    LogLines,
    Served,
    provider_at,
    recorded_logs,
    serve,
    settings_for,
)
from tests.upstreams.scripted import ScriptedUpstream

ServeWith = Callable[..., AbstractContextManager[Served]]

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
def server(module_server: Served, upstream: ScriptedUpstream) -> Served:
    """The module's server."""
    return module_server


@pytest.fixture
def serve_with(tmp_path: Path) -> ServeWith:
    """Serve with other settings, for one test."""

    def start(**fields: Any) -> AbstractContextManager[Served]:
        return serve(settings_for(tmp_path / "data", **fields))

    return start


@pytest.fixture
def logs() -> Iterator[LogLines]:
    """What the server logs while the test runs."""
    with recorded_logs() as lines:
        yield lines
