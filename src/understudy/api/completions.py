"""`POST /v1/completions`, plain and streamed."""

from understudy.api.http.events import EventStream
from understudy.api.http.exchange import Exchange
from understudy.api.http.hot import HotRoute
from understudy.chat.text import TextCompletions
from understudy.engines.registry import Asker
from understudy.settings import Settings
from understudy.wire.completions import CompletionRequestShape, TextCompletion


class CompletionsApi:
    """The text completion route of one server."""

    def __init__(self, completions: TextCompletions, settings: Settings) -> None:
        self._completions = completions
        self._settings = settings

    def routes(self) -> list[HotRoute]:
        """Return the route for the dispatcher."""
        return [
            HotRoute(
                "/v1/completions",
                self.create,
                "Create completion (legacy)",
                CompletionRequestShape,
                TextCompletion,
                "On models that only chat the prompt is sent as one user message.",
                by_engine=True,
            )
        ]

    async def create(self, exchange: Exchange) -> None:
        """Answer a text completion request."""
        body = exchange.with_model(await exchange.read_json())
        prepared = await self._completions.prepare(body, Asker(exchange.scope["caller"].project_id))

        async def answer() -> None:
            if prepared.shape.stream:
                events = EventStream(exchange, self._settings.heartbeat_s)
                await events.answer(self._completions.stream(prepared))
                return
            completion, answered = await self._completions.complete(prepared)
            await exchange.send_json(completion, answered.headers)

        await exchange.until_disconnect(answer)
