"""Moderations on the wire: the request's types; answers come from a provider as they are."""

from typing import Any

from msgspec import Struct


class ModerationRequestShape(Struct):
    """Types of a moderation request."""

    input: str | list[Any]
    model: str | None = None


class Moderation(Struct):
    """A provider's moderation answer."""

    id: str
    model: str
    results: list[dict[str, Any]]
