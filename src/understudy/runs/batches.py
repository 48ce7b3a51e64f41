"""Pieces of an answer gathered for a while, so that not each of them is a write of its own."""

import asyncio
import math
import time
from typing import Protocol

from understudy.runs.commits import Rows, RunWriter

_BATCHED_S = 0.05
"""How long a piece of the answer may wait for others before it is written and sent."""


class Gathering(Protocol):
    """Where pieces gather."""

    @property
    def is_dirty(self) -> bool:
        """Whether `take` has something to give."""
        ...

    def take(self) -> Rows:
        """Return what is new since the last time."""
        ...


class Batches:
    """Posts what a turn has to tell: the first at once, then what gathered in a while."""

    def __init__(self, writer: RunWriter, turn: Gathering) -> None:
        self._writer = writer
        self._turn = turn
        self._posted_at = -math.inf
        self._timer: asyncio.TimerHandle | None = None

    def touch(self) -> None:
        """Post what is new now or a little later."""
        if self._timer is not None or not self._turn.is_dirty:
            return
        wait_s = self._posted_at + _BATCHED_S - time.monotonic()
        if wait_s <= 0:
            self._post()
        else:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._post)

    def close(self) -> None:
        """Post nothing more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _post(self) -> None:
        self._timer = None
        self._posted_at = time.monotonic()
        self._writer.post(self._turn.take())
