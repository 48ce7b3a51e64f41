"""One use of an MCP server: connect, ask, close, all of it within a time and a number of bytes.

What the package `mcp` raises leaves as ServerFailure; the package itself reconnects and logs.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
from pydantic import ValidationError

from understudy.responses.mcp.failures import (
    INVALID_ANSWER,
    TIMED_OUT,
    ServerFailure,
    http_failure,
)
from understudy.responses.mcp.guard import GuardedTransport, Watch
from understudy.responses.mcp.resolving import addresses_of
from understudy.responses.mcp.targets import Action, Limits, Network, Result, Server

_log = logging.getLogger(__name__)

_LONGEST_MESSAGE = 500
_GOODBYE_S = 1.0
"""How long the end of a session may take: nobody needs it but the server."""
_NO_SUCH_ENDPOINT = (404, 405)
"""What servers of the first protocol over HTTP answer to a POST."""


async def use(
    server: Server,
    network: Network,
    limits: Limits,
    action: Action[Result],
) -> Result:
    """Connect, and return what `action` makes of the session. Raises ServerFailure."""
    deadline_s = anyio.current_time() + limits.total_s
    try:
        with anyio.fail_after(limits.total_s):
            addresses = await addresses_of(
                server.url, network.resolve, is_private_allowed=network.is_private_allowed
            )
    except TimeoutError as error:
        raise _too_late(limits) from error
    attempt = _Attempt(server, network, limits, addresses, deadline_s)
    try:
        return await _used(attempt, _streams, action)
    except _NoEndpoint as failure:
        try:
            return await _used(attempt, _event_streams, action)
        except ServerFailure:
            raise failure from None


class _NoEndpoint(ServerFailure):
    """The server has nothing where Streamable HTTP would be; nothing was asked of it."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One connection to a server whose addresses were judged."""

    server: Server
    network: Network
    limits: Limits
    addresses: list[str]
    deadline_s: float

    def client(self, watch: Watch) -> httpx2.AsyncClient:
        """Return a client that reaches this server alone."""
        return httpx2.AsyncClient(
            transport=GuardedTransport(self.server.url, self.addresses, watch, self.network.verify),
            headers={**self.server.headers, "accept-encoding": "identity"},
            timeout=httpx2.Timeout(self.limits.total_s, connect=self.limits.connect_s),
            trust_env=False,
        )


_Streams = Callable[[_Attempt, Watch], AbstractAsyncContextManager[Any]]


async def _used(
    attempt: _Attempt,
    streams: _Streams,
    action: Action[Result],
) -> Result:
    """Return what `action` makes of a session; what happens once it is there is no matter."""
    from mcp import Client, MCPError

    scope = anyio.CancelScope(deadline=attempt.deadline_s)
    watch = Watch(attempt.limits.received_bytes, scope)
    has_begun = False
    results: list[Result] = []
    met: BaseException | None = None
    try:
        with scope:
            async with Client(streams(attempt, watch), cache=None) as client:
                has_begun = True
                results.append(await action(client.session))
                scope.deadline = anyio.current_time() + _GOODBYE_S
    except* (
        *(MCPError, ServerFailure, ValidationError, httpx2.HTTPError, httpx2.SSEError),
        *(httpx2.StreamError, RuntimeError, ValueError),
        *(anyio.BrokenResourceError, anyio.ClosedResourceError),
    ) as group:
        met = _first(group)
    if results:
        return results[0]
    if watch.failure is None and scope.cancelled_caught:
        raise _too_late(attempt.limits)
    if watch.refused_with in _NO_SUCH_ENDPOINT and not has_begun:
        refused = http_failure(watch.refused_with)
        raise _NoEndpoint(refused.message, code=refused.code, kind=refused.kind) from met
    raise watch.failure or _failure(met, watch) from met


@asynccontextmanager
async def _streams(attempt: _Attempt, watch: Watch) -> AsyncIterator[Any]:
    """Open Streamable HTTP."""
    from mcp.client.streamable_http import streamable_http_client

    limit_bytes = attempt.limits.received_bytes
    async with (
        attempt.client(watch) as client,
        streamable_http_client(
            attempt.server.url.text, http_client=client, max_sse_event_size=limit_bytes
        ) as streams,
    ):
        yield streams


@asynccontextmanager
async def _event_streams(attempt: _Attempt, watch: Watch) -> AsyncIterator[Any]:
    """Open HTTP with server-sent events, which servers spoke before Streamable HTTP."""
    from mcp.client.sse import sse_client

    def client(
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        return attempt.client(watch)

    async with sse_client(attempt.server.url.text, httpx_client_factory=client) as streams:
        yield streams


def _too_late(limits: Limits) -> ServerFailure:
    return ServerFailure(
        f"The MCP server did not answer within {limits.total_s:g} seconds.", code=TIMED_OUT
    )


def _first(error: BaseException) -> BaseException:
    """Return the first error in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _failure(error: BaseException | None, watch: Watch) -> ServerFailure:
    """Return what the package's error says of the server."""
    from mcp import MCPError

    if watch.refused_with is not None:
        return http_failure(watch.refused_with)
    match error:
        case ServerFailure():
            return error
        case httpx2.HTTPStatusError():
            return http_failure(error.response.status_code)
        case MCPError():
            said = error.message[:_LONGEST_MESSAGE]
            return ServerFailure(f"The MCP server answered with an error: {said}", code=error.code)
        case ValidationError():
            return ServerFailure(
                "The MCP server sent an answer that is not of the protocol.", code=INVALID_ANSWER
            )
        case _:
            _log.warning("the session with an MCP server ended with %s", type(error).__name__)
            return ServerFailure("The connection to the MCP server was lost.")
