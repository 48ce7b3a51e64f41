"""From the host name of an MCP server to addresses that may be connected to."""

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

import anyio

from understudy.responses.mcp.addresses import NOT_PUBLIC, ServerUrl, is_public
from understudy.responses.mcp.failures import ServerFailure

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, the best first. Raises OSError."""

_MOST_ADDRESSES = 4


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Return the addresses that the system's resolver gives."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def addresses_of(url: ServerUrl, resolve: Resolve, *, is_private_allowed: bool) -> list[str]:
    """Return where the server is reached. Raises ServerFailure.

    A name with a public and a private address is refused: which one is used would be chance.
    """
    try:
        found = list(await resolve(url.host, url.port))
    except (OSError, UnicodeError) as error:
        raise _unknown(url) from error
    if not found:
        raise _unknown(url)
    if not is_private_allowed and not all(is_public(ipaddress.ip_address(one)) for one in found):
        raise ServerFailure(f"The MCP server {url.host} is not reached: {NOT_PUBLIC}.")
    return found[:_MOST_ADDRESSES]


def _unknown(url: ServerUrl) -> ServerFailure:
    return ServerFailure(f"The host name of the MCP server is not known: {url.host}.")
