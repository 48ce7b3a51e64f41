"""What every test may use."""

import signal

import pytest

pytest_plugins = ["tests.upstreams.fixtures", "tests.tiny_models"]


def pytest_configure() -> None:
    """Undo what a shell does to its background jobs: commands under test must hear Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
