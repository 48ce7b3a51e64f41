"""What became of the objects of an import. Knows no database."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from understudy.interchange.kinds import KINDS, Kind, Place, Unreadable

Outcome = Literal["new", "changed", "already_there", "kept", "failed"]
"""`changed` was there and got what it lacked; `kept` differs from the import and stays as it is."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_MOST_FAILURES = 1000

Done = Callable[[int, int], None]
"""Is told how much of a part of the work is done, and of how much."""


@dataclass(slots=True)
class Report:
    """Counts by kind, and the reasons of failures, of which only the first are kept."""

    counts: dict[Kind, Counter[Outcome]] = field(
        default_factory=lambda: {kind: Counter() for kind in KINDS}
    )
    failures: list[Unreadable] = field(default_factory=list)
    failure_count: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    without_content: int = 0
    unfinished_runs: int = 0

    def note(self, kind: Kind, outcome: Outcome) -> None:
        """Count what became of an object."""
        self.counts[kind][outcome] += 1

    def fail(self, kind: Kind, place: Place, reason: str) -> None:
        """Count an object that was not imported."""
        self.counts[kind]["failed"] += 1
        self.refuse(Unreadable(place, f"the {kind} {reason}"))

    def refuse(self, unreadable: Unreadable) -> None:
        """Count something that could not be read, of whatever kind it is."""
        self.failure_count += 1
        if len(self.failures) < _MOST_FAILURES:
            self.failures.append(unreadable)
