"""The sales agent on each database, and one at a real server with the embedded model."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.apps.sales.running import Client, Sales, running, settings_in
from tests.http.serving import Served, serve, settings_for
from tests.upstreams.scripted import ScriptedUpstream

from understudy.settings.providers import KNOWN_PROVIDERS, ProviderSettings
from understudy_apps.sales.settings import Settings


@pytest.fixture(scope="session")
def understudy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real server, with no key for any provider."""
    dashscope = ProviderSettings(**{**KNOWN_PROVIDERS["dashscope"], "enabled": True})
    folder = tmp_path_factory.mktemp("understudy")
    with serve(settings_for(folder, providers={"dashscope": dashscope})) as served:
        yield served


@pytest.fixture(scope="module")
async def offline(
    understudy: Served, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sales]:
    """The sales agent of a module, at a server whose configured model has no key."""
    settings = settings_in(tmp_path_factory.mktemp("sales"), base_url=f"{understudy.root}/v1")
    async with running(settings) as sales:
        yield sales


@pytest.fixture
async def stored(database_url: str, tmp_path: Path) -> AsyncIterator[Sales]:
    """The sales agent with an empty database for each test, without a model."""
    async with running(settings_in(tmp_path, database_url=database_url)) as sales:
        yield sales


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sales]:
    """One for all tests of a module that need no empty database, and no model."""
    async with running(settings_in(tmp_path_factory.mktemp("shared"))) as sales:
        yield sales


@pytest.fixture
async def operator(stored: Sales) -> Client:
    return await stored.operator()


@pytest.fixture
async def scripted(upstream: ScriptedUpstream, tmp_path: Path) -> AsyncIterator[Sales]:
    """The sales agent at a provider that does what a test plays, with a fallback there too."""
    async with running(at(upstream, tmp_path)) as sales:
        yield sales


@pytest.fixture
async def scripted_stored(
    upstream: ScriptedUpstream, database_url: str, tmp_path: Path
) -> AsyncIterator[Sales]:
    """The same on each database."""
    async with running(at(upstream, tmp_path, database_url=database_url)) as sales:
        yield sales


def at(upstream: ScriptedUpstream, folder: Path, **fields: str) -> Settings:
    """Return settings for a model and a fallback at a scripted provider."""
    models = {"model": "seller", "fallback_model": "reserve"}
    return settings_in(folder, base_url=upstream.base_url, **models, **fields)
