"""The Qwen models of DashScope and what each can do, as a table of families.

A snapshot (`qwen-plus-2025-07-28`, `qwen-max-latest`) belongs to the longest family that begins its
name. Sources: the public model list, deep thinking, structured output and embedding pages of
Alibaba Cloud Model Studio, as of mid 2026. Imports nothing heavy: the registry asks it for names.
"""

from dataclasses import dataclass, replace
from typing import Literal

from understudy.engines.base import Capabilities, ModelKind

Thinking = Literal["none", "off", "on", "always"]
"""Cannot think; can, and does so only when asked, or unless told not to; cannot stop thinking."""

_K = 1024


@dataclass(frozen=True, slots=True)
class QwenModel:
    """What one family can do."""

    context_length: int | None
    thinking: Thinking = "none"
    stream_only: bool = False
    tools: bool = True
    vision: bool = False
    audio: bool = False
    json_object: bool = True
    json_schema: bool = False
    kind: ModelKind = "chat"
    inputs_per_call: int = 10

    @property
    def capabilities(self) -> Capabilities:
        """The record that `chat/` adapts requests to."""
        always_thinks = self.thinking == "always"
        return Capabilities(
            kind=self.kind,
            tools=self.tools,
            forced_tool_choice=self.tools and not always_thinks,
            parallel_tool_calls=self.tools,
            json_object=self.json_object and not always_thinks,
            json_schema=self.json_schema and not always_thinks,
            logprobs=False,
            n=False,
            logit_bias=False,
            vision=self.vision,
            audio=self.audio,
            token_ids=False,
            context_length=self.context_length,
        )


_COMMERCIAL: dict[str, QwenModel] = {
    "qwen-max": QwenModel(32 * _K),
    "qwen-plus": QwenModel(1_000_000, thinking="off", json_schema=True),
    "qwen-plus-character": QwenModel(32 * _K, tools=False),
    "qwen-flash": QwenModel(1_000_000, thinking="off"),
    "qwen-flash-character": QwenModel(8 * _K, tools=False),
    "qwen-turbo": QwenModel(1_000_000, thinking="off"),
    "qwen-long": QwenModel(10_000_000, tools=False),
    "qwen-mt": QwenModel(16 * _K, tools=False, json_object=False),
    "qwen-math": QwenModel(4 * _K, tools=False, json_object=False),
    "qwen-coder": QwenModel(128 * _K),
    "qwen-vl": QwenModel(128 * _K, tools=False, vision=True),
    "qwen-vl-ocr": QwenModel(32 * _K, tools=False, vision=True, json_object=False),
    "qwen-omni": QwenModel(
        32 * _K, stream_only=True, tools=False, vision=True, audio=True, json_object=False
    ),
    "qwen3-max": QwenModel(256 * _K, thinking="off"),
    "qwen3-coder-plus": QwenModel(1_000_000),
    "qwen3-coder-flash": QwenModel(1_000_000),
    "qwen3-coder-next": QwenModel(256 * _K),
    "qwen3-vl-plus": QwenModel(256 * _K, thinking="off", vision=True),
    "qwen3-vl-flash": QwenModel(256 * _K, thinking="off", vision=True),
    "qwen3-omni-flash": QwenModel(
        64 * _K,
        thinking="off",
        stream_only=True,
        tools=False,
        vision=True,
        audio=True,
        json_object=False,
    ),
    "qwen3.5-plus": QwenModel(1_000_000, thinking="on", vision=True, json_schema=True),
    "qwen3.5-flash": QwenModel(1_000_000, thinking="on", vision=True),
    "qwen3.6-plus": QwenModel(1_000_000, thinking="on", vision=True, json_schema=True),
    "qwen3.6-flash": QwenModel(1_000_000, thinking="on", vision=True),
    "qwen3.7-plus": QwenModel(1_000_000, thinking="on", vision=True, json_schema=True),
    "qwen3.7-max": QwenModel(1_000_000, thinking="on"),
    "qwq-plus": QwenModel(128 * _K, thinking="always", stream_only=True),
    "qvq-max": QwenModel(128 * _K, thinking="always", stream_only=True, tools=False, vision=True),
    "qvq-plus": QwenModel(128 * _K, thinking="always", stream_only=True, tools=False, vision=True),
    "text-embedding-v1": QwenModel(2 * _K, kind="embedding", inputs_per_call=25),
    "text-embedding-v2": QwenModel(2 * _K, kind="embedding", inputs_per_call=25),
    "text-embedding-v3": QwenModel(8 * _K, kind="embedding"),
    "text-embedding-v4": QwenModel(8 * _K, kind="embedding"),
}

_OPEN_WEIGHTS: dict[str, QwenModel] = {
    "qwen2": QwenModel(32 * _K),
    "qwen2.5": QwenModel(128 * _K),
    "qwen2.5-vl": QwenModel(128 * _K, tools=False, vision=True),
    "qwen2.5-omni": QwenModel(32 * _K, stream_only=True, tools=False, vision=True, audio=True),
    "qwen3": QwenModel(128 * _K, thinking="on"),
    "qwen3-next": QwenModel(128 * _K),
    "qwen3-coder": QwenModel(256 * _K),
    "qwen3-vl": QwenModel(128 * _K, vision=True),
    "qwen3.5": QwenModel(256 * _K, thinking="on", vision=True),
    "qwen3.6": QwenModel(256 * _K, thinking="on", vision=True),
    "qwq": QwenModel(128 * _K, thinking="always", stream_only=True),
    "qvq": QwenModel(32 * _K, thinking="always", stream_only=True, tools=False, vision=True),
}
"""Weights that other servers offer under the same names, so their bare names do not lead here."""

_FAMILIES = {**_OPEN_WEIGHTS, **_COMMERCIAL}
_UNKNOWN = QwenModel(None, thinking="on", vision=True, json_schema=True)
"""A name of tomorrow: called in the way that every model takes, and judged by DashScope."""

LISTED = (
    "qwen-max",
    "qwen-plus",
    "qwen-flash",
    "qwen-turbo",
    "qwen-long",
    "qwen-coder-plus",
    "qwen-mt-plus",
    "qwen-mt-turbo",
    "qwen-vl-max",
    "qwen-vl-plus",
    "qwen-omni-turbo",
    "qwen3-max",
    "qwen3-coder-plus",
    "qwen3-coder-flash",
    "qwen3-vl-plus",
    "qwen3-vl-flash",
    "qwen3-omni-flash",
    "qwen3.5-plus",
    "qwen3.5-flash",
    "qwen3.6-plus",
    "qwen3.6-flash",
    "qwq-plus",
    "qvq-max",
    "text-embedding-v3",
    "text-embedding-v4",
)
"""What `/v1/models` shows of DashScope; every other name is passed on as well."""


def qwen_model(name: str) -> QwenModel:
    """Return what `name` can do; an unknown name gets defaults that any model takes."""
    family = _family(name, _FAMILIES)
    if family is None:
        return _UNKNOWN
    model = _FAMILIES[family]
    if name.endswith("-thinking") or "-thinking-" in name:
        return replace(model, thinking="always")
    if "-instruct" in name:
        return replace(model, thinking="none")
    return model


def is_known_qwen(name: str) -> bool:
    """Whether the bare `name` can only mean a model of DashScope."""
    return _family(name, _COMMERCIAL) is not None


def _family(name: str, families: dict[str, QwenModel]) -> str | None:
    """Return the longest family that is `name` or begins it before a hyphen."""
    found = [known for known in families if name == known or name.startswith(f"{known}-")]
    return max(found, key=len, default=None)
