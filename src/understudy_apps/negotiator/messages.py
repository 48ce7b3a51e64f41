"""Messages and function calls of the assistant as the page sees them. Makes no call of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openai.types.beta.threads import Message, RequiredActionFunctionToolCall
from openai.types.beta.threads.run_submit_tool_outputs_params import ToolOutput

from understudy_apps.negotiator import offers
from understudy_apps.negotiator.assistant import Files
from understudy_apps.negotiator.tools import Functions
from understudy_apps.tools import Tools

Event = tuple[str, dict[str, Any]]
Citation = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the chat. `role` is user or assistant."""

    id: str
    role: str
    text: str
    citations: list[Citation]
    created_at: int


class RecordingTools(Tools):
    """The functions of a chat; their calls, and the offers these opened, are kept as events."""

    def __init__(self, functions: Functions) -> None:
        super().__init__(functions.all)
        self._of_chat = functions
        self._events: list[Event] = []

    async def output(self, call: RequiredActionFunctionToolCall) -> ToolOutput:
        """Make a call, and record it."""
        made = await super().output(call)
        card = {
            "name": call.function.name,
            "arguments": _decoded(call.function.arguments),
            "output": made["output"],
        }
        self._events.append(("tool", card))
        self._events += [("offer", offers.view(offer)) for offer in self._of_chat.opened]
        self._of_chat.opened.clear()
        return made

    def taken(self) -> list[Event]:
        """Return the events since the last time."""
        events, self._events = self._events, []
        return events


def said(message: Message, files: Files) -> Said:
    """Return a message of a thread with its citations."""
    return Said(
        message.id,
        message.role,
        "\n".join(part.text.value for part in message.content if part.type == "text"),
        list(citations(message, files)),
        message.created_at,
    )


def citations(message: Message, files: Files) -> Iterator[Citation]:
    """Return where the statements of a message are from.

    `text` is the marker in the message. Citations of the Assistants API name no page, so it is the
    one that is closest to the statement before the marker.
    """
    for part in message.content:
        if part.type != "text":
            continue
        begins = 0
        for annotation in part.text.annotations:
            if annotation.type != "file_citation":
                continue
            statement = part.text.value[begins : annotation.start_index]
            begins = annotation.end_index
            file_id = annotation.file_citation.file_id
            printed = files.get(file_id)
            yield {
                "text": annotation.text,
                "file_id": file_id,
                "filename": printed.filename if printed else None,
                "page": printed.page_of(statement) if printed else None,
            }


def _decoded(arguments: str) -> Any:
    """Return the arguments of a call, as they were written when they are no JSON."""
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments
