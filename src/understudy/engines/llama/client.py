"""The HTTP client of one child: the upstream adapter, made to honour every parameter of a chat.

What that takes is decided by pure modules; here the child is asked, in turn where it has fewer
slots than choices are wanted. Importing this module costs half a second, as the adapter does.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Final

import anyio
import msgspec
from pydantic import SecretStr

from understudy.engines.answers import prompt_characters
from understudy.engines.llama.answers import AnswerReader, LlamaNormaliser, groups, total
from understudy.engines.llama.failures import LOCAL
from understudy.engines.llama.forced_calls import (
    in_words_of_the_request,
    with_calls_as_json,
    writes_calls_as_json,
)
from understudy.engines.llama.requests import llama_request
from understudy.engines.llama.texts import TextReader, text_calls, whole_answer
from understudy.engines.normalise import StreamNormaliser
from understudy.engines.server_sent_events import ServerSentEvent
from understudy.engines.upstream import ConnectionSettings, UpstreamEngine
from understudy.errors import InvalidRequest, ProviderRefused
from understudy.settings import TimeoutSettings
from understudy.settings.providers import ProviderSettings
from understudy.wire.chat import ChatChunk, ChatRequest, Usage
from understudy.wire.embeddings import Embeddings, EmbeddingsRequest

_MOST_CONNECTIONS: Final = 10_000
"""More would wait here instead of in the engine's queue."""
_SCHEMA_REFUSED: Final = "JSON schema error"


class ChildClient(UpstreamEngine):
    """Speaks to the engine of one model, which makes as many choices at a time as it has slots."""

    def __init__(self, url: str, key: str, timeouts: TimeoutSettings, slots: int) -> None:
        provider = ProviderSettings(base_url=f"{url}/v1", key=SecretStr(key), requires_key=True)
        # What failed once on this machine fails again, and repeats would hide it.
        connection = ConnectionSettings(timeouts, retries=0, max_connections=_MOST_CONNECTIONS)
        super().__init__(LOCAL, provider, connection)
        self.url = url
        self._slots = slots
        # Each slot at work, and the next text at hand.
        self._embedding = anyio.CapacityLimiter(slots + 1)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer's chunks; the last one has no choices and carries `usage`."""
        body = llama_request(request)
        if writes_calls_as_json(request):
            body = with_calls_as_json(body)
        counted: list[Usage] = []
        head: ChatChunk | None = None
        for first_index, part in groups(body, self._slots):
            reader = AnswerReader(request, part["n"] or 1)
            with _schema_refusals(request):
                async with aclosing(super().stream(part)) as chunks:
                    async for chunk in chunks:
                        head = head or chunk
                        if sent := reader.read(chunk):
                            yield _numbered(sent, head, first_index)
                        if reader.is_over:
                            break
            counted.append(reader.usage)
        if head is not None:
            yield msgspec.structs.replace(head, choices=[], usage=total(counted))

    async def complete_text(self, request: dict[str, object]) -> dict[str, object]:
        """Return a whole `text_completion`."""
        async with aclosing(self.stream_text(request)) as chunks:
            return whole_answer([chunk async for chunk in chunks])

    async def stream_text(
        self, request: dict[str, object]
    ) -> AsyncGenerator[dict[str, object], None]:
        """Yield the chunks of a `text_completion`, text by text; the last one carries `usage`."""
        reader = TextReader(request)
        for call in text_calls(request):
            reader.begin(call)
            async with aclosing(super().stream_text(call.body)) as chunks:
                async for chunk in chunks:
                    if sent := reader.read(chunk):
                        yield sent
                    if reader.has_stopped:
                        break
            reader.end()
        yield reader.finish()

    async def embed(self, request: EmbeddingsRequest) -> Embeddings:
        """Return one vector per input, in the order of the inputs."""
        # llama.cpp finishes what it was given, whoever goes away: what waits, waits here.
        async with self._embedding:
            return await super().embed(request)

    @asynccontextmanager
    async def _events(
        self, path: str, body: Mapping[str, object]
    ) -> AsyncGenerator[AsyncGenerator[list[ServerSentEvent], None], None]:
        # llama.cpp finds out that nobody listens when it writes: let it write while it reads the
        # prompt.
        async with super()._events(path, {**body, "return_progress": True}) as batches:
            yield batches

    def _normaliser(self, request: ChatRequest) -> StreamNormaliser:
        return LlamaNormaliser(request["model"], prompt_characters(request), request.get("n") or 1)


def _numbered(chunk: ChatChunk, head: ChatChunk, first_index: int) -> ChatChunk:
    """Return a chunk of a later group as one of the whole answer."""
    if not first_index:
        return chunk
    for choice in chunk.choices:
        choice.index += first_index
    return msgspec.structs.replace(chunk, id=head.id, created=head.created)


@contextmanager
def _schema_refusals(request: ChatRequest) -> Iterator[None]:
    """Say which field holds the schema that llama.cpp does not take."""
    try:
        yield
    except ProviderRefused as error:
        if _SCHEMA_REFUSED not in error.message:
            raise
        param = "tools" if request.get("tools") else "response_format.json_schema.schema"
        said = error.message.partition(_SCHEMA_REFUSED)[2].strip()
        reason = in_words_of_the_request(said, request)
        raise InvalidRequest(
            f"Invalid schema for '{param}': {reason.removeprefix('at ')}",
            param=param,
            code="invalid_json_schema",
        ) from error
