"""The server that a command talks to: one inside this process where none runs. That one takes no
lock on the data directory, so that a real server can start meanwhile.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from understudy.cli.client import base_url_of
from understudy.cli.options import database_url
from understudy.cli.output import note
from understudy.errors import StartupError

if TYPE_CHECKING:
    from understudy.settings import Settings

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0
_GRACE_S = 1
_PAUSE_S = 0.02


@contextmanager
def server_to_use(url: str | None, settings: "Settings") -> Iterator[str]:
    """Give the base URL of `url`, of the server that runs here, or of one started for the block."""
    from understudy.store.lock import running_url

    if found := url or running_url(settings.data_dir):
        yield base_url_of(found)
        return
    note("No server is running: starting one inside this command, for as long as it takes.")
    with temporary_server(settings) as base_url:
        yield base_url


@contextmanager
def temporary_server(settings: "Settings") -> Iterator[str]:
    """Serve on a free loopback port during the block, and give the base URL.

    Raises StartupError when the server cannot start.
    """
    import anyio

    from understudy.server import make_server

    anyio.run(_open_database, settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = {"host": "127.0.0.1", "port": listener.getsockname()[1]}
        settings = settings.model_copy(update={**address, "shutdown_grace_s": _GRACE_S})
        server = make_server(settings)
        # The command speaks on this terminal; the server's word on a request that the command
        # itself gave up would only disturb.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        thread = threading.Thread(
            target=server.run, args=([listener],), name="temporary-server", daemon=True
        )
        thread.start()
        try:
            _wait_for_start(thread, lambda: server.started)
            yield settings.base_url
        finally:
            server.should_exit = True
            thread.join(_STOP_TIMEOUT_S)


async def _open_database(settings: "Settings") -> None:
    """Open the database once, so that its troubles are told as they are."""
    from understudy.store.db import open_store

    async with open_store(database_url(settings), settings.data_dir):
        return


def _wait_for_start(thread: threading.Thread, has_started: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while thread.is_alive() and not has_started() and time.monotonic() < deadline:
        time.sleep(_PAUSE_S)
    if not has_started():
        raise StartupError(
            "A server could not be started in this process. `understudy doctor` tells what is "
            "wrong; `understudy serve` in another terminal shows its log."
        )
