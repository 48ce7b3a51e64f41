"""A fresh folder for every test; a server shared by the tests of a module that leave no trace."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import Workplace


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """A folder without settings, keys or server."""
    return Workplace(tmp_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workplace, str]]:
    """A folder whose server runs with the embedded models, and the server's base URL."""
    workplace = Workplace(tmp_path_factory.mktemp("served"))
    with workplace.serving() as url:
        yield workplace, url
