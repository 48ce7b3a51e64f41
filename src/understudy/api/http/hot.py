"""The dispatcher in front of FastAPI, for the routes that programs call all day."""

from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from understudy.api.http.exchange import Exchange, Handler

_ENGINES = "/v1/engines/"


@dataclass(frozen=True, slots=True)
class HotRoute:
    """A POST route and what the OpenAPI document says of it."""

    path: str
    handler: Handler
    summary: str
    request: type
    answer: type
    description: str = ""
    by_engine: bool = False
    """Whether openai 0.28 also reaches it as `/v1/engines/{engine}/...`."""


class HotRoutes:
    """Calls the handler of a hot route, and FastAPI for everything else."""

    def __init__(self, app: ASGIApp, routes: list[HotRoute]) -> None:
        self._app = app
        self._handlers: dict[str, Handler] = {route.path: route.handler for route in routes}
        self._engine_suffixes = [
            route.path.removeprefix("/v1") for route in routes if route.by_engine
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        handler = self._handlers.get(scope["path"]) or self._engine_route(scope)
        if handler is None:
            await self._app(scope, receive, send)
            return
        await handler(Exchange(scope, receive, send))

    def _engine_route(self, scope: Scope) -> Handler | None:
        """Find `/v1/engines/{engine}/...` of openai 0.28, where the path names the model."""
        path: str = scope["path"]
        if not path.startswith(_ENGINES):
            return None
        for suffix in self._engine_suffixes:
            if path.endswith(suffix):
                scope["engine_in_path"] = path[len(_ENGINES) : -len(suffix)]
                return self._handlers.get(f"/v1{suffix}")
        return None
