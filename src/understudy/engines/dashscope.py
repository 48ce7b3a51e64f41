"""Alibaba Cloud's DashScope (Qwen) in its OpenAI-compatible mode, repaired where it is not.

The pure repairs are in `dashscope_repairs`; here are those that take more calls than one.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager

import anyio
import anyio.to_thread
import httpx2
import msgspec
from openai import APIConnectionError, APIStatusError

from understudy.engines.base import AudioForm, AudioTask, Capabilities, MediaAnswer, ModelInfo
from understudy.engines.collect import Collector
from understudy.engines.dashscope_audio import (
    no_speech,
    transcription_answer,
    transcription_request,
)
from understudy.engines.dashscope_repairs import must_stream, repaired
from understudy.engines.provider_errors import wrong_region
from understudy.engines.qwen import LISTED, qwen_model
from understudy.engines.transport import BodyBroken
from understudy.engines.upstream import ConnectionSettings, UpstreamEngine
from understudy.errors import (
    ProviderKeyRejected,
    ProviderRefused,
    UnderstudyError,
    UnsupportedParameter,
)
from understudy.settings.providers import DASHSCOPE_HOSTS, ProviderSettings
from understudy.wire.chat import ChatChunk, ChatCompletion, ChatRequest
from understudy.wire.embeddings import Embeddings, EmbeddingsRequest

_EMPTY_CALL = {"model": "qwen-flash", "messages": []}
"""Refused as invalid where the key is accepted; costs nothing and carries nothing of the user's."""


class DashScopeEngine(UpstreamEngine):
    """Answers with the Qwen models of one DashScope region.

    `siblings` maps the provider names of the other regions to their base URLs. By default they are
    known when `provider` is at one of DashScope's own hosts: a key is sent to no other place.
    """

    def __init__(
        self,
        name: str,
        provider: ProviderSettings,
        connection: ConnectionSettings,
        siblings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, provider, connection)
        self.siblings = _siblings_of(provider.base_url) if siblings is None else siblings

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer's chunks; the last one has no choices and carries `usage`."""
        body = repaired(request, qwen_model(request["model"]))
        async with aclosing(super().stream(body)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def complete(self, request: ChatRequest) -> ChatCompletion:
        """Return the whole answer, put together from a stream where DashScope demands one."""
        model = qwen_model(request["model"])
        body = repaired(request, model)
        if not must_stream(body, model):
            return await super().complete(body)
        collector = Collector()
        async with aclosing(super().stream(body)) as chunks:
            async for chunk in chunks:
                collector.add(chunk)
        return collector.completion()

    async def embed(self, request: EmbeddingsRequest) -> Embeddings:
        """Return one vector per input, asking as often as the limit of inputs demands."""
        texts = request["input"]
        if any(not isinstance(text, str) for text in texts):
            raise UnsupportedParameter(
                f"Provider '{self.name}' embeds text, not token ids: send strings as input.",
                param="input",
            )
        size = qwen_model(request["model"]).inputs_per_call
        parts = [texts[start : start + size] for start in range(0, len(texts), size)]
        answers = [
            await super(DashScopeEngine, self).embed({**request, "input": part}) for part in parts
        ]
        return Embeddings(
            model=answers[0].model,
            vectors=[vector for answer in answers for vector in answer.vectors],
            prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        )

    @asynccontextmanager
    async def speak(self, request: Mapping[str, object]) -> AsyncGenerator[MediaAnswer, None]:
        """Refuse: there is no speech in the compatible mode."""
        raise no_speech(self.name)
        yield

    @asynccontextmanager
    async def transcribe(
        self, task: AudioTask, form: AudioForm
    ) -> AsyncGenerator[MediaAnswer, None]:
        """Open the answer to a recording, which the compatible mode takes in a chat request."""
        request = await anyio.to_thread.run_sync(transcription_request, task, form)
        content_type, body = transcription_answer(await super().complete(request), form)

        async def pieces() -> AsyncGenerator[bytes, None]:
            yield body

        async with aclosing(pieces()) as only:
            yield MediaAnswer(content_type, only)

    async def models(self) -> list[ModelInfo]:
        """Return the known models, without asking: a key is what it takes to use them."""
        if not self._is_usable:
            return []
        names = self._provider.models or LISTED
        own = self._provider.models
        return [
            ModelInfo(name, "alibaba", 0, qwen_model(own.get(name, name)).kind) for name in names
        ]

    def _known_capabilities(self, model: str) -> Capabilities:
        return qwen_model(model).capabilities

    async def _ping(self) -> None:
        """Make a call that is refused only because it is empty; not every region lists models."""
        try:
            with self._limited("answering"):
                await self._post("/chat/completions", _EMPTY_CALL)
        except ProviderRefused:
            return

    async def _explain(self, error: UnderstudyError) -> UnderstudyError:
        """Tell a key of another region from a wrong one: ask the other regions, once each."""
        if not isinstance(error, ProviderKeyRejected) or self._identity.key is None:
            return error
        for name, base_url in self.siblings.items():
            if await self._is_accepted_at(base_url):
                return wrong_region(self._identity, name, base_url)
        return error

    async def _is_accepted_at(self, base_url: str) -> bool:
        client = self._new_client(base_url)
        try:
            with anyio.fail_after(self._connection.timeouts.list_models_s):
                await client.post(
                    "/chat/completions",
                    content=msgspec.json.encode(_EMPTY_CALL),
                    cast_to=httpx2.Response,
                    options={"headers": self._headers(), "max_retries": 0},
                )
        except APIStatusError as error:
            return error.status_code not in (401, 403) and error.status_code < 500
        except (APIConnectionError, BodyBroken, TimeoutError):
            return False
        finally:
            with anyio.CancelScope(shield=True):
                await client.close()
        return True


def _siblings_of(base_url: str) -> dict[str, str]:
    if base_url not in DASHSCOPE_HOSTS.values():
        return {}
    return {name: url for name, url in DASHSCOPE_HOSTS.items() if url != base_url}
