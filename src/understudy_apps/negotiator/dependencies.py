"""What the routes stand on: the open parts of the application, and the person who is logged in."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import anyio.to_thread
from fastapi import Depends, Request

from understudy_apps.configuration import logging_as
from understudy_apps.database import Database
from understudy_apps.negotiator import tables
from understudy_apps.negotiator.model_server import ModelServer
from understudy_apps.negotiator.settings import Settings
from understudy_apps.rate_limit import RateLimit
from understudy_apps.sealing import Sealer
from understudy_apps.sessions import CookieRules, Session, Sessions

_MIGRATIONS = Path(__file__).parent / "migrations"
_QUARTER_S = 15 * 60
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be tried how often, each by its own key."""

    logins_of_account: RateLimit
    logins_of_address: RateLimit
    registrations_of_address: RateLimit
    key_checks_of_user: RateLimit


@dataclass(frozen=True, slots=True)
class Services:
    """The open parts of the application, made by its lifespan."""

    settings: Settings
    database: Database
    model_server: ModelServer
    sessions: Sessions
    sealer: Sealer
    limits: Limits


@asynccontextmanager
async def open_services(settings: Settings, prefix: str) -> AsyncIterator[Services]:
    """Open the database, with its tables, and what stands on it; make no call to any server.

    `prefix` is where the application is mounted. Raises CannotStart.
    """
    with logging_as(settings):
        database = Database(settings.database)
        model_server = ModelServer(settings.base_url)
        try:
            await database.migrate(_MIGRATIONS)
            sealer = Sealer(settings.key_file)
            await anyio.to_thread.run_sync(sealer.load)
            cookies = CookieRules(
                name="negotiator",
                path=prefix,
                lifetime_days=settings.session_days,
                always_secure=settings.environment == "production",
            )
            _log.info("ready: %s, model server %s", database, settings.base_url)
            yield Services(
                settings=settings,
                database=database,
                model_server=model_server,
                sessions=Sessions(database, tables.sessions, cookies),
                sealer=sealer,
                limits=Limits(
                    logins_of_account=RateLimit(10, _QUARTER_S),
                    logins_of_address=RateLimit(50, _QUARTER_S),
                    registrations_of_address=RateLimit(50, _QUARTER_S),
                    key_checks_of_user=RateLimit(10, _QUARTER_S),
                ),
            )
        finally:
            await model_server.close()
            await database.close()


def services(request: Request) -> Services:
    """Return the open parts of the application that answers `request`."""
    found: Services = request.app.state.services
    return found


async def signed_in(request: Request) -> Session:
    """Return the session of the person who asks.

    Raises NotSignedIn, and Forbidden when something is to change without the CSRF token.
    """
    return await services(request).sessions.demand(request)


Parts = Annotated[Services, Depends(services)]
SignedIn = Annotated[Session, Depends(signed_in)]
