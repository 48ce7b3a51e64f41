"""What a draft of an answer gathers: events to send, items to write, indexes and ids. Pure."""

from dataclasses import dataclass, field
from typing import Any, Literal

from understudy.ids import derived_id, now_s
from understudy.store.items import Item
from understudy.wire.response_events import Event, item_added, item_done
from understudy.wire.response_items import ItemDocument

CallKind = Literal["function", "file_search", "mcp", "mcp_approval"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a draft stands: its ids derive from it, so another attempt makes other ids."""

    response_id: str
    turn: int = 0
    attempt: int = 1
    first_output_index: int = 0


@dataclass(frozen=True, slots=True)
class Options:
    """How an answer is shown: reasoning as its own summary, tokens with their probabilities."""

    summary: bool = False
    logprobs: bool = False


@dataclass(frozen=True, slots=True)
class DraftedCall:
    """A call that the model made; `item` is open where this server has to make the call.

    `name` is the tool's own on its MCP server, and `call_id` what the model calls the call.
    """

    kind: CallKind
    name: str
    call_id: str
    arguments: str
    output_index: int
    item: Item
    server_label: str | None = None


@dataclass(slots=True)
class Drafted:
    """Events without sequence numbers, and items that have changed, whole."""

    events: list[Event] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Sheet:
    """What has gathered since it was taken, and the index of the next item."""

    place: Place
    next_output_index: int
    drafted: Drafted = field(default_factory=Drafted)

    def take(self) -> Drafted:
        """Return what has gathered, and begin anew."""
        taken, self.drafted = self.drafted, Drafted()
        return taken

    def id(self, prefix: str, *parts: str | int) -> str:
        """Return an id that only this attempt at this turn makes."""
        place = self.place
        return derived_id(prefix, place.response_id, place.turn, place.attempt, *parts)

    def tell(self, *events: Event) -> None:
        """Add events."""
        self.drafted.events += events

    def begin(self, prefix: str, document: ItemDocument) -> tuple[ItemDocument, int]:
        """Tell of a new item, and return it, with its id, and its index."""
        index = self.next_output_index
        self.next_output_index += 1
        begun = {"id": self.id(prefix, index), **document}
        self.tell(item_added(begun, index))
        return begun, index

    def write(self, document: ItemDocument, **kept: Any) -> Item:
        """Add an item; `kept` is stored with it and not shown."""
        item = Item(
            id=document["id"],
            type=document["type"],
            created_at=now_s(),
            document={**document, **kept},
            response_id=self.place.response_id,
            extra={"turn": self.place.turn},
        )
        self.drafted.items.append(item)
        return item

    def end(self, document: ItemDocument, index: int) -> None:
        """Tell that an item has ended."""
        self.tell(item_done(document, index))
