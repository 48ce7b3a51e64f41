"""The state of one filling: what to read, what the request is about, what has become a value."""

from dataclasses import dataclass, field
from typing import Any

from understudy.engines.extractive import texts
from understudy.engines.extractive.dates import Moment
from understudy.engines.extractive.evidence import Evidence, Mention


@dataclass
class Context:
    """One filling in progress: the evidence, the words of the request itself, what is used."""

    evidence: Evidence
    subject: frozenset[str]
    root: dict[str, Any]
    used: list[texts.Span] = field(default_factory=list)
    asked: str = ""
    labels: frozenset[str] = frozenset()
    """The words that name the parameters being filled; on their own they are no value."""

    def take(self, mention: Mention | Moment) -> None:
        """Remember that a mention has become a value."""
        self.used.append((mention.start, mention.end))

    def is_free(self, mention: Mention | Moment) -> bool:
        """Tell whether a mention has not become a value yet."""
        return not texts.overlaps((mention.start, mention.end), self.used)
