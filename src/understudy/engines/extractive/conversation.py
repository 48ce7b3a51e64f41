"""A request's messages read into turns; defensive about their shape, ignorant of their meaning."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from understudy.engines.extractive import language
from understudy.engines.extractive.lexicon import Language

Speaker = Literal["system", "user", "assistant", "tool"]
_SPEAKERS: dict[object, Speaker] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A function call that an assistant made earlier, its arguments decoded."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `name` is a tool message's function where it is known."""

    speaker: Speaker
    text: str
    calls: tuple[Call, ...] = ()
    call_id: str = ""
    name: str = ""


@dataclass(frozen=True)
class Conversation:
    """The turns of a request, and the views of them that the rest decides by."""

    turns: tuple[Turn, ...] = field(default=())

    @cached_property
    def users(self) -> list[str]:
        """The user's messages, oldest first."""
        return [turn.text for turn in self.turns if turn.speaker == "user"]

    @property
    def last_user(self) -> str:
        """The user's last message."""
        return self.users[-1] if self.users else ""

    @cached_property
    def system(self) -> str:
        """All system and developer messages together."""
        return "\n".join(turn.text for turn in self.turns if turn.speaker == "system")

    @cached_property
    def language(self) -> Language:
        """The language to answer in: the user's last one, else the system prompt's."""
        return language.detect_last([self.system, *self.users])

    @cached_property
    def last_user_position(self) -> int:
        """The index of the last user turn, -1 when there is none."""
        positions = [i for i, turn in enumerate(self.turns) if turn.speaker == "user"]
        return positions[-1] if positions else -1

    @property
    def since_user(self) -> tuple[Turn, ...]:
        """What happened after the user's last message."""
        return self.turns[self.last_user_position + 1 :]

    @property
    def before_user(self) -> tuple[Turn, ...]:
        """What happened before the user's last message."""
        return self.turns[: max(0, self.last_user_position)]

    @property
    def has_fresh_results(self) -> bool:
        """Whether the last message is a tool's result."""
        return bool(self.turns) and self.turns[-1].speaker == "tool"


def read(messages: object) -> Conversation:
    """Return the conversation that `messages` hold; entries of another shape are left out."""
    turns: list[Turn] = []
    names: dict[str, str] = {}
    for message in messages if isinstance(messages, list) else []:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            continue
        speaker = _SPEAKERS.get(message["role"])
        if speaker is None:
            continue
        turn = _turn(speaker, message, names)
        names.update({call.id: call.name for call in turn.calls})
        turns.append(turn)
    return Conversation(tuple(turns))


def _turn(speaker: Speaker, message: dict[str, Any], names: dict[str, str]) -> Turn:
    call_id = _string(message.get("tool_call_id"))
    name = names.get(call_id) or _string(message.get("name"))
    calls = tuple(_calls(message)) if speaker == "assistant" else ()
    return Turn(speaker, text_of(message.get("content")), calls, call_id, name)


def text_of(content: object) -> str:
    """Return the text of a message's content: a string, the text parts, or JSON."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if not isinstance(content, list):
        return json.dumps(content, ensure_ascii=False, default=str)
    texts = (part.get("text") if isinstance(part, dict) else part for part in content)
    return "\n".join(text for text in texts if isinstance(text, str))


def _calls(message: dict[str, Any]) -> list[Call]:
    listed = message.get("tool_calls")
    found = []
    for call in listed if isinstance(listed, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            arguments = _arguments(function.get("arguments"))
            name = _string(function.get("name"))
            found.append(Call(_string(call.get("id")), name, arguments))
    return found


def _arguments(raw: object) -> dict[str, Any]:
    if not isinstance(raw, str):
        return {}
    try:
        decoded = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
