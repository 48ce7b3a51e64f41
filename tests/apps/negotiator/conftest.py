"""The negotiator on each database, and one that tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.apps.negotiator.running import Browser, Negotiator, running, settings_in

from understudy_apps import passwords


@pytest.fixture(scope="module", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash with the least effort: what hashes are worth is tested where they are made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_MEMORY_KIB", 8)
        patch.setattr(passwords, "_ROUNDS", 1)
        passwords._hasher.cache_clear()
        yield
    passwords._hasher.cache_clear()


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
