"""Talking to an instance on its own thread: what requests say, what answers hold, what it is shown.

Ours, not OpenAI's; an answer in words is a chat completion with a few members more.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from understudy.wire.audio import SpeechFormat, VoiceReference
from understudy.wire.chat import ChatCompletion
from understudy.wire.memories import MemoryChange
from understudy.wire.metadata import Metadata

MESSAGE_CHARACTERS = 256_000
Message: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=MESSAGE_CHARACTERS, pattern=r"^[^\x00]*$")
]
Instructions: TypeAlias = Annotated[str, Meta(max_length=MESSAGE_CHARACTERS, pattern=r"^[^\x00]*$")]


class ChatWithInstance(Struct):
    """A message to an instance; `instructions` hold for its answer alone."""

    message: Message
    stream: bool = False
    instructions: Instructions | None = None
    metadata: Metadata | None = None


class SpeakWithInstance(Struct):
    """A message to an instance whose answer is wanted as audio; the voice is its own by default."""

    message: Message
    instructions: Instructions | None = None
    metadata: Metadata | None = None
    voice: Annotated[str, Meta(min_length=1)] | VoiceReference | None = None
    speech_model: Annotated[str, Meta(min_length=1)] | None = None
    response_format: SpeechFormat = "mp3"
    speed: Annotated[float, Meta(ge=0.25, le=4)] = 1.0
    speech_instructions: Annotated[str, Meta(max_length=4_096)] | None = None


class InstanceAnswer(ChatCompletion, kw_only=True):
    """An instance's answer: `id` is the run's; the messages are on the instance's thread."""

    instance_id: str
    thread_id: str
    run_id: str
    message_id: str | None
    memory_changes: list[MemoryChange]
    """What was learned from the message."""


class ContextPart(Struct):
    """A part of the prompt; `tokens` as this server counts them, which no model does exactly."""

    name: str
    tokens: int
    text: str


class ContextMessage(Struct):
    """A message of the thread as the model is shown it."""

    role: str
    tokens: int
    content: Any


class InstanceContext(Struct):
    """What the model would be shown with the next message."""

    instance_id: str
    model: str
    context_length: int | None
    tokens: int
    parts: list[ContextPart]
    messages: list[ContextMessage]
    object: Literal["character.instance.context"] = "character.instance.context"
