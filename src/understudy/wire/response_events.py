"""Events of a response's stream, each its name and its data without `sequence_number`.

Pure: knows neither the order in which they come nor how they are sent.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from understudy.wire.response_items import ItemDocument

Event: TypeAlias = tuple[str, dict[str, Any]]

ENDINGS = {
    "completed": "response.completed",
    "incomplete": "response.incomplete",
    "failed": "response.failed",
    # The API has no event for a response that was cancelled; its status says so.
    "cancelled": "response.failed",
}
"""The event that ends a stream, by the status of the response."""
_PADDED_TO_BYTES = 32


def made(name: str, /, **data: Any) -> Event:
    """Return an event of this name."""
    return name, {"type": name, **data}


def ended(response: Mapping[str, Any]) -> Event:
    """Return the last event of a stream; the response has its whole output as a list."""
    return made(ENDINGS[response["status"]], response=response)


def obfuscated(data: dict[str, Any]) -> dict[str, Any]:
    """Return an event's data padded, if it is a delta, so that its length tells little."""
    if not isinstance(delta := data.get("delta"), str):
        return data
    return {**data, "obfuscation": "x" * (-len(delta.encode()) % _PADDED_TO_BYTES)}


# --- items ------------------------------------------------------------------------------------


def item_added(item: ItemDocument, output_index: int) -> Event:
    """Return the event of an item that begins."""
    return made("response.output_item.added", output_index=output_index, item=item)


def item_done(item: ItemDocument, output_index: int) -> Event:
    """Return the event of an item that has ended."""
    return made("response.output_item.done", output_index=output_index, item=item)


def item_abandoned(item: ItemDocument, output_index: int) -> Event:
    """Return the event that closes an item which nobody will go on with."""
    closed = {**item, "status": "incomplete"} if "status" in item else item
    return item_done(closed, output_index)


def of_item(name: str, item_id: str, output_index: int, /, **data: Any) -> Event:
    """Return an event about an item, `name` being what follows `response.`."""
    return made(f"response.{name}", item_id=item_id, output_index=output_index, **data)


def search_running(item: ItemDocument, output_index: int) -> Event:
    """Return the event of a search that is being made."""
    return of_item("file_search_call.searching", item["id"], output_index)


def search_done(item: ItemDocument, output_index: int) -> list[Event]:
    """Return the events of a search that has ended."""
    return [
        of_item("file_search_call.completed", item["id"], output_index),
        item_done(item, output_index),
    ]


def mcp_call_done(item: ItemDocument, output_index: int) -> list[Event]:
    """Return the events of a call of an MCP server's tool that has ended, well or not."""
    outcome = "completed" if item.get("error") is None else "failed"
    return [
        of_item(f"mcp_call.{outcome}", item["id"], output_index),
        item_done(item, output_index),
    ]


def mcp_listing(item: ItemDocument, output_index: int) -> list[Event]:
    """Return the events of the question what an MCP server offers; `item` has no tools yet."""
    return [
        item_added(item, output_index),
        of_item("mcp_list_tools.in_progress", item["id"], output_index),
    ]


def mcp_listed(item: ItemDocument, output_index: int) -> list[Event]:
    """Return the events of what an MCP server offers, or of the failure to ask it."""
    outcome = "completed" if item.get("error") is None else "failed"
    return [
        of_item(f"mcp_list_tools.{outcome}", item["id"], output_index),
        item_done(item, output_index),
    ]
