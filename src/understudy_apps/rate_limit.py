"""How often something may be tried: attempts per key in a window, in the memory of this process."""

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from understudy_apps.errors import TooManyAttempts

_MAXIMUM_KEYS = 10_000


class RateLimit:
    """Allows `attempts` of a key within `window_s` seconds.

    Remembers the 10,000 keys that were tried last; times come from `clock`, in seconds.
    """

    def __init__(
        self, attempts: int, window_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._attempts = attempts
        self._window_s = window_s
        self._clock = clock
        self._tried: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Count an attempt. Raises TooManyAttempts, which says when the next one is allowed.

        To be called before what is limited, so that attempts at the same time all count. An attempt
        that is refused does not count.
        """
        now = self._clock()
        times = self._tried.setdefault(key, deque())
        self._tried.move_to_end(key)
        while times and times[0] <= now - self._window_s:
            times.popleft()
        if len(times) >= self._attempts:
            raise TooManyAttempts(max(1, math.ceil(times[0] + self._window_s - now)))
        times.append(now)
        if len(self._tried) > _MAXIMUM_KEYS:
            self._tried.popitem(last=False)

    def give_back(self, key: str) -> None:
        """Take back the latest attempt of a key, as after a login that succeeded."""
        if times := self._tried.get(key):
            times.pop()

    def forget(self, key: str) -> None:
        """Forget the attempts of a key."""
        self._tried.pop(key, None)


def address_key(host: str | None) -> str:
    """Return the key of a client's address: IPv6 by its /64, which one subscriber has whole."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address)
