"""HTTP to one MCP server that a stranger may have named: every connection goes to an address that
was judged, redirects are refused, and what the server sends is counted.

Knows nothing of MCP but that answers carry the id of their request.
"""

import ssl
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import anyio
import httpx2
import msgspec

from understudy.responses.mcp.addresses import ServerUrl
from understudy.responses.mcp.failures import INVALID_ANSWER, ServerFailure


class _Message(msgspec.Struct):
    """What of a message of JSON-RPC is looked at."""

    id: int | str | None = None
    error: dict[str, object] | None = None


@dataclass(slots=True)
class Watch:
    """Ends the use of a server at the first thing that must not be.

    The client behind it logs and repeats what it meets, so a failure is kept here and its scope is
    cancelled.
    """

    limit_bytes: int
    scope: anyio.CancelScope
    failure: ServerFailure | None = None
    refused_with: int | None = None
    """Status of the latest answer, if it was an error that did not say why."""
    _received_bytes: int = 0

    def fail(self, failure: ServerFailure) -> None:
        """End the use of the server; only the first failure counts."""
        if self.failure is None:
            self.failure = failure
            self.scope.cancel()

    def count(self, size_bytes: int) -> None:
        """Count what the server has sent."""
        self._received_bytes += size_bytes
        if self._received_bytes > self.limit_bytes:
            failure = ServerFailure(
                f"The MCP server sent more than {self.limit_bytes} bytes.", code=INVALID_ANSWER
            )
            self.fail(failure)
            raise failure


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Connections to one server, whatever the requests that they carry say."""

    def __init__(
        self,
        url: ServerUrl,
        addresses: Sequence[str],
        watch: Watch,
        verify: ssl.SSLContext | bool,
    ) -> None:
        self._origin = (url.scheme, url.host)
        self._port = url.port
        self._addresses = list(addresses)
        self._watch = watch
        self._inner = httpx2.AsyncHTTPTransport(verify=verify)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` to a pinned address and return the answer, once its head was judged."""
        # Not `url.host`, which shows names as people read them.
        if (request.url.scheme, request.url.raw_host.decode()) != self._origin:
            raise self._failed("The MCP server leads to another host, which is not followed.")
        response = await self._send(request)
        try:
            await self._judge(request, response)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        """Try the addresses in turn; the first that answers is the only one from then on."""
        try:
            while True:
                try:
                    response = await self._inner.handle_async_request(self._pinned(request))
                except (httpx2.ConnectError, httpx2.ConnectTimeout):
                    if len(self._addresses) == 1:
                        raise
                    del self._addresses[0]
                else:
                    del self._addresses[1:]
                    break
        except httpx2.TransportError as error:
            raise self._failed(_why(error)) from error
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_CountedStream(response.stream, self._watch),
            request=request,
        )

    def _pinned(self, request: httpx2.Request) -> httpx2.Request:
        """Return the request for the first address; `Host` and the certificate stay the name's."""
        extensions = {**request.extensions, "sni_hostname": self._origin[1]}
        return httpx2.Request(
            request.method,
            request.url.copy_with(host=self._addresses[0], port=self._port),
            headers=request.headers,
            stream=request.stream,
            extensions=extensions,
        )

    async def _judge(self, request: httpx2.Request, response: httpx2.Response) -> None:
        status = response.status_code
        if 300 <= status < 400:
            raise self._failed(
                f"The MCP server redirects (HTTP {status}), which is not followed: give the URL "
                "that it leads to as 'server_url'."
            )
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise self._failed("The MCP server compressed its answer, though it was asked not to.")
        if request.method != "POST":
            return
        is_json = _media_type(response) == "application/json"
        answer = _message(await self._body(response)) if is_json else None
        if status >= 400:
            # A client of a newer protocol asks first and tries the older one on any error.
            says_why = answer is not None and answer.error is not None
            self._watch.refused_with = None if says_why else status
            return
        self._watch.refused_with = None
        asked = _message(await request.aread())
        if is_json and asked is not None and asked.id is not None:
            self._compare(asked, answer)

    async def _body(self, response: httpx2.Response) -> bytes:
        try:
            return await response.aread()
        except httpx2.TransportError as error:
            raise self._failed(_why(error)) from error

    def _compare(self, asked: _Message, answer: _Message | None) -> None:
        """Refuse an answer that is not to this request: nobody else waits for it."""
        if answer is None:
            raise self._failed("The MCP server sent what is not a message of JSON-RPC.")
        if str(answer.id) != str(asked.id):
            raise self._failed("The MCP server sent an answer to another request.")

    def _failed(self, message: str) -> ServerFailure:
        failure = ServerFailure(message, code=INVALID_ANSWER)
        self._watch.fail(failure)
        return failure


class _CountedStream(httpx2.AsyncByteStream):
    """The body of a response, which the watch counts."""

    def __init__(self, inner: httpx2.AsyncByteStream, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        async for piece in self._inner:
            self._watch.count(len(piece))
            yield piece

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._inner.aclose()


def _message(body: bytes) -> _Message | None:
    """Return a message of JSON-RPC; None for what is none."""
    try:
        return msgspec.json.decode(body, type=_Message)
    except (msgspec.DecodeError, RecursionError):
        return None


def _media_type(response: httpx2.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _why(error: httpx2.TransportError) -> str:
    """Return a sentence for what befell a request; the error's own text may name addresses."""
    match error:
        case httpx2.TimeoutException():
            return "The MCP server could not be reached in time."
        case httpx2.ConnectError() if "CERTIFICATE" in str(error):
            return "The certificate of the MCP server is not valid for its name, or not trusted."
        case httpx2.ConnectError():
            return "The MCP server cannot be reached."
        case httpx2.ProtocolError():
            return "The MCP server sent what is not HTTP."
        case _:
            return "The connection to the MCP server was lost."
