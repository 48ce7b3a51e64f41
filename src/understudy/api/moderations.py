"""`POST /v1/moderations`: a provider's, or an error that says how to get one."""

from typing import Any

from understudy.api.http.exchange import Exchange
from understudy.api.http.hot import HotRoute
from understudy.engines.base import ModerationEngine
from understudy.engines.registry import Registry
from understudy.errors import InvalidValue, UnsupportedParameter
from understudy.settings import Settings
from understudy.wire.base import check_shape
from understudy.wire.moderations import Moderation, ModerationRequestShape


class ModerationsApi:
    """The moderation route of one server."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry = registry
        self._settings = settings

    def routes(self) -> list[HotRoute]:
        """Return the route for the dispatcher."""
        return [
            HotRoute(
                "/v1/moderations",
                self.create,
                "Create moderation",
                ModerationRequestShape,
                Moderation,
                "Needs a provider that moderates: the setting `moderation_model`.",
            )
        ]

    async def create(self, exchange: Exchange) -> None:
        """Answer a moderation request."""
        body = await exchange.read_json()
        shape = check_shape(body, ModerationRequestShape)
        _check_input(shape.input)
        name = (
            shape.model if shape.model and "/" in shape.model else self._settings.moderation_model
        )
        route = await self._registry.find(name) if name else None
        if route is None or not isinstance(engine := route.engine, ModerationEngine):
            raise UnsupportedParameter(
                "No model here moderates. Set moderation_model to a provider's, such as "
                "'openai/omni-moderation-latest' (needs OPENAI_API_KEY).",
                param="model",
                code="moderation_not_available",
            )

        async def answer() -> None:
            moderation = await engine.moderate({**body, "model": route.model})
            await exchange.send_json(moderation, {"x-understudy-model": route.served})

        await exchange.until_disconnect(answer)


def _check_input(value: str | list[Any]) -> None:
    if isinstance(value, str):
        return
    is_texts = all(isinstance(item, str) for item in value)
    is_parts = all(isinstance(item, dict) and "type" in item for item in value)
    if not value or not (is_texts or is_parts):
        raise InvalidValue("input", "expected a string, strings, or parts with a type")
