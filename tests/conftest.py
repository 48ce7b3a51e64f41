"""What every test may use."""

import os
import signal

import pytest

pytest_plugins = [
    "tests.databases",
    "tests.tiny_models",
    "tests.upstreams.fixtures",
    "tests.workers",
]


def pytest_configure() -> None:
    """Undo what the environment does to the commands and servers that tests start."""
    # Without it each of them would compile the whole package anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # A shell's background jobs do not hear Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
