"""Takes calls of the memory's functions out of a stream of chunks; all else goes on to the client.

Pure: what the calls do is not known here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, structs

from understudy.wire.chat import ChatChunk, ChunkChoice, Delta, ToolCallDelta, Usage


@dataclass(slots=True)
class OwnCall:
    """A call of one of the memory's functions."""

    id: str
    name: str
    arguments: str = ""


class CallSplitter:
    """Splits the chunks of one answer with one choice."""

    def __init__(self, own: Collection[str], follows: "CallSplitter | None" = None) -> None:
        """`own` are the names of the functions to take out; `follows` read the answer before."""
        self._own_names = own
        self._own: dict[int, OwnCall] = {}
        self._theirs: dict[int, int] = {}
        self._is_first = follows is None
        self._parts_from = follows is not None and follows.has_said
        self.text = ""
        self.usage: Usage | None = None
        self.finish_reason: str | None = None

    @property
    def takes_calls(self) -> bool:
        """Whether there are functions to take out."""
        return bool(self._own_names)

    @property
    def own(self) -> list[OwnCall]:
        """The calls that were taken out, in their order."""
        return [self._own[index] for index in sorted(self._own)]

    @property
    def has_theirs(self) -> bool:
        """Whether the client has calls to make."""
        return bool(self._theirs)

    @property
    def client_finish_reason(self) -> str | None:
        """What the client is told that the answer ended with: calls only where it got some."""
        if self.finish_reason == "tool_calls" and not self._theirs:
            return "stop"
        return self.finish_reason

    @property
    def has_said(self) -> bool:
        """Whether the client was sent text, in this answer or before it."""
        return bool(self.text) or self._parts_from

    def message(self) -> dict[str, Any]:
        """Return the answer as a message of the history, with the calls that were taken out."""
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in self.own
        ]
        return {"role": "assistant", "content": self.text or None, "tool_calls": calls}

    def feed(self, chunk: ChatChunk) -> ChatChunk | None:
        """Return what of a chunk the client gets: no usage, no finish reason, no call of ours."""
        if isinstance(chunk.usage, Usage):
            self.usage = chunk.usage
        choices = [kept for choice in chunk.choices if (kept := self._choice(choice)) is not None]
        return structs.replace(chunk, choices=choices, usage=UNSET) if choices else None

    def _choice(self, choice: ChunkChoice) -> ChunkChoice | None:
        if choice.finish_reason is not None:
            self.finish_reason = choice.finish_reason
        delta = choice.delta
        if delta.role and not self._is_first:
            delta = structs.replace(delta, role=UNSET)
        if delta.content:
            delta = self._with_text(delta, delta.content)
        if delta.tool_calls:
            delta = structs.replace(delta, tool_calls=self._kept(delta.tool_calls) or UNSET)
        if delta == Delta():
            return None
        return structs.replace(choice, delta=delta, finish_reason=None)

    def _with_text(self, delta: Delta, text: str) -> Delta:
        """Return a delta whose text stands apart from what was said before a call."""
        stands_apart = self._parts_from and not self.text
        self.text += text
        return structs.replace(delta, content=f"\n\n{text}") if stands_apart else delta

    def _kept(self, pieces: list[ToolCallDelta]) -> list[ToolCallDelta]:
        kept = []
        for piece in pieces:
            function = piece.function or None
            name = (function.name if function else None) or ""
            if piece.index not in self._own and name in self._own_names:
                self._own[piece.index] = OwnCall(piece.id or "", name)
            if (own := self._own.get(piece.index)) is not None:
                own.arguments += (function.arguments if function else None) or ""
                continue
            index = self._theirs.setdefault(piece.index, len(self._theirs))
            kept.append(structs.replace(piece, index=index))
        return kept
