"""`POST /v1/chat/completions`, plain and streamed."""

import logging

import msgspec

from understudy.api.http.events import EventStream
from understudy.api.http.exchange import Exchange
from understudy.api.http.hot import HotRoute
from understudy.chat.completion import ChatCompletions
from understudy.chat.recording import Recording, record
from understudy.engines.registry import Asker
from understudy.settings import Settings
from understudy.store.chat_completions import StoredChatCompletions
from understudy.store.storage import Storage
from understudy.wire.chat import ChatCompletion, ChatRequest, ChatRequestShape

logger = logging.getLogger(__name__)


class ChatApi:
    """The chat route of one server."""

    def __init__(self, completions: ChatCompletions, settings: Settings, storage: Storage) -> None:
        self._completions = completions
        self._settings = settings
        self._storage = storage

    def routes(self) -> list[HotRoute]:
        """Return the route for the dispatcher."""
        return [
            HotRoute(
                "/v1/chat/completions",
                self.create,
                "Create chat completion",
                ChatRequestShape,
                ChatCompletion,
                "With `stream: true` the answer is a stream of `chat.completion.chunk` events.",
                by_engine=True,
            )
        ]

    async def create(self, exchange: Exchange) -> None:
        """Answer a chat request."""
        body = exchange.with_model(await exchange.read_json())
        prepared = await self._completions.prepare(body, Asker(exchange.scope["caller"].project_id))
        self._log_content("chat request", prepared.request)
        recording = self._recording(exchange, body)

        async def answer() -> None:
            if prepared.request.get("stream"):
                events = EventStream(exchange, self._settings.heartbeat_s)
                await events.answer(self._completions.stream(prepared, recording))
                return
            completion, answered = await self._completions.complete(prepared)
            self._log_content("chat answer", completion)
            if recording is not None:
                recording.sign(completion)
                await recording.keep(completion)
            await exchange.send_json(completion, answered.headers)

        await exchange.until_disconnect(answer)

    def _recording(self, exchange: Exchange, request: ChatRequest) -> Recording | None:
        if not request.get("store"):
            return None
        project_id = exchange.scope["caller"].project_id
        return record(StoredChatCompletions(self._storage.database, project_id), request)

    def _log_content(self, message: str, content: object) -> None:
        if self._settings.log_content:
            logger.info(message, extra={"content": msgspec.to_builtins(content)})
