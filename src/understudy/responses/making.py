"""A response while it is made: what it goes on from, and what has come of it so far. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from understudy.chat.completion import Answered
from understudy.chat.structured import add_usage
from understudy.errors import UnderstudyError
from understudy.ids import now_s
from understudy.responses.draft import Drafted, DraftedCall
from understudy.responses.log import Position
from understudy.responses.offered import ListedTool
from understudy.responses.record import Outcome, ResponseDocument, failed, shown_response
from understudy.responses.starting import Beginning
from understudy.responses.translate import usage_of
from understudy.runs.summary import Summary
from understudy.store.items import Item
from understudy.wire.chat import Usage
from understudy.wire.messages import IncompleteReason as MessageReason
from understudy.wire.response_events import Event, ended, made
from understudy.wire.responses import CreateResponse, Include, IncompleteReason

_OF_MESSAGES: dict[IncompleteReason, MessageReason] = {
    "max_output_tokens": "max_tokens",
    "content_filter": "content_filter",
}
"""What threads call the reason why a message is incomplete."""


@dataclass(slots=True)
class Making:
    """What the turns of a response work on and leave behind."""

    wanted: CreateResponse
    response: ResponseDocument
    """As it was echoed at the start."""
    beginning: Beginning
    items: list[Item] = field(default_factory=list)
    """What was put out, in its order; what is still open is replaced when it is done."""
    turn: int = 0
    attempt: int = 1
    output_index: int = 0
    hosted_calls: int = 0
    open_calls: list[DraftedCall] = field(default_factory=list)
    """What the last turn called for and is still to be done here, in its order."""
    has_begun: bool = False
    """Whether what comes before the first turn is done, but for the calls that it left open."""
    may_be_under_way: bool = False
    """Whether a worker that is gone may have begun the first open call."""
    is_left: bool = False
    """Whether the last turn also called for what the client has to do."""
    is_at_rest: bool = True
    """Whether no answer of the model is on its way, so that what is there can be kept."""
    summary: Summary | None = None
    """What stands for the oldest items, where the model is told to work with one."""
    usage: Usage | None = None
    listed: Mapping[str, Sequence[ListedTool]] = field(default_factory=dict)
    answered: Answered | None = None
    outcome: Outcome | None = None
    is_current: bool = True
    """Whether the conversation is as it was when the first request to the model was made."""

    @property
    def position(self) -> Position:
        """Where the response stands."""
        return self.beginning.position

    @property
    def history(self) -> list[Item]:
        """Everything that was said before the next turn."""
        return [*self.beginning.context, *self.beginning.inputs, *self.items]

    @property
    def include(self) -> frozenset[Include]:
        """What is shown besides."""
        return frozenset(self.wanted.include or ())

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come."""
        return self.outcome is not None

    @property
    def is_spent(self) -> bool:
        """Whether the model has called for as much as `max_tool_calls` allows to be done here."""
        most = self.wanted.max_tool_calls
        return most is not None and self.hosted_calls >= most

    def take(self, drafted: Drafted) -> Drafted:
        """Note what is new, and return it."""
        places = {item.id: place for place, item in enumerate(self.items)}
        for item in drafted.items:
            if item.id in places:
                self.items[places[item.id]] = item
            else:
                places[item.id] = len(self.items)
                self.items.append(item)
        return drafted

    def count(self, used: Usage | None) -> None:
        """Add what a turn has used."""
        if used is not None:
            self.usage = used if self.usage is None else add_usage(self.usage, used)

    def end(self, reason: IncompleteReason | None = None) -> None:
        """Be over: completed, or incomplete for a reason."""
        if reason is None:
            self.outcome = Outcome("completed", self.shown_usage, completed_at=now_s())
        else:
            details: dict[str, str] = {"reason": reason}
            self.outcome = Outcome("incomplete", self.shown_usage, details)
            self.items = [_cut_short(item, reason) for item in self.items]

    def fail(self, error: UnderstudyError) -> None:
        """Be over because of an error."""
        self.outcome = failed(error, self.shown_usage)

    def cancel(self, why: str) -> None:
        """Be over because nobody is left to be answered."""
        error = {"code": "server_error", "message": why}
        self.outcome = Outcome("cancelled", self.shown_usage, error=error)

    @property
    def shown_usage(self) -> dict[str, object] | None:
        """The tokens of all turns, as clients are told."""
        return None if self.usage is None else msgspec.to_builtins(usage_of(self.usage))

    def shown(self, outcome: Outcome) -> ResponseDocument:
        """Return the response as clients see it with this outcome."""
        return shown_response(self.response, outcome, self.items, self.include)

    def told(self, name: str, outcome: Outcome) -> Event:
        """Return an event that carries the response."""
        return made(f"response.{name}", response=self.shown(outcome))

    def ending(self) -> Event:
        """Return the last event."""
        assert self.outcome is not None
        return ended(self.shown(self.outcome))


def _cut_short(item: Item, reason: IncompleteReason) -> Item:
    """Return a message that was not finished with the reason, which its thread shows."""
    if item.type != "message" or item.document["status"] != "incomplete":
        return item
    why = {"incomplete_at": now_s(), "incomplete_details": {"reason": _OF_MESSAGES[reason]}}
    return replace(item, extra={**item.extra, **why})
