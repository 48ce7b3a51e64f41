"""`understudy serve`: the server, and what its user needs to know first."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import socket

    from understudy.cli.default_model import Outlook
    from understudy.settings import Settings

_BACKLOG = 2048


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Default model, e.g. dashscope/qwen-plus.")
    ] = None,
    app: Annotated[
        list[str] | None, typer.Option(help="Application to serve as well; may be repeated.")
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Ask for no key, even on a public address.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="Settings file in place of understudy.toml.")
    ] = None,
) -> None:
    """Start the server."""
    from understudy.cli.default_model import default_model_outlook
    from understudy.logs import configure_logs
    from understudy.settings.load import load_settings
    from understudy.store.lock import ServeLock
    from understudy.web.apps import installed_apps

    flags = {
        "host": host,
        "port": port,
        "data_dir": data_dir,
        "default_model": model,
        "apps": tuple(app) if app else None,
        "open": open_ or None,
        "config": config,
    }
    settings = load_settings(flags).settings
    installed_apps(settings.apps)
    outlook = default_model_outlook(settings)
    configure_logs(settings.log_level, settings.log_format)
    with ServeLock(settings.data_dir) as lock:
        listener = _bind(settings)
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        lock.announce(settings.base_url)
        _serve(settings, outlook, listener)


def _bind(settings: "Settings") -> "socket.socket":
    """Take the address before anything else starts, so that a busy port is the first thing said."""
    import errno
    import socket

    from understudy.errors import StartupError

    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        remedy = "Give an address of this machine with --host"
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            remedy = f"Choose another port: understudy serve --port {settings.port + 1}"
        raise StartupError(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. {remedy}."
        ) from error
    return listener


def _serve(settings: "Settings", outlook: "Outlook", listener: "socket.socket") -> None:
    import asyncio

    from understudy.cli.welcome import print_welcome
    from understudy.server import make_server

    created_key = asyncio.run(_prepare_store(settings))
    server = make_server(settings)
    print_welcome(settings, outlook, created_key)
    server.run(sockets=[listener])


async def _prepare_store(settings: "Settings") -> str | None:
    """Open the database once, so that its troubles are told before anything starts.

    A server that others can reach and that never had a key gets one; return its secret.
    """
    from understudy.store.db import open_store
    from understudy.store.keys import KeyRing, create_key

    url = settings.database_url.get_secret_value() if settings.database_url else None
    async with open_store(url, settings.data_dir) as store:
        if settings.is_loopback or settings.open or not await KeyRing(store).is_empty():
            return None
        return (await create_key(store, name="first")).secret
