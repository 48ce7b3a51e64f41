"""The rules that keep pages in the user's browser away from a server that asks for no key. Pure.

Without a key, whatever can connect can do everything, and every page that the user opens can
connect to loopback. Programs send none of the headers judged here; browsers cannot leave them out.
"""

import ipaddress
import re
import socket
from collections.abc import Mapping
from functools import lru_cache

from understudy.errors import Forbidden
from understudy.settings import LOOPBACK_NAMES

_FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
"""`same-site` too: another port of localhost is the same site and another origin."""

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\s:/?#@\[\]]+)(:\d*)?")


class BrowserRules:
    """Which requests a server without keys answers."""

    def __init__(
        self,
        cors_origins: tuple[str, ...],
        allowed_hosts: tuple[str, ...],
        *,
        is_behind_proxy: bool,
    ) -> None:
        self._origins = frozenset(cors_origins)
        self._hosts = LOOPBACK_NAMES | {
            socket.gethostname().lower(),
            *(host.lower() for host in allowed_hosts),
        }
        self._is_behind_proxy = is_behind_proxy

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise Forbidden for a request that a foreign page, or a proxy, may have sent."""
        host = headers.get("host", "")
        if not self._is_own_host(host):
            raise Forbidden(
                f"Host '{host}' is not this server's. Connect by localhost or an IP address, or "
                "add the name to the setting allowed_hosts."
            )
        if not self._is_behind_proxy and (name := _first_of(headers, _FORWARDING)):
            raise Forbidden(
                f"The request was forwarded by a proxy ('{name}'), and this server asks for no "
                "key. Create one with `understudy keys create`."
            )
        if "*" in self._origins:
            return
        origin = headers.get("origin")
        if origin in self._origins:
            return
        if origin is not None and not _is_same(origin, host):
            raise Forbidden(
                f"Pages of '{origin}' may not use this server. Add the origin to the setting "
                "cors_origins if they should."
            )
        if headers.get("sec-fetch-site") in _FOREIGN_SITES:
            raise Forbidden("A page of another origin may not use this server.")

    def _is_own_host(self, host: str) -> bool:
        name = _host_name(host)
        return name in self._hosts or _is_address(name)


@lru_cache(maxsize=64)
def _host_name(host: str) -> str:
    """Return the name in a Host header without its port; an empty string for what is no host."""
    found = _HOST.fullmatch(host.lower())
    return found["name"].strip("[]") if found else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_same(origin: str, host: str) -> bool:
    return origin.partition("://")[2].lower() == host.lower()


def _first_of(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in headers), None)
