"""Whether an address is this machine's, however it is spelled. Pure but for this machine's name."""

import ipaddress
import socket
from urllib.parse import urlsplit

WILDCARDS = frozenset({"0.0.0.0", "::", ""})


def is_loopback(host: str) -> bool:
    """Tell whether only programs on this machine can reach `host`."""
    name = _plain(host)
    if name == "localhost":
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def leads_to(url: str, host: str, port: int) -> bool:
    """Tell whether a request to `url` reaches a server that listens on `host` and `port`."""
    parts = urlsplit(url)
    if (parts.port or (443 if parts.scheme == "https" else 80)) != port:
        return False
    name = _plain(parts.hostname or "")
    own_names = {_plain(host), _plain(socket.gethostname()), *WILDCARDS}
    return name in own_names or is_loopback(name)


def _plain(host: str) -> str:
    """Return the one spelling of a name or an address."""
    name = host.strip("[]").rstrip(".").lower()
    return name if (address := _address(name)) is None else str(address)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
