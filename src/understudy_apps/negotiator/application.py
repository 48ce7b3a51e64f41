"""Puts the negotiator together as one ASGI application. Makes no call to any server at start."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI

from understudy_apps.negotiator.conversation import Conversations
from understudy_apps.negotiator.dependencies import open_services
from understudy_apps.negotiator.routes import accounts, chat, debts, keys, offers
from understudy_apps.negotiator.settings import Settings
from understudy_apps.pages import add_api_page, add_pages
from understudy_apps.web import add_guards, answer_refusals

_PAGES = Path(__file__).parent / "static"
_MAX_BODY_BYTES = 64 * 1024


def create_app(
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    data_dir: Path | None = None,
    prefix: str = "",
) -> FastAPI:
    """Return the application; what is not given comes from the negotiator's own settings.

    `prefix` is where it is mounted, as in `/negotiator`. Raises CannotStart.
    """
    flags = {"base_url": base_url, "api_key": api_key, "data_dir": data_dir}
    return application(Settings.load(flags), prefix)


def application(settings: Settings, prefix: str) -> FastAPI:
    """Return the application of these settings; its lifespan opens and closes the database."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(settings, prefix) as services:
            app.state.services = services
            app.state.conversations = Conversations(services)
            yield

    app = FastAPI(
        title="Debt negotiator",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    api = APIRouter(prefix="/api")
    for routes in (accounts, keys, debts, offers, chat):
        api.include_router(routes.router)
    app.include_router(api)
    answer_refusals(app, logging.getLogger(__name__))
    add_api_page(app)
    add_pages(app, _PAGES, prefix)
    add_guards(app, _MAX_BODY_BYTES)
    return app
