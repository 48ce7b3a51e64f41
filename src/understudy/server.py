"""Puts one server together: settings in, ASGI application out. Its lifespan owns what runs."""

import atexit
import gc
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import fastapi_offline
import uvicorn
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from sqlalchemy.exc import SQLAlchemyError
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from understudy import __version__
from understudy.api.assistants import assistants_router
from understudy.api.audio import audio_router
from understudy.api.audio_turns import Answering, audio_turns_router
from understudy.api.characters import characters_router
from understudy.api.chat import ChatApi
from understudy.api.completions import CompletionsApi
from understudy.api.conversations import conversations_router
from understudy.api.embeddings import EmbeddingsApi
from understudy.api.files import files_router
from understudy.api.health import health_router
from understudy.api.http.gate import Gate
from understudy.api.http.hot import HotRoute, HotRoutes
from understudy.api.http.openapi import document
from understudy.api.http.trace import Trace
from understudy.api.http.unknown import UnknownRoutes
from understudy.api.instance_memory import instance_memory_router
from understudy.api.instance_turns import instance_turns_router
from understudy.api.instances import instances_router
from understudy.api.messages import messages_router
from understudy.api.models import models_router
from understudy.api.moderations import ModerationsApi
from understudy.api.responses import ResponsesApi, responses_router
from understudy.api.runs import runs_router
from understudy.api.stored_chat import stored_chat_router
from understudy.api.threads import threads_router
from understudy.api.uploads import uploads_router
from understudy.api.vector_stores import vector_stores_router
from understudy.characters.personas import Personas
from understudy.characters.surroundings import Surroundings as PersonaSurroundings
from understudy.characters.turns import InstanceTurns, answers_of_instance
from understudy.chat.completion import ChatCompletions
from understudy.chat.text import TextCompletions
from understudy.engines.registry import Asker, Registry
from understudy.errors import NotReady
from understudy.responses import background
from understudy.responses.asking import ResponseAsking
from understudy.responses.file_texts import FileTexts
from understudy.responses.mcp.servers import McpServers
from understudy.responses.searching import StoreSearches
from understudy.responses.surface import Surface as ResponseSurface
from understudy.responses.turns import Shared
from understudy.retrieval.ingest import Ingest, limits_of
from understudy.retrieval.vector_stores import expire_stores
from understudy.retrieval.vectors import Vectors
from understudy.runs.asking import Asking
from understudy.runs.commits import Commits
from understudy.runs.dispatch import Dispatcher
from understudy.runs.requests import Surface
from understudy.runs.searching import Searches
from understudy.runs.stream import Streams
from understudy.runs.voice import Answers, Turns
from understudy.runs.voice_answers import ChatAnswers, RunAnswers
from understudy.runs.worker import Surroundings
from understudy.settings import Settings
from understudy.speech.models import SpeechModels
from understudy.speech.stt import Transcripts
from understudy.speech.tts import Speeches
from understudy.store.blobs import Blobs, sweep
from understudy.store.db import open_store
from understudy.store.files import sweep_files
from understudy.store.idempotency import Creation, forget_keys
from understudy.store.keys import KeyRing, project_id
from understudy.store.scratch import sweep_scratch_folders
from understudy.store.sealing import Sealer
from understudy.store.storage import Storage
from understudy.store.uploads import sweep_uploads
from understudy.web.apps import Mounts, apps_folder, lifespans, make_apps
from understudy.web.own_key import own_key
from understudy.web.pages import Pages
from understudy.wire.audio_turns import TurnRequest

logger = logging.getLogger(__name__)

_SWEEP_EVERY_S = 600
_KEEP_ALIVE_S = 75
"""Longer than clients keep idle connections, so that they do not send into one just closed."""
_PAUSE_S = 1.0
_FAREWELL_S = 2
"""Longer than the readers of streams need to be told that the server stops."""
_STATIC = Path(fastapi_offline.__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class _Apps:
    """The applications in this process by name, and the key of the API that they hold."""

    mounted: dict[str, ASGIApp]
    key: str | None


@dataclass(frozen=True, slots=True)
class _Parts:
    """What one server is made of."""

    settings: Settings
    registry: Registry
    storage: Storage
    vectors: Vectors
    ingest: Ingest
    streams: Streams
    dispatcher: Dispatcher
    responses: Shared
    speech: SpeechModels
    personas: Personas
    apps: _Apps


def create_app(settings: Settings) -> ASGIApp:
    """Return the application; the store opens and the engines close with its lifespan."""
    return _app(_parts(settings))


def _spare_shapes_at_exit() -> None:
    """Keep the interpreter's last collection away from the shapes of `wire/`.

    msgspec 0.22 frees what its types share in an order that can end the process by SIGSEGV after
    all work is done: github.com/msgspec/msgspec/issues/717.
    """
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def _parts(settings: Settings) -> _Parts:
    registry = Registry(settings)
    storage = Storage()
    vectors = Vectors(storage, settings, registry)
    streams = Streams(storage)
    surroundings = PersonaSurroundings(storage, ChatCompletions(registry), vectors)
    personas = Personas(surroundings, registry)
    personas.register(are_listed=settings.list_personas)
    responses = _responses(registry, storage, settings, vectors)
    return _Parts(
        settings=settings,
        registry=registry,
        storage=storage,
        vectors=vectors,
        ingest=Ingest(storage, settings, vectors),
        streams=streams,
        dispatcher=_dispatcher(registry, storage, settings, streams, vectors, responses),
        responses=responses,
        speech=SpeechModels(settings, registry),
        personas=personas,
        apps=_apps(settings),
    )


def _apps(settings: Settings) -> _Apps:
    if not settings.apps:
        return _Apps({}, None)
    key = own_key(apps_folder(settings.data_dir))
    apps = make_apps(
        settings.apps, base_url=settings.base_url, api_key=key, data_dir=settings.data_dir
    )
    return _Apps(apps, key)


def _app(parts: _Parts) -> ASGIApp:
    _spare_shapes_at_exit()
    settings, storage, registry = parts.settings, parts.storage, parts.registry
    wake, interrupt = parts.ingest.wake, parts.dispatcher.interrupt
    of_responses = ResponseSurface(
        storage, parts.streams, parts.dispatcher, settings.runs, parts.responses, wake
    )
    hot = _hot_routes(registry, settings, storage, of_responses)

    def lifespan(_: FastAPI) -> AbstractAsyncContextManager[None]:
        return _lifespan(gate, parts)

    app = FastAPI(
        title="Understudy",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    surface = Surface(storage, parts.streams, parts.dispatcher, settings.runs, wake)
    app.include_router(models_router(registry, parts.speech.models))
    app.include_router(stored_chat_router(storage))
    app.include_router(files_router(storage, settings))
    app.include_router(uploads_router(storage, settings))
    app.include_router(vector_stores_router(storage, wake, parts.vectors))
    app.include_router(assistants_router(storage, settings, wake))
    # Before the threads: `runs` in /v1/threads/runs is no thread's id.
    app.include_router(runs_router(surface, settings.heartbeat_s))
    app.include_router(threads_router(storage, wake, parts.streams, interrupt))
    app.include_router(messages_router(storage, wake))
    app.include_router(conversations_router(surface))
    app.include_router(responses_router(of_responses, settings.heartbeat_s))
    app.include_router(characters_router(storage, wake, parts.streams, interrupt))
    app.include_router(instances_router(storage, wake, parts.streams, interrupt))
    app.include_router(instance_memory_router(storage))
    _include_audio(app, parts, surface)
    app.include_router(health_router())
    _serve_docs(app, hot)
    UnknownRoutes(app, [route.path for route in hot]).install()
    pages = Mounts(Pages(HotRoutes(app, hot)), parts.apps.mounted)
    gate: Gate = Gate(pages, settings)
    return Trace(_with_cors(gate, settings))


def _include_audio(app: FastAPI, parts: _Parts, surface: Surface) -> None:
    settings, storage = parts.settings, parts.storage
    speeches = Speeches(parts.speech)
    transcripts = Transcripts(parts.speech, settings.speech)
    chat = ChatCompletions(parts.registry)

    def answers_of(wanted: TurnRequest, creation: Creation) -> Answers:
        if wanted.assistant_id is None:
            return ChatAnswers(chat, wanted, Asker(creation.project_id))
        return RunAnswers(surface, wanted, creation)

    async def instance_answers_of(
        instance_id: str, wanted: TurnRequest, creation: Creation
    ) -> tuple[TurnRequest, Answers]:
        turns = InstanceTurns(surface, creation.project_id)
        return await answers_of_instance(turns, instance_id, wanted, creation)

    turns = Turns(transcripts, speeches)
    answering = Answering(answers_of, instance_answers_of)
    app.include_router(audio_router(speeches, transcripts, storage, settings))
    app.include_router(audio_turns_router(turns, answering, storage, settings))
    app.include_router(
        instance_turns_router(surface, parts.personas, speeches, settings.heartbeat_s)
    )


class _Server(uvicorn.Server):
    """A server that gives its runs the time to end before their readers are sent away."""

    def __init__(self, config: uvicorn.Config, dispatcher: Dispatcher) -> None:
        super().__init__(config)
        self._dispatcher = dispatcher

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections, and end those that are there as soon as they are answered."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._dispatcher.drain)
            await super().shutdown(sockets)


def make_server(settings: Settings) -> uvicorn.Server:
    """Return the HTTP server of the application; its caller runs it on a socket of its own."""
    parts = _parts(settings)
    config = uvicorn.Config(
        _app(parts),
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=settings.shutdown_grace_s + _FAREWELL_S,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    return _Server(config, parts.dispatcher)


def _hot_routes(
    registry: Registry, settings: Settings, storage: Storage, responses: ResponseSurface
) -> list[HotRoute]:
    chat = ChatCompletions(registry)
    return [
        *ChatApi(chat, settings, storage).routes(),
        *ResponsesApi(responses, settings).routes(),
        *CompletionsApi(TextCompletions(registry, chat), settings).routes(),
        *EmbeddingsApi(registry).routes(),
        *ModerationsApi(registry, settings).routes(),
    ]


def _dispatcher(
    registry: Registry,
    storage: Storage,
    settings: Settings,
    streams: Streams,
    vectors: Vectors,
    responses: Shared,
) -> Dispatcher:
    chat = ChatCompletions(registry)
    surroundings = Surroundings(
        storage=storage,
        streams=streams,
        chat=chat,
        asking=Asking(storage, registry, chat),
        searches=Searches(storage, vectors, settings.runs.file_wait_s),
        tool_rounds=settings.runs.tool_rounds,
    )
    commits = Commits(storage, streams)
    dispatcher = Dispatcher(storage, settings, surroundings, commits, streams)
    of_background = background.Surroundings(storage, streams, commits, responses)
    dispatcher.register("response", partial(background.work, of_background))
    return dispatcher


def _responses(
    registry: Registry, storage: Storage, settings: Settings, vectors: Vectors
) -> Shared:
    chat = ChatCompletions(registry)

    def searches_of(project_id: str) -> StoreSearches:
        return StoreSearches(storage, project_id, vectors, settings.runs.file_wait_s)

    texts = FileTexts(storage, limits_of(settings.retrieval))
    asking = ResponseAsking(storage, registry, chat, texts)
    rounds, mcp = settings.runs.tool_rounds, McpServers(settings.mcp)
    return Shared(chat, asking, searches_of, rounds, mcp, Sealer(settings.data_dir))


@asynccontextmanager
async def _lifespan(gate: Gate, parts: _Parts) -> AsyncIterator[None]:
    settings = parts.settings
    url = settings.database_url.get_secret_value() if settings.database_url else None
    async with open_store(
        url, settings.data_dir, synchronous=settings.database_synchronous
    ) as store:
        parts.storage.open(store, Blobs(settings.data_dir / "blobs"))
        await parts.ingest.prepare()
        gate.open(KeyRing(store), await project_id(store), parts.apps.key)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_keep_running, parts.ingest.run, "reading files")
                tasks.start_soon(_keep_running, parts.dispatcher.run, "working on runs")
                tasks.start_soon(parts.registry.preload)
                tasks.start_soon(_sweep_regularly, parts.storage, settings.data_dir)
                async with lifespans(parts.apps.mounted):
                    yield
                await parts.dispatcher.drain()
                tasks.cancel_scope.cancel()
        finally:
            await parts.speech.aclose()
            await parts.registry.aclose()


async def _keep_running(work: Callable[[], Awaitable[None]], name: str) -> None:
    """Do `work` again after a fault: a server that only seems to work would be worse than none."""
    while True:
        try:
            await work()
        except Exception:  # the root of the work
            logger.exception("%s was interrupted by a fault, and begins again", name)
        await anyio.sleep(_PAUSE_S)


async def _sweep_regularly(storage: Storage, data_dir: Path) -> None:
    """Clear away what has expired or was left behind, at the start and now and then."""
    while True:
        try:
            await anyio.to_thread.run_sync(sweep_scratch_folders, data_dir)
            await sweep_files(storage)
            await sweep_uploads(storage)
            await expire_stores(storage)
            await sweep(storage.database, storage.blobs)
            async with storage.database.write() as connection:
                await forget_keys(connection)
        except (NotReady, SQLAlchemyError, OSError) as error:
            logger.warning("expired files are not cleared away now: %s", error)
        await anyio.sleep(_SWEEP_EVERY_S)


def _with_cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["x-request-id", "x-understudy-model", "x-understudy-ignored"],
    )


def _serve_docs(app: FastAPI, hot: list[HotRoute]) -> None:
    """Serve `/docs` from installed files: no page here loads anything from elsewhere."""
    app.mount("/docs/static", StaticFiles(directory=_STATIC))
    app.openapi = lambda: document(app, hot)  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Understudy API",
            swagger_js_url="/docs/static/swagger-ui-bundle.js",
            swagger_css_url="/docs/static/swagger-ui.css",
            swagger_favicon_url="/docs/static/favicon.png",
        )
