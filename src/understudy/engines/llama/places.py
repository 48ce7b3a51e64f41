"""The place of one local model: its child while there is one, and what happened to earlier ones.

Pure but for the child: decides when the next may be started, asks nobody.
"""

import math
import time
from dataclasses import dataclass, field
from typing import Final

from understudy.engines.llama.client import ChildClient
from understudy.engines.llama.models import LocalModel
from understudy.engines.llama.process import EngineProcess

_LONGEST_REST_S: Final = 60.0
_STEADY_S: Final = 60.0
"""A child that answered for so long was well; its end is no sign that the next will fail."""
_USUAL_LOAD_S: Final = 10.0


@dataclass(slots=True)
class Child:
    """A child, and who speaks to it once it is ready."""

    process: EngineProcess
    memory_bytes: int
    client: ChildClient | None = None


@dataclass(slots=True)
class Place:
    """What is known of one model."""

    model: LocalModel
    child: Child | None = None
    users: int = 0
    """Requests that wait for it or are being answered; while there are any, it stays."""
    used_at: float = field(default_factory=time.monotonic)
    failures: int = 0
    """Ends in a row that nobody asked for."""
    rests_until: float = float("-inf")
    last_end: str = ""
    refusal: str = ""
    """The message of why it could not be loaded, where it could not."""
    load_s: float = _USUAL_LOAD_S

    @property
    def is_running(self) -> bool:
        """Whether there is a child that has not ended."""
        return self.child is not None and not self.child.process.has_ended

    @property
    def rest_s(self) -> float:
        """How long until the next child may be started."""
        return max(0.0, self.rests_until - time.monotonic())

    @property
    def retry_after_s(self) -> int:
        """When to ask again for a model that is being loaded."""
        elapsed_s = time.monotonic() - self.child.process.began_at if self.child else 0.0
        return max(1, math.ceil(self.load_s - elapsed_s))

    def note_ready(self, process: EngineProcess) -> None:
        """Remember how long loading takes."""
        self.refusal = ""
        if process.ready_at is not None:
            self.load_s = process.ready_at - process.began_at

    def note_refusal(self, message: str) -> None:
        """Count a model that could not be loaded: it is tried again later."""
        self.refusal = message
        self.failures += 1
        self.rests_until = time.monotonic() + min(2.0**self.failures, _LONGEST_REST_S)

    def note_end(self, process: EngineProcess) -> None:
        """Count a child that ended by itself: at once the first time, then ever later."""
        self.last_end = process.end
        now = time.monotonic()
        if process.ready_at is not None and now - process.ready_at > _STEADY_S:
            self.failures = 0
        rest_s = min(2.0 ** (self.failures - 1), _LONGEST_REST_S) if self.failures else 0.0
        self.failures += 1
        self.rests_until = now + rest_s
