"""Which engine answers for a model name: `provider/model`, an alias, or a bare name.

Engines are made at first use, and no provider is asked anything before a request needs it.
"""

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

import anyio
import anyio.to_thread

from understudy.engines.base import Engine, ModelInfo, ModelKind
from understudy.engines.extractive import CHAT_MODEL, EMBEDDING_MODEL, ExtractiveEngine
from understudy.engines.llama.failures import LOCAL
from understudy.engines.llama.models import LocalModel, LocalModels
from understudy.engines.qwen import is_known_qwen
from understudy.errors import InvalidRequest, ModelNotFound
from understudy.settings import ModelSettings, Settings
from understudy.settings.providers import DASHSCOPE_HOSTS, ProviderSettings

if TYPE_CHECKING:
    from understudy.engines.llama.engine import LlamaEngine

EMBEDDED = "understudy"
EMBEDDED_MODELS = (CHAT_MODEL, EMBEDDING_MODEL)
_NO_SETTINGS = ModelSettings()
_REMEMBERED_S = 60.0


@dataclass(frozen=True, slots=True)
class Route:
    """A model name, resolved: the engine, and the name that the engine knows the model by."""

    engine: Engine
    provider: str
    model: str
    settings: ModelSettings
    offered: str = ""
    """The name that the provider's `models` table gives to programs, where it has one."""
    plain: str = ""
    """The name of the model behind a persona, for work that is none of the persona's."""

    @property
    def served(self) -> str:
        """The name to show and to ask for again: `provider/model`, bare for the embedded models."""
        name = self.offered or self.model
        return name if self.provider == EMBEDDED else f"{self.provider}/{name}"


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf a model is asked: the project, and the stored message that is answered."""

    project_id: str = ""
    message_id: str | None = None


NOBODY = Asker()
Resolver = Callable[[str, Asker], Awaitable[Route | None]]
"""Says who answers for a name in the asker's project; None where it has no such model."""
Lister = Callable[[Asker], Awaitable[list[ModelInfo]]]
"""Returns what of the asker's project is listed among the models."""


class Registry:
    """The engines of one process, and the rules by which model names find them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._embedded = ExtractiveEngine()
        self._engines: dict[str, Engine] = {EMBEDDED: self._embedded}
        self._local = LocalModels(settings)
        self._resolvers: dict[str, Resolver] = {}
        self._listers: list[Lister] = []
        self._listed: dict[str, tuple[float, frozenset[str]]] = {}

    def register(self, prefix: str, resolver: Resolver) -> None:
        """Let `resolver` say who answers for every model name that starts with `prefix`."""
        self._resolvers[prefix] = resolver

    def list_also(self, lister: Lister) -> None:
        """Add to the models what `lister` returns."""
        self._listers.append(lister)

    async def route(
        self, name: str | None, kind: ModelKind = "chat", asker: Asker = NOBODY
    ) -> Route:
        """Return who answers for `name`; an absent or unknown name means the default model.

        Raises ModelNotFound for an unknown name when `unknown_model` is "error", and InvalidRequest
        when the model is of another kind.
        """
        if route := await self.find(name or self._default(kind), asker):
            return self._of_kind(route, kind, name)
        if self._settings.unknown_model == "error" or self.leads_to_persona(name):
            raise self.not_found(name or self._default(kind))
        default = self._default(kind)
        if route := await self.find(default, asker):
            return route
        raise ModelNotFound(
            f"The default model '{default}' does not exist. Set it to one of the names in "
            "GET /v1/models: by --model, or the setting default_model.",
            param="model",
        )

    async def find(self, name: str, asker: Asker = NOBODY) -> Route | None:
        """Return who answers for exactly `name`, or None where nobody knows it."""
        asked = name
        name = self._unaliased(name)
        for prefix, resolver in self._resolvers.items():
            if name.startswith(prefix):
                return await resolver(name, asker)
        provider, slash, model = name.partition("/")
        if slash and model and provider in self._settings.providers:
            await self._load(provider)
            return self._route(provider, model, (asked, name))
        if (embedded := name.removeprefix(f"{EMBEDDED}/")) in EMBEDDED_MODELS:
            return self._route(EMBEDDED, embedded, (asked, name))
        if (local := self._local_model(name)) is not None:
            await self._load(LOCAL)
            return self._route(LOCAL, local.name, (asked, name))
        if (found := await self._provider_of(name)) is not None:
            await self._load(found)
            return self._route(found, name, (asked, name))
        return None

    def leads_to_persona(self, name: str | None) -> bool:
        """Tell whether a resolver is asked for `name`, or for the default model where it is None.

        Such a name says whom it means, so that nobody may stand in.
        """
        name = self._unaliased(name or self._default("chat"))
        return name.startswith(tuple(self._resolvers))

    async def fallbacks(self, route: Route, asker: Asker = NOBODY) -> list[Route]:
        """Return who stands in for `route`, in the order of the settings."""
        found = [await self.find(name, asker) for name in route.settings.fallback]
        return [stand_in for stand_in in found if stand_in is not None]

    async def models(self, asker: Asker = NOBODY) -> list[ModelInfo]:
        """Return every model that can be used now, and the aliases that lead to one."""
        listings: dict[str, list[ModelInfo]] = {}

        async def ask(provider: str) -> None:
            listings[provider] = await self._list(provider)

        async with anyio.create_task_group() as tasks:
            for provider in self._enabled():
                tasks.start_soon(ask, provider)
        listed = [*await self._embedded.models()]
        local = await anyio.to_thread.run_sync(self._local.listed)
        listed += [_named(model, f"{LOCAL}/{model.id}") for model in local]
        for provider in self._enabled():
            listed += [_named(model, f"{provider}/{model.id}") for model in listings[provider]]
        for lister in self._listers:
            listed += await lister(asker)
        known = {model.id: model for model in listed}
        for alias in self._settings.aliases:
            if (route := await self.find(alias, asker)) and route.served in known:
                listed.append(_named(known[route.served], alias))
        return listed

    def engine(self, provider: str) -> Engine:
        """Return the provider's engine, making it at first use."""
        if provider not in self._engines:
            self._engines[provider] = self._make(provider)
        return self._engines[provider]

    async def preload(self) -> None:
        """Begin to load the local models that are to be there at once."""
        if await anyio.to_thread.run_sync(self._local.preloaded):
            await self._load(LOCAL)
            cast("LlamaEngine", self.engine(LOCAL)).preload()

    async def aclose(self) -> None:
        """Close every engine that was made."""
        for engine in self._engines.values():
            await engine.aclose()

    def not_found(self, name: str) -> ModelNotFound:
        """Return OpenAI's 404 for a model, with the way out."""
        return ModelNotFound(
            f"The model '{name}' does not exist here. GET /v1/models lists what can be used; "
            f"'{self._settings.default_model}' is the default.",
            param="model",
        )

    def _unaliased(self, name: str) -> str:
        while name in self._settings.aliases:
            name = self._settings.aliases[name]
        return name

    def _default(self, kind: ModelKind) -> str:
        if kind == "embedding":
            return self._settings.default_embedding_model
        return self._settings.default_model

    def _of_kind(self, route: Route, kind: ModelKind, name: str | None) -> Route:
        actual = route.engine.capabilities(route.model).kind
        if actual in (None, kind):
            return route
        raise InvalidRequest(
            f"'{name or route.model}' is a model for {actual}, not for {kind}.",
            param="model",
            code="model_kind_mismatch",
        )

    def _route(self, provider: str, offered: str, names: Iterable[str]) -> Route:
        model = offered
        if provider not in (EMBEDDED, LOCAL):
            model = self._settings.providers[provider].models.get(offered, offered)
        names = (*names, f"{provider}/{offered}", offered, f"{provider}/{model}", model)
        own = (self._settings.models[name] for name in names if name in self._settings.models)
        return Route(self.engine(provider), provider, model, next(own, _NO_SETTINGS), offered)

    def _local_model(self, name: str) -> LocalModel | None:
        if file := self._local.find_file(name):
            return file
        return self._local.find(name.removeprefix(f"{LOCAL}/"))

    def _enabled(self) -> list[str]:
        return [
            name
            for name, provider in self._settings.providers.items()
            if provider.enabled and provider.is_usable
        ]

    async def _provider_of(self, name: str) -> str | None:
        """Return the provider that knows the bare `name`: by map, by table, or by its own list."""
        enabled = self._enabled()
        for provider in enabled:
            if name in self._settings.providers[provider].models:
                return provider
        dashscopes = [p for p in enabled if self._settings.providers[p].adapter == "dashscope"]
        if dashscopes and is_known_qwen(name):
            return dashscopes[0]
        for provider in enabled:
            if provider not in dashscopes and name in await self._names(provider):
                return provider
        return self._dashscope() if is_known_qwen(name) else None

    def _dashscope(self) -> str | None:
        """Return the DashScope provider that lacks its key; None where they are switched off."""
        named = (
            name
            for name, provider in self._settings.providers.items()
            if provider.adapter == "dashscope" and provider.enabled
        )
        international = self._settings.providers.get("dashscope")
        if international is None or international.is_usable:
            return None
        return next(named, "dashscope")

    def _siblings(self, name: str) -> dict[str, str] | None:
        """Return the other regions that may see this provider's key; None for DashScope's own.

        A key that is meant for another server never reaches DashScope, nor the other way round.
        """
        official = DASHSCOPE_HOSTS.values()
        if self._settings.providers[name].base_url in official:
            return None
        return {
            other: provider.base_url
            for other, provider in self._settings.providers.items()
            if provider.adapter == "dashscope"
            and other != name
            and provider.base_url not in official
        }

    async def _names(self, provider: str) -> frozenset[str]:
        """Return the names that `provider` listed last; the old list stands while it is away."""
        expires_at, names = self._listed.get(provider, (float("-inf"), frozenset()))
        if time.monotonic() < expires_at:
            return names
        if listed := frozenset(model.id for model in await self._list(provider)):
            self._listed[provider] = (time.monotonic() + _REMEMBERED_S, listed)
        return listed or names

    async def _load(self, provider: str) -> None:
        """Import what the provider's engine needs in a thread, before its first use.

        It takes half a second and more, in which the streams of others would stand still.
        """
        if provider not in self._engines:
            module = "llama.engine" if provider == LOCAL else "dashscope"
            await anyio.to_thread.run_sync(import_module, f"understudy.engines.{module}")

    async def _list(self, provider: str) -> list[ModelInfo]:
        await self._load(provider)
        return await self.engine(provider).models()

    def _make(self, name: str) -> Engine:
        # The SDK behind these costs half a second and 40 MB: nobody pays before the first use.
        if name != LOCAL:
            return self._make_upstream(name, self._settings.providers[name])
        from understudy.engines.llama.engine import LlamaEngine

        return LlamaEngine(self._settings, self._local)

    def _make_upstream(self, name: str, provider: ProviderSettings) -> Engine:
        from understudy.engines.dashscope import DashScopeEngine
        from understudy.engines.upstream import ConnectionSettings, UpstreamEngine

        connection = ConnectionSettings(
            timeouts=self._settings.timeouts,
            retries=self._settings.upstream_retries,
            max_connections=self._settings.upstream_connections,
        )
        if provider.adapter == "dashscope":
            return DashScopeEngine(name, provider, connection, self._siblings(name))
        return UpstreamEngine(name, provider, connection)


def _named(model: ModelInfo, name: str) -> ModelInfo:
    return ModelInfo(name, model.owned_by, model.created, model.kind)
