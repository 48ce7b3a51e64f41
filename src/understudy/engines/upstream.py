"""Any OpenAI-compatible server as an engine, through `AsyncOpenAI` at the level of bytes.

The SDK brings authentication, retries and error classes; decoding and normalising are ours.
Importing this module costs half a second, so only `registry` does, and late.
"""

import functools
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict, TypeVar

import anyio
import httpx2
import msgspec
import openai
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient

from understudy.engines import provider_errors as failures
from understudy.engines.answers import plain_answer, prompt_characters
from understudy.engines.base import (
    AudioForm,
    AudioTask,
    Capabilities,
    MediaAnswer,
    ModelInfo,
    ModelKind,
)
from understudy.engines.decode import (
    MalformedAnswer,
    RawAnswer,
    RawModel,
    decode_answer,
    decode_embeddings,
    decode_models,
    decode_object,
)
from understudy.engines.event_batches import event_batches
from understudy.engines.listed_models import kind_by_name, model_info
from understudy.engines.normalise import StreamNormaliser
from understudy.engines.probe import Probe, ProbeState, probe_of_error
from understudy.engines.provider_errors import ProviderAnswer, ProviderIdentity
from understudy.engines.request_bodies import plain_body, streamed_body
from understudy.engines.server_sent_events import ServerSentEvent
from understudy.engines.text_completions import TextNormaliser, whole_text
from understudy.engines.transport import (
    BODY,
    BodyBroken,
    BodyTimeout,
    ProviderTransport,
    ResponseBody,
)
from understudy.engines.vectors import embeddings_of
from understudy.errors import (
    ProviderFailed,
    StreamBroken,
    UnderstudyError,
    UnsupportedParameter,
)
from understudy.settings import TimeoutSettings
from understudy.settings.providers import ProviderSettings
from understudy.wire.chat import ChatChunk, ChatCompletion, ChatRequest
from understudy.wire.embeddings import Embeddings, EmbeddingsRequest

_T = TypeVar("_T")
_LISTED_FOR_S: Final = 60.0
_AWAY_FOR_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How every provider is called."""

    timeouts: TimeoutSettings
    retries: int
    max_connections: int

    @property
    def attempts(self) -> int:
        """How often a call is made before it is given up."""
        return 1 + self.retries


class _Sent(TypedDict, total=False):
    """The body of a request in the SDK's words: bytes, or a form."""

    content: bytes
    body: dict[str, object]
    files: list[tuple[str, tuple[str, bytes]]]


class _Client(AsyncOpenAI):
    """The SDK's client without what it would take from the environment or tell of this machine."""

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        return {"Accept": "application/json", "User-Agent": "understudy"}

    @functools.cached_property
    def _urls(self) -> dict[str, httpx2.URL]:
        """The whole URL of each path called so far: a handful, and making one costs 0.1 ms."""
        return {}

    def _prepare_url(self, url: str) -> httpx2.URL:
        if url not in self._urls:
            self._urls[url] = super()._prepare_url(url)
        return self._urls[url]


class _ByteStream(AsyncStream[bytes]):
    """A response body as it arrives, where the SDK would decode events."""

    def __stream__(self) -> AsyncGenerator[bytes, None]:
        if "content-encoding" in self.response.headers:
            return self.response.aiter_bytes()
        body: ResponseBody = self.response.extensions[BODY]
        return body.__aiter__()


@functools.cache
def _complete_server(kind: ModelKind | None) -> Capabilities:
    return Capabilities(kind=kind)


class UpstreamEngine:
    """Answers with the models of one OpenAI-compatible server."""

    def __init__(
        self, name: str, provider: ProviderSettings, connection: ConnectionSettings
    ) -> None:
        self.name = name
        self._provider = provider
        self._connection = connection
        self._identity = ProviderIdentity(
            name=name,
            base_url=provider.base_url,
            key_variable=provider.key_variable,
            key=provider.key.get_secret_value().strip() or None if provider.key else None,
        )
        self._overrides: dict[str, Any] = provider.capabilities.model_dump(exclude_none=True)
        self._client: AsyncOpenAI | None = None
        self._listed: list[ModelInfo] = []
        self._listed_until = float("-inf")
        self._listing = anyio.Lock()

    def capabilities(self, model: str) -> Capabilities:
        """Return what `model` can do: the settings' word, else that of a complete server."""
        known = self._known_capabilities(model)
        return replace(known, **self._overrides) if self._overrides else known

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer's chunks; the last one has no choices and carries `usage`."""
        normaliser = self._normaliser(request)
        try:
            async with self._events("/chat/completions", streamed_body(request)) as batches:
                async for batch in batches:
                    for event in batch:
                        if chunk := normaliser.take(self._chunk(event)):
                            yield chunk
        except BodyBroken as error:
            if not normaliser.is_finished:
                raise self._of_broken_body(error) from error
        if not normaliser.is_finished:
            raise failures.broken(self._identity, "it ended without a finish reason")
        for chunk in normaliser.finish():
            yield chunk

    async def complete(self, request: ChatRequest) -> ChatCompletion:
        """Return the whole answer."""
        body = await self._post("/chat/completions", plain_body(request))

        def read(body: bytes) -> ChatCompletion | None:
            raw = decode_answer(body)
            self._refuse_reported(raw.error)
            return plain_answer(raw, request)

        return self._read(body, read)

    async def complete_text(self, request: dict[str, object]) -> dict[str, object]:
        """Return a whole `text_completion`."""
        body = await self._post("/completions", plain_body(request))
        return self._read(body, lambda b: whole_text(self._object(b), request.get("prompt")))

    async def stream_text(
        self, request: dict[str, object]
    ) -> AsyncGenerator[dict[str, object], None]:
        """Yield the chunks of a `text_completion`; the last has no choices and carries `usage`."""
        normaliser = TextNormaliser(request.get("prompt"))
        try:
            async with self._events("/completions", streamed_body(request)) as batches:
                async for batch in batches:
                    for event in batch:
                        if chunk := self._text_chunk(event, normaliser):
                            yield chunk
        except BodyBroken as error:
            if not normaliser.is_finished:
                raise self._of_broken_body(error) from error
        if not normaliser.is_finished:
            raise failures.broken(self._identity, "it ended without a finish reason")
        yield normaliser.finish()

    async def embed(self, request: EmbeddingsRequest) -> Embeddings:
        """Return one vector per input, in the order of the inputs."""
        wanted = {**plain_body(request), "encoding_format": "float"}
        body = await self._post("/embeddings", wanted)
        return self._read(body, lambda b: embeddings_of(decode_embeddings(b), request))

    async def moderate(self, request: dict[str, object]) -> dict[str, object]:
        """Return the provider's moderation answer."""
        body = await self._post("/moderations", plain_body(request))
        answer = self._read(body, self._object)
        if "results" not in answer:
            raise failures.senseless(self._identity, body)
        return answer

    @asynccontextmanager
    async def speak(self, request: Mapping[str, object]) -> AsyncGenerator[MediaAnswer, None]:
        """Open the answer to a request for speech."""
        sent = _Sent(content=msgspec.json.encode(plain_body(request)))
        async with self._media("/audio/speech", sent) as answer:
            yield answer

    @asynccontextmanager
    async def transcribe(
        self, task: AudioTask, form: AudioForm
    ) -> AsyncGenerator[MediaAnswer, None]:
        """Open the answer to a request for the words of a recording."""
        file = (form.filename, await anyio.Path(form.path).read_bytes())
        sent = _Sent(body=dict(form.fields), files=[("file", file)])
        async with self._media(f"/audio/{task}", sent) as answer:
            yield answer

    async def models(self) -> list[ModelInfo]:
        """Return the models that can be used now; a list is remembered for a minute."""
        if not self._is_usable:
            return []
        if own := self._provider.models:
            return [replace(model_info(RawModel(own[name]), self.name), id=name) for name in own]
        async with self._listing:
            if time.monotonic() >= self._listed_until:
                await self._list()
        return self._listed

    async def probe(self) -> Probe:
        """Ask the provider whether it can be used and return what came of it, with the remedy."""
        try:
            await self._ping()
        except UnderstudyError as error:
            return probe_of_error(error)
        return Probe(ProbeState.READY, f"answers at {self._provider.base_url}")

    async def aclose(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _ping(self) -> None:
        """Make a call that costs nothing; raises the ProviderError that a real one would meet."""
        await self._models()

    @property
    def _is_usable(self) -> bool:
        return self._identity.key is not None or not self._provider.requires_key

    def _known_capabilities(self, model: str) -> Capabilities:
        return _complete_server(kind_by_name(model))

    def _normaliser(self, request: ChatRequest) -> StreamNormaliser:
        return StreamNormaliser(request["model"], prompt_characters(request), request.get("n") or 1)

    async def _explain(self, error: UnderstudyError) -> UnderstudyError:
        """Return the error to raise for `error`; an adapter may find out more."""
        return error

    def _chunk(self, event: ServerSentEvent) -> RawAnswer:
        try:
            raw = decode_answer(event.data)
        except MalformedAnswer as error:
            raise self._of_malformed(event) from error
        if raw.error or event.name == b"error":
            raise self._of_report(raw.error or _text(event), StreamBroken)
        return raw

    def _text_chunk(self, event: ServerSentEvent, text: TextNormaliser) -> dict[str, Any] | None:
        try:
            chunk = decode_object(event.data)
            if (said := chunk.get("error")) or event.name == b"error":
                raise self._of_report(said or _text(event), StreamBroken)
            return text.take(chunk)
        except MalformedAnswer as error:
            raise self._of_malformed(event) from error

    def _object(self, body: bytes) -> dict[str, Any]:
        answer = decode_object(body)
        self._refuse_reported(answer.get("error"))
        return answer

    def _refuse_reported(self, said: Any) -> None:
        """Raise what an `error` within a success means."""
        if said:
            raise self._of_report(said, ProviderFailed)

    def _read(self, body: bytes, read: Callable[[bytes], _T | None]) -> _T:
        """Return what `read` makes of a body; raises ProviderFailed where that is nothing."""
        try:
            made = read(body)
        except MalformedAnswer as error:
            raise failures.senseless(self._identity, body) from error
        if made is None:
            raise failures.senseless(self._identity, body)
        return made

    async def _post(self, path: str, body: Mapping[str, object]) -> bytes:
        stream = await self._send(path, body, self._headers())
        try:
            async with self._translated(), aclosing(stream.__stream__()) as pieces:
                return b"".join([piece async for piece in pieces])
        finally:
            await stream.close()

    @asynccontextmanager
    async def _events(
        self, path: str, body: Mapping[str, object]
    ) -> AsyncGenerator[AsyncGenerator[list[ServerSentEvent], None], None]:
        """Open a stream; leaving it closes the connection unless it was read to its end."""
        stream = await self._send(path, body, {**self._headers(), "Accept-Encoding": "identity"})
        content_type = stream.response.headers.get("content-type", "")
        try:
            async with (
                aclosing(stream.__stream__()) as pieces,
                aclosing(event_batches(pieces, content_type)) as batches,
            ):
                yield batches
        finally:
            await stream.close()

    @asynccontextmanager
    async def _media(self, path: str, sent: _Sent) -> AsyncGenerator[MediaAnswer, None]:
        """Open an answer that goes through as it is; leaving it unread closes the connection."""
        headers = {**self._headers(), "Accept": "*/*", "Accept-Encoding": "identity"}
        if "files" in sent:
            headers["Content-Type"] = "multipart/form-data"  # the SDK adds the boundary
        try:
            stream = await self._send_as(path, sent, headers)
        except ProviderFailed as error:
            if not isinstance(error.__cause__, openai.NotFoundError):
                raise
            raise UnsupportedParameter(
                f"Provider '{self.name}' at {self._provider.base_url} has no {path}: name a model "
                "of another provider, or one of this server's own.",
                param="model",
            ) from error
        try:
            async with aclosing(self._pieces(stream)) as pieces:
                received = stream.response.headers.get("content-type", "")
                yield MediaAnswer(received or "application/octet-stream", pieces)
        finally:
            await stream.close()

    async def _pieces(self, stream: _ByteStream) -> AsyncGenerator[bytes, None]:
        async with self._translated(), aclosing(stream.__stream__()) as pieces:
            async for piece in pieces:
                yield piece

    async def _send(
        self, path: str, body: Mapping[str, object], headers: Mapping[str, str | openai.Omit]
    ) -> _ByteStream:
        return await self._send_as(path, _Sent(content=msgspec.json.encode(body)), headers)

    async def _send_as(
        self, path: str, sent: _Sent, headers: Mapping[str, str | openai.Omit]
    ) -> _ByteStream:
        """Send a request; the answer is read through our own body, plain ones too.

        What the SDK and httpx2 do to read a plain body costs a twentieth of the whole call.
        """
        client = self._open()
        async with self._translated(self._connection.attempts):
            return await client.post(
                path,
                **sent,
                cast_to=bytes,
                options={"headers": headers},
                stream=True,
                stream_cls=_ByteStream,
            )

    async def _list(self) -> None:
        try:
            found = await self._models()
        except UnderstudyError:
            self._listed, self._listed_until = [], time.monotonic() + _AWAY_FOR_S
        else:
            self._listed = [model_info(model, self.name) for model in found]
            self._listed_until = time.monotonic() + _LISTED_FOR_S

    async def _models(self) -> list[RawModel]:
        client = self._open()
        with self._limited("listing its models"):
            async with self._translated():
                response = await client.get(
                    "/models",
                    cast_to=httpx2.Response,
                    options={"headers": self._headers(), "max_retries": 0},
                )
        return self._read(response.content, lambda b: decode_models(b).data or [])

    @contextmanager
    def _limited(self, phase: str) -> Iterator[None]:
        """Bound a call that users wait for without having asked for it."""
        limit_s = self._connection.timeouts.list_models_s
        try:
            with anyio.fail_after(limit_s):
                yield
        except TimeoutError as error:
            raise failures.timed_out(self._identity, phase, "list_models_s", limit_s) from error

    def _headers(self) -> dict[str, str | openai.Omit]:
        key = self._identity.key
        return {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {key}" if key else openai.omit,
            "X-Stainless-Retry-Count": openai.omit,
            "X-Stainless-Read-Timeout": openai.omit,
        }

    def _open(self) -> AsyncOpenAI:
        """Return the client, making it within the running loop; raises ProviderKeyMissing."""
        if not self._is_usable:
            raise failures.key_missing(self._identity)
        if not (self._identity.key or "").isascii():
            raise failures.key_unusable(self._identity)
        if self._client is None:
            self._client = self._new_client(self._provider.base_url)
        return self._client

    def _new_client(self, base_url: str) -> AsyncOpenAI:
        timeouts = self._connection.timeouts
        return _Client(
            api_key=self._identity.key or "none",
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            base_url=base_url,
            max_retries=self._connection.retries,
            timeout=httpx2.Timeout(timeouts.read_s, connect=timeouts.connect_s),
            http_client=DefaultAioHttpClient(
                transport=ProviderTransport(base_url, timeouts, self._connection.max_connections),
                follow_redirects=False,
                trust_env=False,
            ),
        )

    @asynccontextmanager
    async def _translated(self, attempts: int = 1) -> AsyncGenerator[None, None]:
        """Turn what the SDK and the transport raise after this many attempts into our errors."""
        try:
            yield
        except openai.APIStatusError as error:
            answer = ProviderAnswer(
                error.status_code, error.response.headers, error.response.content
            )
            raise await self._explain(failures.error_from_answer(self._identity, answer)) from error
        except openai.APIConnectionError as error:
            raise self._of_lost_connection(error, attempts) from error
        except BodyBroken as error:
            raise self._of_broken_body(error) from error

    def _of_lost_connection(
        self, error: openai.APIConnectionError, attempts: int
    ) -> UnderstudyError:
        timeouts = self._connection.timeouts
        match error.__cause__:
            case httpx2.PoolTimeout():
                phase = "waiting for a free connection", "pool_s", timeouts.pool_s
            case httpx2.ConnectTimeout():
                phase = "connecting", "connect_s", timeouts.connect_s
            case httpx2.TimeoutException():
                phase = "waiting for its answer", "read_s", timeouts.read_s
            case cause:
                return failures.unreachable(self._identity, str(cause or error))
        return failures.timed_out(self._identity, *phase, attempts)

    def _of_broken_body(self, error: BodyBroken) -> UnderstudyError:
        if isinstance(error, BodyTimeout):
            limit_s = self._connection.timeouts.read_s
            return failures.timed_out(
                self._identity, "the silence within its answer", "read_s", limit_s
            )
        return failures.broken(self._identity, str(error) or "the connection was lost")

    def _of_report(self, said: Any, otherwise: type[ProviderFailed]) -> UnderstudyError:
        return failures.reported_error(self._identity, said, otherwise)

    def _of_malformed(self, event: ServerSentEvent) -> UnderstudyError:
        text = _text(event)
        if event.name == b"error":
            return self._of_report(text, StreamBroken)
        if text.lstrip().startswith("<"):
            return failures.senseless(self._identity, event.data)
        return failures.broken(self._identity, f"it sent something that is no chunk: {text!r}")


def _text(event: ServerSentEvent) -> str:
    return event.data.decode("utf-8", "replace")
