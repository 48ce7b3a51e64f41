"""What the routes stand on: the open parts of the application, and who asks."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import anyio
from anyio.abc import TaskGroup
from fastapi import Depends, Request

from understudy_apps.configuration import logging_as
from understudy_apps.database import Database
from understudy_apps.errors import CannotStart
from understudy_apps.rate_limit import RateLimit
from understudy_apps.sales import operators, tables
from understudy_apps.sales.agent import Agent, Stores
from understudy_apps.sales.agent_functions import Records
from understudy_apps.sales.briefing import KnowledgeFault, KnowledgeFolder
from understudy_apps.sales.channels.telegram import BotAddress, Telegram
from understudy_apps.sales.configurations import Configurations
from understudy_apps.sales.contacts import Contacts
from understudy_apps.sales.conversations import Conversations
from understudy_apps.sales.daily import DailyCap
from understudy_apps.sales.followups import FollowUps
from understudy_apps.sales.health import KeyInUse
from understudy_apps.sales.models import Models, Server
from understudy_apps.sales.sent_quotes import SentQuotes
from understudy_apps.sales.settings import Settings
from understudy_apps.sessions import CookieRules, Session, Sessions

_QUARTER_S = 15 * 60
_HOUR_S = 60 * 60
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be tried how often, each by its own key."""

    logins_of_account: RateLimit
    logins_of_address: RateLimit
    visitors_of_address: RateLimit
    health_checks: RateLimit


@dataclass(frozen=True, slots=True)
class Services:
    """The open parts of the application, made by its lifespan."""

    settings: Settings
    database: Database
    sessions: Sessions
    limits: Limits
    records: Records
    conversations: Conversations
    knowledge: KnowledgeFolder
    configurations: Configurations
    models: Models
    agent: Agent
    cap: DailyCap
    setup_token: operators.SetupToken
    tasks: TaskGroup
    telegram: Telegram | None

    def today(self) -> date:
        """Return the day in the company's time zone."""
        return self.settings.now().date()


@asynccontextmanager
async def open_services(settings: Settings, prefix: str) -> AsyncIterator[Services]:
    """Open the database and what stands on it, and answer Telegram if there is a token for it.

    Makes no call to the server of the model. `prefix` is where the application is mounted. Raises
    CannotStart.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_as(settings))
        database = Database(settings.database)
        stack.push_async_callback(database.close)
        await database.migrate(tables.MIGRATIONS)
        models = _models(settings)
        stack.push_async_callback(models.close)
        tasks = anyio.create_task_group()
        services = _assembled(settings, prefix, database, models, tasks)
        await _prepare(services, prefix)
        await stack.enter_async_context(tasks)
        stack.callback(tasks.cancel_scope.cancel)
        if services.telegram is not None:
            tasks.start_soon(services.telegram.run)
        yield services


def _assembled(
    settings: Settings, prefix: str, database: Database, models: Models, tasks: TaskGroup
) -> Services:
    def today() -> date:
        return settings.now().date()

    stores = Stores(
        records=Records(database, Contacts(database), FollowUps(database), SentQuotes(database)),
        conversations=Conversations(database),
        knowledge=KnowledgeFolder(settings.knowledge),
        configurations=Configurations(database, settings.configuration),
    )
    agent = Agent(stores, models, intents_by_model=settings.intents == "model", today=today)
    cap = DailyCap(database, settings.daily_messages_per_visitor, settings.daily_messages)
    token = settings.telegram_token
    address = BotAddress(token.get_secret_value(), settings.telegram_base_url) if token else None
    return Services(
        settings=settings,
        database=database,
        sessions=Sessions(database, tables.sessions, _cookies(settings, prefix)),
        limits=Limits(
            logins_of_account=RateLimit(10, _QUARTER_S),
            logins_of_address=RateLimit(50, _QUARTER_S),
            visitors_of_address=RateLimit(30, _HOUR_S),
            health_checks=RateLimit(10, 60),
        ),
        records=stores.records,
        conversations=stores.conversations,
        knowledge=stores.knowledge,
        configurations=stores.configurations,
        models=models,
        agent=agent,
        cap=cap,
        setup_token=operators.SetupToken(),
        tasks=tasks,
        telegram=Telegram(address, agent, stores, cap, today) if address else None,
    )


def _cookies(settings: Settings, prefix: str) -> CookieRules:
    return CookieRules(
        name="sales",
        path=prefix,
        lifetime_days=settings.session_days,
        always_secure=settings.environment == "production",
    )


async def _prepare(services: Services, prefix: str) -> None:
    """Have data files and an operator, or say how to become one. Raises CannotStart."""
    settings = services.settings
    try:
        await anyio.to_thread.run_sync(services.knowledge.current)
    except (KnowledgeFault, OSError) as fault:
        raise CannotStart(f"The data files cannot be used: {fault}") from fault
    if await operators.is_any(services.database):
        return
    if settings.operator_password is not None:
        password = settings.operator_password.get_secret_value()
        await operators.set_password(services.database, settings.operator, password)
        return
    _logger.warning(
        "there is no operator yet: open the page at %s/ and enter the setup token %s, or run "
        "`understudy-sales operator --data-dir %s`",
        prefix or f"http://{settings.host}:{settings.port}",
        services.setup_token.text,
        settings.data_dir,
    )


def _models(settings: Settings) -> Models:
    from openai import AsyncOpenAI

    def server(base_url: str, key: str, in_use: KeyInUse) -> Server:
        client = AsyncOpenAI(
            base_url=base_url, api_key=key, timeout=settings.model_timeout_s, max_retries=1
        )
        return Server(client, in_use)

    own = KeyInUse("SALES_API_KEY", settings.api_key is not None)
    configured = server(settings.base_url, settings.key, own)
    if settings.fallback_base_url is None:
        return Models(configured, configured, settings.fallback_model)
    key = settings.fallback_api_key
    fallback = server(
        settings.fallback_base_url,
        key.get_secret_value() if key else "any",
        KeyInUse("SALES_FALLBACK_API_KEY", key is not None),
    )
    return Models(configured, fallback, settings.fallback_model)


def services(request: Request) -> Services:
    """Return the open parts of the application that answers `request`."""
    found: Services = request.app.state.services
    return found


async def signed_in(request: Request) -> Session:
    """Return the session of the operator who asks.

    Raises NotSignedIn, and Forbidden when something is to change without the CSRF token.
    """
    return await services(request).sessions.demand(request)


Parts = Annotated[Services, Depends(services)]
Operator = Annotated[Session, Depends(signed_in)]
