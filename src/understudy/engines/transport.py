"""HTTP to one provider over aiohttp, as the httpx2 transport that the SDK's client takes.

The SDK's own aiohttp transport reports a lost connection as a connect timeout and never repeats a
POST. This one tells the phases of a timeout apart, repeats a request at once on a fresh connection
when a reused one died before any response byte, and lets nobody repeat it after that.
"""

import asyncio
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final, Literal
from urllib.parse import urlsplit

import aiohttp
import httpx2
from yarl import URL

from understudy.settings import LOOPBACK_NAMES, TimeoutSettings

Phase = Literal["pool", "connect", "read"]

BODY: Final = "understudy.body"
"""Response extension that holds the ResponseBody: streams read it without httpx2's layers, which
cost more than the rest of a chunk."""

_KEEP_ALIVE_S: Final = 55.0
"""Below the minute after which load balancers drop idle connections; people type slowly."""
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)
"""The phases are bounded by `_Attempt` and `_SilenceWatch`."""
_LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)
_TIMEOUTS: Mapping[Phase, type[httpx2.TimeoutException]] = {
    "pool": httpx2.PoolTimeout,
    "connect": httpx2.ConnectTimeout,
    "read": httpx2.ReadTimeout,
}


class BodyBroken(Exception):
    """The response body ended before its end. No httpx2 error, since the SDK repeats on those."""


class BodyTimeout(BodyBroken):
    """The provider fell silent within the response body."""


@dataclass(slots=True)
class _Attempt:
    """What is known of one attempt to send a request, filled in by aiohttp's trace signals."""

    timeouts: TimeoutSettings
    deadline: asyncio.Timeout
    phase: Phase = "connect"
    is_reused: bool = False

    def enter(self, phase: Phase, limit_s: float) -> None:
        """Start `phase`, which may last `limit_s`."""
        self.phase = phase
        self.deadline.reschedule(asyncio.get_running_loop().time() + limit_s)


class ProviderTransport(httpx2.AsyncBaseTransport):
    """Keeps connections to one provider. Made and used within one event loop."""

    def __init__(self, base_url: str, timeouts: TimeoutSettings, max_connections: int) -> None:
        self._timeouts = timeouts
        self._max_connections = max_connections
        self._proxy = proxy_for(base_url)
        self._ssl = httpx2.create_ssl_context() if base_url.startswith("https:") else None
        self._session = self._new_session(keeps_connections=True)
        self._fresh_session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` and return the response as soon as its head is there."""
        await request.aread()  # a form is not in memory yet, and may have to be sent again
        reused = await self._send(self._session, request)
        if reused is not None:
            return reused
        if self._fresh_session is None:
            self._fresh_session = self._new_session(keeps_connections=False)
        fresh = await self._send(self._fresh_session, request)
        if fresh is None:
            raise httpx2.RemoteProtocolError("The connection was closed before it answered.")
        return fresh

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()
        if self._fresh_session is not None:
            await self._fresh_session.close()

    async def _send(
        self, session: aiohttp.ClientSession, request: httpx2.Request
    ) -> httpx2.Response | None:
        """Return the response, or None when a reused connection died before any byte of one."""
        deadline = asyncio.timeout(None)
        attempt = _Attempt(self._timeouts, deadline)
        try:
            async with deadline:
                response = await session.request(
                    request.method,
                    URL(str(request.url), encoded=True),
                    headers=request.headers.multi_items(),
                    data=request.content or None,
                    allow_redirects=False,
                    timeout=_NO_TIMEOUT,
                    proxy=self._proxy,
                    trace_request_ctx=attempt,
                )
        except TimeoutError as error:
            raise _TIMEOUTS[attempt.phase](str(error), request=request) from error
        except _LOST as error:
            if _began_to_answer(error):
                raise BodyBroken("it closed the connection within its response head") from error
            if attempt.is_reused:
                return None
            raise httpx2.ConnectError(str(error), request=request) from error
        except aiohttp.ClientResponseError as error:
            raise BodyBroken(f"it sent no valid HTTP: {error.message}") from error
        except aiohttp.ClientError as error:
            raise httpx2.ConnectError(str(error), request=request) from error
        body = ResponseBody(response, self._timeouts.read_s)
        return httpx2.Response(
            response.status,
            headers=list(response.raw_headers),
            stream=body,
            request=request,
            extensions={BODY: body},
        )

    def _new_session(self, *, keeps_connections: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            force_close=not keeps_connections,
            keepalive_timeout=_KEEP_ALIVE_S if keeps_connections else None,
            ssl=self._ssl if self._ssl is not None else True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
            trace_configs=[_tracing()],
        )


class ResponseBody(httpx2.AsyncByteStream):
    """The body of a response, in the pieces in which it arrives."""

    def __init__(self, response: aiohttp.ClientResponse, silence_s: float) -> None:
        """`silence_s` is how long the provider may say nothing while it is being read."""
        self._response = response
        self._silence_s = silence_s

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        content = self._response.content
        watch = _SilenceWatch(content, self._silence_s)
        try:
            watch.listen()
            while piece := await content.readany():
                watch.pause()
                yield piece
                watch.listen()
        except TimeoutError as error:
            raise BodyTimeout(str(error)) from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise BodyBroken(str(error)) from error
        finally:
            watch.stop()

    async def aclose(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class _SilenceWatch:
    """Ends the reading of a body whose sender has been silent for too long.

    One timer that looks now and then. aiohttp's `sock_read` sets a new timer for every piece, which
    costs a tenth of all that a streamed chunk costs, and counts time in which nobody reads too.
    """

    def __init__(self, content: aiohttp.StreamReader, silence_s: float) -> None:
        self._content = content
        self._silence_s = silence_s
        self._loop = asyncio.get_running_loop()
        self._silent_since: float | None = None
        self._timer = self._loop.call_later(silence_s, self._look)

    def listen(self) -> None:
        """Count silence from now on."""
        self._silent_since = self._loop.time()

    def pause(self) -> None:
        """Count none while the reader is busy elsewhere."""
        self._silent_since = None

    def stop(self) -> None:
        """End the watch."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        since = now if self._silent_since is None else self._silent_since
        left_s = since + self._silence_s - now
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        else:
            self._content.set_exception(aiohttp.SocketTimeoutError())


def _began_to_answer(error: Exception) -> bool:
    """Whether bytes of a response came before the connection was lost: aiohttp shows its head."""
    return isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str)


def _tracing() -> aiohttp.TraceConfig:
    """Return the signals that tell which phase a request is in."""

    async def enter_pool(_: object, context: SimpleNamespace, __: object) -> None:
        attempt: _Attempt = context.trace_request_ctx
        attempt.enter("pool", attempt.timeouts.pool_s)

    async def enter_connect(_: object, context: SimpleNamespace, __: object) -> None:
        attempt: _Attempt = context.trace_request_ctx
        attempt.enter("connect", attempt.timeouts.connect_s)

    async def enter_read(_: object, context: SimpleNamespace, __: object) -> None:
        attempt: _Attempt = context.trace_request_ctx
        attempt.enter("read", attempt.timeouts.read_s)

    async def note_reuse(_: object, context: SimpleNamespace, __: object) -> None:
        attempt: _Attempt = context.trace_request_ctx
        attempt.is_reused = True
        attempt.enter("read", attempt.timeouts.read_s)

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_queued_start.append(enter_pool)
    tracing.on_connection_create_start.append(enter_connect)
    tracing.on_connection_create_end.append(enter_read)
    tracing.on_connection_reuseconn.append(note_reuse)
    return tracing


def proxy_for(base_url: str) -> str | None:
    """Return the proxy that the system's settings name for `base_url`; never one for loopback."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host in LOOPBACK_NAMES or host.startswith("127."):
        return None
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
