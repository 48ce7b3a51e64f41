"""Which MCP servers may be reached: what a URL must be, and which addresses are public. Pure."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST_URL = 2048
_PORTS = {"https": 443, "http": 80}
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""What lies outside is local, or leads into IPv4: mapped, translated (NAT64), compatible."""
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Teredo, ORCHID and others; documentation; 6to4; documentation; segment routing
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
"""IANA's special-purpose registries and multicast, within 2000::/3 as far as IPv6 goes."""


class UrlRefused(ValueError):
    """No server may be reached under this URL; the text completes "Invalid value for ...:"."""


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A URL that was judged."""

    text: str
    scheme: str
    host: str
    port: int

    @property
    def shown(self) -> str:
        """The URL without path and query, which may hold secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def server_url(text: str, *, is_private_allowed: bool) -> ServerUrl:
    """Judge the URL of a server. Raises UrlRefused.

    Names are judged when they are resolved.
    """
    if len(text) > _LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise UrlRefused(f"expected a URL of at most {_LONGEST_URL} printable ASCII characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UrlRefused("expected a URL such as https://mcp.example.com/mcp") from error
    if parts.scheme not in _PORTS or not host:
        raise UrlRefused("expected a URL such as https://mcp.example.com/mcp")
    if parts.scheme == "http" and not is_private_allowed:
        raise UrlRefused(
            "expected https. Servers without TLS are reached where the setting "
            "mcp.allow_private_networks is on"
        )
    if parts.username is not None or parts.password is not None:
        raise UrlRefused("a URL with a password: give it in 'authorization' or 'headers'")
    url = ServerUrl(text, parts.scheme, host, port or _PORTS[parts.scheme])
    if not is_private_allowed and _is_local(host):
        raise UrlRefused(NOT_PUBLIC)
    return url


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public network."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _NOT_PUBLIC) and address.is_global


def _is_local(host: str) -> bool:
    """Tell what a host's name alone betrays."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return not is_public(address)


NOT_PUBLIC = (
    "the address is not on the public network. Servers on this machine and its networks are "
    "reached where the setting mcp.allow_private_networks is on"
)
