"""What every test may use."""

import pytest

pytest_plugins = ["tests.upstreams.fixtures"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
