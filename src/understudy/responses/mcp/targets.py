"""What a use of an MCP server is given: whom to reach, how, and within which limits."""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from understudy.responses.mcp.addresses import ServerUrl
from understudy.responses.mcp.resolving import Resolve

if TYPE_CHECKING:
    from mcp import ClientSession

Result = TypeVar("Result")
Action: TypeAlias = Callable[["ClientSession"], Awaitable[Result]]
"""What is done with a session while it lasts."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server as a request names it; the headers are secrets."""

    url: ServerUrl
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one use of a server may take."""

    connect_s: float
    total_s: float
    received_bytes: int


@dataclass(frozen=True, slots=True)
class Network:
    """How servers are reached; `verify` is what certificates are checked with."""

    resolve: Resolve
    verify: ssl.SSLContext
    is_private_allowed: bool
