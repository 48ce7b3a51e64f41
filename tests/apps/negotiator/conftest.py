"""The negotiator on each database, and one that tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.apps.negotiator.running import Browser, Negotiator, running, settings_in


@pytest.fixture
async def negotiator(database_url: str, tmp_path: Path) -> AsyncIterator[Negotiator]:
    """The negotiator with an empty database for each test."""
    async with running(settings_in(tmp_path, database_url=database_url)) as negotiator:
        yield negotiator


@pytest.fixture
async def browser(negotiator: Negotiator) -> Browser:
    return await negotiator.browser()


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Negotiator]:
    """The negotiator of all tests of a module, for those that need no database of their own."""
    async with running(settings_in(tmp_path_factory.mktemp("data"))) as negotiator:
        yield negotiator


@pytest.fixture(scope="module")
async def one_person(shared: Negotiator) -> Browser:
    """A logged-in person; tests share them and leave them without debts."""
    browser = await shared.browser()
    await browser.register()
    return browser
