"""Puts the sales agent together as one ASGI application. Calls no model's server at start."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI

from understudy_apps.pages import add_api_page, add_pages
from understudy_apps.sales.dependencies import open_services
from understudy_apps.sales.routes import (
    configuration,
    contacts,
    conversations,
    dashboard,
    followups,
    health,
    sandbox,
    session,
    visitor,
    widget,
)
from understudy_apps.sales.settings import Settings
from understudy_apps.web import add_guards, answer_refusals

_PAGES = Path(__file__).parent / "static"
_MAX_BODY_BYTES = 4 * 1024 * 1024
"""A table of ten thousand contacts."""


def create_app(
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    data_dir: Path | None = None,
    prefix: str = "",
) -> FastAPI:
    """Return the application; what is not given comes from the sales agent's own settings.

    `prefix` is where it is mounted, as in `/sales`. Raises CannotStart.
    """
    flags = {"base_url": base_url, "api_key": api_key, "data_dir": data_dir}
    return application(Settings.load(flags), prefix)


def application(settings: Settings, prefix: str) -> FastAPI:
    """Return the application of these settings; its lifespan opens and closes what it needs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(settings, prefix) as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="Sales agent",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    api = APIRouter(prefix="/api")
    for routes in (
        session,
        contacts,
        conversations,
        followups,
        dashboard,
        configuration,
        sandbox,
        health,
        visitor,
    ):
        api.include_router(routes.router)
    app.include_router(api)
    app.include_router(widget.router)
    answer_refusals(app, logging.getLogger(__name__))
    add_api_page(app)
    add_pages(app, _PAGES, prefix)
    add_guards(app, _MAX_BODY_BYTES)
    return app
