"""Serves an application as a process of its own. Knows nothing of what it serves."""

import anyio
from fastapi import FastAPI

from understudy_apps.configuration import configure_logs

_GRACE_S = 10
"""How long answers under way may take to end once the process is told to stop."""


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve until the process is told to stop. Raises CannotStart, before anything listens."""
    configure_logs()
    anyio.run(_serve, app, host, port)


async def _serve(app: FastAPI, host: str, port: int) -> None:
    import uvicorn

    # The lifespan is opened here, so that what it raises is a message and not a traceback.
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=_GRACE_S,
    )
    async with app.router.lifespan_context(app):
        await uvicorn.Server(config).serve()
